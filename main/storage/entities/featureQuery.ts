// What a list of features can be asked for: which features, in which order.
import * as v from 'valibot';
import { featureSchema, hashSchema } from '../../contract/base/fields.ts';
import { validate } from '../../contract/base/validate.ts';
import { LABEL_STATES, type LabelState } from '../../contract/domain/label.ts';

/** What a list can be sorted and filtered by, and the column it is. */
export const COLUMNS = {
  /** Share of the tokens on which the feature fires. */
  rate: 'rate',
  /** Mean activation where it fires. */
  mean: 'mean',
  max: 'max',
  /** Share of the documents on whose last token it fires. */
  lastRate: 'last_rate',
  /** Of the effects on the logits, in nats. */
  entropy: 'entropy',
  /** The largest effect on a logit, per unit of activation. */
  topEffect: 'top_effect',
  /** Cosine with the nearest other decoder row. */
  nearest: 'nearest',
  /** Mean activation over all tokens times the largest effect: by how much it moves a logit on an average token. */
  impact: 'impact',
  confidence: 'confidence',
} as const;

export const FEATURE_STATISTICS = [
  'rate',
  'mean',
  'max',
  'lastRate',
  'entropy',
  'topEffect',
  'nearest',
  'impact',
  'confidence',
] as const satisfies readonly (keyof typeof COLUMNS)[];
export type FeatureStatistic = (typeof FEATURE_STATISTICS)[number];
/** `labelled`: labels before drafts before what was set aside before the rest; the most certain, then the largest impact first. */
export const FEATURE_ORDERS = ['feature', 'label', 'labelled', ...FEATURE_STATISTICS] as const;
export type FeatureOrder = (typeof FEATURE_ORDERS)[number];

export interface FeatureQuery {
  readonly dictionary: string;
  /** By feature number when left out. */
  readonly order?: FeatureOrder | undefined;
  readonly descending?: boolean | undefined;
  /** Both ends included. A feature whose statistic is undefined is in no range. */
  readonly ranges?:
    | Readonly<
        Partial<Record<FeatureStatistic, { readonly min?: number | undefined; readonly max?: number | undefined }>>
      >
    | undefined;
  readonly states?: readonly LabelState[] | undefined;
  readonly tag?: string | undefined;
  /** Members of a list. */
  readonly list?: string | undefined;
  /** These only: a selection on the map. */
  readonly features?: readonly number[] | undefined;
  /** Words (beginnings of them) in labels, notes, tags, comments or the text around the strongest places; part of a word in
   * labels; or the number of a feature. */
  readonly search?: string | undefined;
}

const number = v.pipe(v.number(), v.finite());
const querySchema = v.strictObject({
  dictionary: hashSchema,
  order: v.optional(v.picklist(FEATURE_ORDERS, `expected one of ${FEATURE_ORDERS.join(', ')}`)),
  descending: v.optional(v.boolean()),
  ranges: v.optional(
    v.record(
      v.picklist(FEATURE_STATISTICS, `expected one of ${FEATURE_STATISTICS.join(', ')}`),
      v.strictObject({ min: v.optional(number), max: v.optional(number) }),
    ),
  ),
  states: v.optional(v.array(v.picklist(LABEL_STATES, `expected one of ${LABEL_STATES.join(', ')}`))),
  tag: v.optional(v.pipe(v.string(), v.maxLength(100))),
  list: v.optional(v.pipe(v.string(), v.maxLength(100))),
  features: v.optional(v.pipe(v.array(featureSchema), v.maxLength(1_000_000))),
  search: v.optional(v.pipe(v.string(), v.maxLength(500, 'a search is at most 500 characters long'))),
});

/** @throws AppError `usage` */
export function checkFeatureQuery(query: FeatureQuery): FeatureQuery {
  return validate(querySchema, query, 'The list of features');
}
