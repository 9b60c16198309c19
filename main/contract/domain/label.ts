// What a researcher says about a feature. A feature has one current label; a feature without one is unlabelled.
// Invariants: `labelled` has a text; `unlabelled` has neither text nor confidence; tags are sorted and distinct. Text is
// plain text: whatever shows it escapes it, markup in it is never interpreted.
import * as v from 'valibot';
import { authorSchema, featureSchema, hashSchema, lineSchema, paragraphSchema, timeSchema } from '../base/fields.ts';

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

/** The fields of a label, each by itself. */
const fields = {
  state: v.picklist(LABEL_STATES, `expected one of ${LABEL_STATES.join(', ')}`),
  text: labelTextSchema,
  notes: paragraphSchema(50_000),
  tags: tagsSchema,
  confidence: v.nullable(
    v.pipe(
      v.number('expected 1 to 5'),
      v.integer('expected 1 to 5'),
      v.minValue(1, 'expected 1 to 5'),
      v.maxValue(5, 'expected 1 to 5'),
    ),
  ),
};

/** Fields of a row of a file: what is absent is left as it is. */
export const labelFields = {
  state: v.optional(fields.state),
  text: v.optional(fields.text),
  notes: v.optional(fields.notes),
  tags: v.optional(fields.tags),
  confidence: v.optional(fields.confidence),
};

/** What a change of a label gives: what is left out stays as it is. */
export const labelPatchSchema = v.strictObject({
  state: v.exactOptional(fields.state),
  text: v.exactOptional(fields.text),
  notes: v.exactOptional(fields.notes),
  tags: v.exactOptional(fields.tags),
  confidence: v.exactOptional(fields.confidence),
});

export const commentSchema = v.strictObject({
  body: paragraphSchema(50_000, 1),
  author: authorSchema,
  time: timeSchema,
});

/** What to do where an imported label contradicts the one that is there. */
export const IMPORT_RULES = ['keep', 'fill', 'replace', 'newer', 'refuse'] as const;
/**
 * keep: mine stays. fill: mine stays, its empty fields are filled. replace: the imported one. newer: the later of the two
 * (mine when the imported one has no time). refuse: the whole import is refused.
 */
export type ImportRule = (typeof IMPORT_RULES)[number];

export const LABEL_FILE_FORMATS = ['csv', 'jsonl', 'neuronpedia'] as const;
export type LabelFileFormat = (typeof LABEL_FILE_FORMATS)[number];
