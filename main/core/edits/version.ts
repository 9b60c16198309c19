// A version: a committed edit with all that is needed to reproduce it. Immutable; its id is the sha-256 of its canonical
// content, parents included, so an id vouches for the whole history behind it. Results of evaluations are not part of it:
// they are made later and point at it.
import * as v from 'valibot';
import { AppError, type ErrorCode } from '../../contract/base/errors.ts';
import {
  authorSchema,
  featureSchema,
  hashSchema,
  lineSchema,
  paragraphSchema,
  timeSchema,
} from '../../contract/base/fields.ts';
import { validate } from '../../contract/base/validate.ts';
import { contentId } from './canonical.ts';
import { editId } from './edit.ts';
import { featuresOf, operationsSchema } from '../../contract/domain/edit.ts';
import type { Operation } from '../../contract/domain/operations/index.ts';

export const VERSION_FORMAT = 'errata.version.1';
export const MAX_BEHAVIOURS = 1000;
const MAX_LABELS = 100_000;

/** A feature's label as it read when the version was committed. */
export interface FeatureLabel {
  readonly dictionary: string;
  readonly feature: number;
  readonly text: string;
}

export interface VersionContent {
  readonly format: typeof VERSION_FORMAT;
  /** None for the first version, two for a merge: first the version that was merged into. */
  readonly parents: readonly string[];
  /** Content hash of the model. */
  readonly model: string;
  readonly operations: readonly Operation[];
  /** Ids of the behaviours it must satisfy, sorted. */
  readonly behaviours: readonly string[];
  /** Labels of the features that the operations touch or read, sorted by dictionary and feature. */
  readonly labels: readonly FeatureLabel[];
  readonly message: string;
  readonly author: string;
  readonly time: string;
}

export interface Version extends VersionContent {
  readonly id: string;
  /** Id of its edit alone: two versions with the same operations share it. */
  readonly edit: string;
}

const contentEntries = {
  format: v.literal(VERSION_FORMAT, `expected the format ${VERSION_FORMAT}`),
  parents: v.pipe(v.array(hashSchema), v.maxLength(2, 'more than two parents'), distinct('a parent twice')),
  model: hashSchema,
  operations: operationsSchema,
  behaviours: v.pipe(
    v.array(hashSchema),
    v.maxLength(MAX_BEHAVIOURS, `more than ${MAX_BEHAVIOURS} behaviours`),
    distinct('a behaviour twice'),
    v.transform((ids) => ids.toSorted()),
  ),
  labels: v.pipe(
    v.array(v.strictObject({ dictionary: hashSchema, feature: featureSchema, text: lineSchema(2000, 1) })),
    v.maxLength(MAX_LABELS, `more than ${MAX_LABELS} labels`),
    v.check((labels) => new Set(labels.map(labelKey)).size === labels.length, 'two labels of one feature'),
    v.transform((labels) => labels.toSorted((a, b) => compareLabels(a, b))),
  ),
  message: paragraphSchema(10_000, 1),
  author: authorSchema,
  time: timeSchema,
};
const contentSchema = v.strictObject(contentEntries);
const versionSchema = v.strictObject({ ...contentEntries, id: hashSchema, edit: hashSchema });

/** Checks the content and gives it its ids. @throws AppError('usage') naming what is wrong with it. */
export function makeVersion(content: VersionContent): Version {
  const checked = validate(contentSchema, content, 'The version');
  return { ...checked, id: contentId(checked), edit: editId(checked) };
}

/**
 * Reads a version from outside. Its ids are recomputed, never believed.
 * @throws AppError(code) when it is malformed or its content does not have the id it claims.
 */
export function parseVersion(value: unknown, subject: string, code: ErrorCode = 'invalid-file'): Version {
  const { id, edit, ...content } = validate(versionSchema, value, subject, code);
  const actual = contentId(content);
  if (actual !== id) {
    throw new AppError(
      code,
      `${subject}: version ${shortId(id)} was altered: its content has the id ${shortId(actual)}.`,
      {
        details: { subject, claimed: id, actual },
      },
    );
  }
  const actualEdit = editId(content);
  if (actualEdit !== edit) {
    throw new AppError(code, `${subject}: version ${shortId(id)} names the wrong edit.`, {
      details: { subject, claimed: edit, actual: actualEdit },
    });
  }
  return { ...content, id, edit };
}

/** The hashes of the dictionaries that a version's operations come from, sorted. */
export function dictionariesOf(version: Pick<VersionContent, 'operations'>): readonly string[] {
  return [...new Set(version.operations.map((operation) => operation.dictionary))].sort();
}

/** Every feature whose label belongs into a version with these operations. */
export function labelledFeatures(
  operations: readonly Operation[],
): readonly Pick<FeatureLabel, 'dictionary' | 'feature'>[] {
  const features = new Map<string, Pick<FeatureLabel, 'dictionary' | 'feature'>>();
  for (const operation of operations) {
    for (const feature of featuresOf(operation)) {
      const key = { dictionary: operation.dictionary, feature };
      features.set(labelKey(key), key);
    }
  }
  return [...features.values()].sort(compareLabels);
}

/** How an id is shown to people. */
export function shortId(id: string): string {
  return id.slice(0, 10);
}

export function labelKey(label: Pick<FeatureLabel, 'dictionary' | 'feature'>): string {
  return `${label.dictionary} ${label.feature}`;
}

function compareLabels(
  a: Pick<FeatureLabel, 'dictionary' | 'feature'>,
  b: Pick<FeatureLabel, 'dictionary' | 'feature'>,
): number {
  return a.dictionary < b.dictionary ? -1 : a.dictionary > b.dictionary ? 1 : a.feature - b.feature;
}

function distinct(message: string) {
  return v.check<string[], string>((values) => new Set(values).size === values.length, message);
}
