// What a researcher says about a feature. A feature has one current label; a feature without one is unlabelled.
// Invariants: `labelled` has a text; `unlabelled` has neither text nor confidence; tags are sorted and distinct. Text is
// plain text: whatever shows it escapes it, markup in it is never interpreted.
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

export const LABEL_STATES = ['unlabelled', 'draft', 'labelled', 'uninterpretable'] as const;
export type LabelState = (typeof LABEL_STATES)[number];

export interface FeatureKey {
  /** Content hash of the dictionary. */
  readonly dictionary: string;
  readonly feature: number;
}

export interface LabelContent {
  readonly state: LabelState;
  /** One line: what the feature stands for. */
  readonly text: string;
  readonly notes: string;
  readonly tags: readonly string[];
  /** 1 (a guess) to 5 (certain); null: not said. */
  readonly confidence: number | null;
}

export interface Label extends LabelContent {
  /** Who wrote this content, and when (UTC). */
  readonly author: string;
  readonly time: string;
}

export interface Comment {
  readonly body: string;
  readonly author: string;
  readonly time: string;
}

/** All that is said about one feature, as files carry it. */
export interface LabelRecord extends FeatureKey, Label {
  readonly comments: readonly Comment[];
}

export type LabelPatch = { readonly [Field in keyof LabelContent]?: LabelContent[Field] | undefined };

export const UNLABELLED: LabelContent = { state: 'unlabelled', text: '', notes: '', tags: [], confidence: null };

export const MAX_TAGS = 64;

export const featureKeySchema = v.strictObject({ dictionary: hashSchema, feature: featureSchema });

export const labelTextSchema = lineSchema(2000);

export const tagsSchema = v.pipe(
  v.array(lineSchema(100, 1)),
  v.maxLength(MAX_TAGS, `more than ${MAX_TAGS} tags`),
  v.transform((tags): readonly string[] => [...new Set(tags)].sort()),
);

/** The fields of a label, each checked alone. Absent fields are left as they are. */
export const labelFields = {
  state: v.optional(v.picklist(LABEL_STATES, `expected one of ${LABEL_STATES.join(', ')}`)),
  text: v.optional(labelTextSchema),
  notes: v.optional(paragraphSchema(50_000)),
  tags: v.optional(tagsSchema),
  confidence: v.optional(
    v.nullable(
      v.pipe(
        v.number('expected 1 to 5'),
        v.integer('expected 1 to 5'),
        v.minValue(1, 'expected 1 to 5'),
        v.maxValue(5, 'expected 1 to 5'),
      ),
    ),
  ),
};

export const commentSchema = v.strictObject({
  body: paragraphSchema(50_000, 1),
  author: authorSchema,
  time: timeSchema,
});

/** @throws AppError(code) naming the first field that is wrong. */
export function parseLabelPatch(value: unknown, subject = 'The label', code: ErrorCode = 'usage'): LabelPatch {
  return validate(v.strictObject(labelFields), value, subject, code);
}

/**
 * The label after `patch`. A text given without a state makes the feature labelled; a text taken away, or the state
 * `unlabelled`, makes it unlabelled: text and confidence go, notes and tags stay.
 * @throws AppError(code) for `labelled` without a text, or `unlabelled` together with a text or a confidence.
 */
export function applyPatch(
  before: LabelContent,
  patch: LabelPatch,
  subject = 'The label',
  code: ErrorCode = 'usage',
): LabelContent {
  const text = patch.text ?? (patch.state === 'unlabelled' ? '' : before.text);
  const state = patch.state ?? impliedState(before.state, text, patch.text !== undefined);
  const confidence =
    patch.confidence !== undefined ? patch.confidence : state === 'unlabelled' ? null : before.confidence;
  if (state === 'labelled' && text === '') throw new AppError(code, `${subject}: a labelled feature has a text.`);
  if (state === 'unlabelled' && (text !== '' || confidence !== null)) {
    throw new AppError(code, `${subject}: an unlabelled feature has neither text nor confidence.`);
  }
  return { state, text, notes: patch.notes ?? before.notes, tags: patch.tags ?? before.tags, confidence };
}

function impliedState(state: LabelState, text: string, textGiven: boolean): LabelState {
  if (!textGiven) return state;
  if (text === '') return state === 'labelled' ? 'unlabelled' : state;
  return state === 'unlabelled' || state === 'uninterpretable' ? 'labelled' : state;
}

export function sameContent(a: LabelContent, b: LabelContent): boolean {
  return (
    a.state === b.state &&
    a.text === b.text &&
    a.notes === b.notes &&
    a.confidence === b.confidence &&
    a.tags.join('\n') === b.tags.join('\n')
  );
}

/** Nothing is said about the feature: the same as having no label at all. */
export function saysNothing(content: LabelContent): boolean {
  return sameContent(content, UNLABELLED);
}

export function featureKey(key: FeatureKey): string {
  return `${key.dictionary} ${key.feature}`;
}

export function commentKey(comment: Comment): string {
  return `${comment.time} ${comment.author}\n${comment.body}`;
}
