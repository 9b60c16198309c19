// Features of a dictionary: statistics over a text, lists, pages, the map, texts tried on them, ideas for labels. Labels and
// lists are changed elsewhere (label, list). What a number means stands beside it; the size of its sample comes with it.
import * as v from 'valibot';
import { featureSchema, hashSchema, nameSchema } from '../base/fields.ts';
import { requestEntries } from '../base/setting.ts';
import { featurePageSchema, neighbourSchema } from '../domain/featurePage.ts';
import { readingSettings, statisticsSettings } from '../domain/statisticsSettings.ts';
import { textActivationsSchema, textFeatureSchema } from '../domain/textActivations.ts';
import { command, query, stream } from '../rpc/procedure.ts';
import { corpusSchema } from './activations.ts';
import { jobSchema, progressSchema } from '../domain/job.ts';
import { LABEL_STATES } from '../domain/label.ts';

/** What features can be sorted and filtered by. */
export const FEATURE_STATISTICS = [
  'rate', // share of the tokens on which it fires (its activation is above 0)
  'mean', // activation, where it fires
  'max',
  'lastRate', // share of the documents on whose last token it fires
  'entropy', // of the shares of its squared effects on the logits, in nats: 0 for one token only
  'topEffect', // the largest effect on a logit, in logits per unit of activation
  'nearest', // cosine with the nearest other decoder row
  'impact', // mean activation over all tokens × topEffect: by how much it moves a logit on an average token
  'confidence', // of its label
] as const;
/** `labelled`: what has a label first (then drafts, then what was set aside), the most certain and the largest impact first. */
export const FEATURE_ORDERS = ['feature', 'label', 'labelled', ...FEATURE_STATISTICS] as const;

const number = v.pipe(v.number(), v.finite());
const whole = v.pipe(v.number(), v.safeInteger(), v.minValue(0));
const positive = v.pipe(v.number(), v.safeInteger(), v.minValue(1));
const text = v.pipe(v.string(), v.minLength(1), v.maxLength(200_000));
const byDictionary = { dictionary: nameSchema };
const byFeature = v.strictObject({ ...byDictionary, feature: featureSchema });

/** Which features, in which order. */
export const featureQueryEntries = {
  ...byDictionary,
  /** By number when left out. */
  order: v.exactOptional(v.picklist(FEATURE_ORDERS)),
  descending: v.exactOptional(v.boolean()),
  /** Both ends included; a feature whose statistic is undefined is in no range. */
  ranges: v.exactOptional(
    v.record(
      v.picklist(FEATURE_STATISTICS),
      v.strictObject({ min: v.exactOptional(number), max: v.exactOptional(number) }),
    ),
  ),
  states: v.exactOptional(v.pipe(v.array(v.picklist(LABEL_STATES)), v.maxLength(LABEL_STATES.length))),
  tag: v.exactOptional(v.pipe(v.string(), v.maxLength(100))),
  /** Name of a list of features. */
  list: v.exactOptional(v.pipe(v.string(), v.maxLength(100))),
  /** These only: a selection on the map. */
  features: v.exactOptional(v.pipe(v.array(featureSchema), v.maxLength(1_000_000))),
  /** Words of labels, notes, tags, comments, or of the text around the strongest places; a part of a label; a number. */
  search: v.exactOptional(v.pipe(v.string(), v.maxLength(500))),
};

/** Null: undefined, as the mean of a feature that never fires. */
const statistic = v.nullable(v.number());

export const listedFeatureSchema = v.object({
  feature: v.number(),
  firings: v.number(),
  rate: v.number(),
  mean: statistic,
  /** Null where only firing rates are known. */
  max: statistic,
  lastRate: statistic,
  entropy: statistic,
  topEffect: statistic,
  nearest: statistic,
  impact: v.number(),
  state: v.picklist(LABEL_STATES),
  label: v.string(),
  tags: v.array(v.string()),
  confidence: v.nullable(v.number()),
  /** Its strongest place in the text: before, at and after the peak; empty for a feature that never fires. */
  before: v.string(),
  peak: v.string(),
  after: v.string(),
  /** The token whose logit it raises most. */
  topToken: v.string(),
});

const neighbour = v.object({ ...neighbourSchema.entries, label: v.string() });
/** With the labels of its neighbours. */
export const labelledPageSchema = v.object({
  ...featurePageSchema.entries,
  decoderNeighbours: v.array(neighbour),
  cofiring: v.array(neighbour),
});

const states = v.object({
  unlabelled: v.number(),
  draft: v.number(),
  labelled: v.number(),
  uninterpretable: v.number(),
});

const share = v.pipe(v.number(), v.minValue(0), v.maxValue(1));
const matchCount = v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(100));
const likeness = {
  feature: v.number(),
  /** Of the decoder rows; null where they have different widths. */
  cosine: v.nullable(v.number()),
  /** Cosine of how both fire on the contexts where the feature is strongest; null without statistics of it. */
  shared: v.nullable(v.number()),
};

export const feature = {
  statistics: query({
    summary: 'What the statistics of a dictionary’s features are over; null: they have not been computed',
    shows: ['features', 'labels'],
    input: v.strictObject(byDictionary),
    output: v.nullable(
      v.object({
        hash: hashSchema,
        size: v.number(),
        contexts: v.number(),
        contextLength: v.number(),
        tokens: v.number(),
        /** Tokens of extreme norm, left out of `tokens`. */
        outliers: v.number(),
        documentEnds: v.number(),
        vocabularySize: v.number(),
        hasLogits: v.boolean(),
        /** Captured activations, or a corpus that the model read. */
        text: v.picklist(['store', 'corpus']),
        time: v.string(),
        /** How many features are in each state of labelling. */
        states,
      }),
    ),
  }),
  statisticsTexts: query({
    summary: 'What the statistics of a dictionary’s features can be over, the best first',
    shows: ['activations', 'dictionaries', 'project'],
    input: v.strictObject(byDictionary),
    output: v.object({
      texts: v.array(
        v.variant('from', [
          v.object({
            from: v.literal('activations'),
            name: v.string(),
            tokens: v.number(),
            /** The dictionary was trained on them; else they are of the same model and site. */
            isTrainedOn: v.boolean(),
          }),
          v.object({ from: v.literal('corpus'), name: v.string(), bytes: v.number() }),
        ]),
      ),
      /** Whether the first is taken where none is named; false where all there is was kept for choosing or judging edits. */
      hasPreferred: v.boolean(),
      /** How many contexts of a corpus are read then. */
      corpusContexts: v.number(),
    }),
  }),
  computeStatistics: command({
    summary: 'Compute the statistics of all features over a text, in one pass: a job',
    changes: [],
    input: v.strictObject({
      ...byDictionary,
      /** By default the first of `statisticsTexts`. */
      over: v.exactOptional(
        v.variant('from', [
          v.strictObject({ from: v.literal('activations'), name: nameSchema }),
          v.strictObject({
            from: v.literal('corpus'),
            corpus: corpusSchema,
            ...requestEntries(readingSettings),
          }),
        ]),
      ),
      maxContexts: requestEntries(statisticsSettings).maxContexts,
    }),
    output: jobSchema,
  }),
  list: query({
    summary: 'A page of a list of features, and how long the list is',
    shows: ['features', 'labels', 'lists'],
    input: v.strictObject({
      ...featureQueryEntries,
      offset: v.exactOptional(whole),
      limit: v.exactOptional(v.pipe(positive, v.maxValue(1000))),
    }),
    output: v.object({ total: v.number(), rows: v.array(listedFeatureSchema) }),
  }),
  select: query({
    summary: 'The numbers of all features of a list, in its order: for bulk changes and for the map',
    shows: ['features', 'labels', 'lists'],
    input: v.strictObject(featureQueryEntries),
    output: v.object({ features: v.array(v.number()) }),
  }),
  position: query({
    summary: 'Where in a list a feature stands, from 0; null when it is not in it',
    shows: ['features', 'labels', 'lists'],
    input: v.strictObject({ ...featureQueryEntries, feature: featureSchema }),
    output: v.object({ position: v.nullable(v.number()) }),
  }),
  page: query({
    summary: 'All there is to show of one feature',
    shows: ['features'],
    input: byFeature,
    output: labelledPageSchema,
  }),
  context: query({
    summary: 'More of the text around an example: its tokens from one position to another',
    shows: ['features'],
    input: v.strictObject({ ...byDictionary, context: whole, first: whole, end: whole }),
    output: v.object({ tokens: v.array(v.string()) }),
  }),
  suggest: query({
    summary: 'Suggestions for a label, from examples and effects by a heuristic on this machine. Saves nothing',
    shows: ['features'],
    input: byFeature,
    output: v.object({
      /** Each holds in `holds` of `of` examples; the best first. */
      suggestions: v.array(v.object({ text: v.string(), holds: v.number(), of: v.number() })),
      effect: v.nullable(v.string()),
      source: v.literal('heuristic'),
    }),
  }),
  tryText: query({
    summary: 'Which features fire on which token of a text, and the activations of chosen ones on every token',
    shows: ['dictionaries'],
    input: v.strictObject({
      ...byDictionary,
      text,
      features: v.exactOptional(v.pipe(v.array(featureSchema), v.maxLength(1000))),
      /** Features told for each token, and for the whole text. */
      perToken: v.exactOptional(v.pipe(positive, v.maxValue(1000))),
      count: v.exactOptional(v.pipe(positive, v.maxValue(10_000))),
    }),
    output: textActivationsSchema,
  }),
  onText: query({
    summary: 'The features that fire on a text, the strongest first',
    shows: ['dictionaries'],
    input: v.strictObject({
      ...byDictionary,
      text,
      count: v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(1000)),
    }),
    output: v.object({
      tokens: v.array(v.string()),
      features: v.array(textFeatureSchema),
      /** How many features fire at all. */
      firing: v.number(),
    }),
  }),
  matches: query({
    summary: 'The features of another dictionary of the model that are most like a feature',
    shows: ['features', 'labels', 'dictionaries'],
    input: v.strictObject({ ...byFeature.entries, other: nameSchema, count: v.exactOptional(matchCount) }),
    output: v.object({
      /** Content hash of the other dictionary: labels name it. */
      hash: hashSchema,
      site: v.string(),
      /** By cosine, then by shared examples. */
      matches: v.array(v.object({ ...likeness, label: v.string() })),
    }),
  }),
  carry: stream({
    summary: 'Labels of a dictionary that could be carried over to another one: the nearest features. Saves nothing',
    changes: [],
    input: v.strictObject({
      ...byDictionary,
      other: nameSchema,
      minCosine: v.exactOptional(share),
      /** Compares examples as well, which takes a while; always where the decoder rows have different widths. */
      examples: v.exactOptional(v.boolean()),
      minShared: v.exactOptional(share),
    }),
    chunk: progressSchema,
    output: v.object({
      hash: hashSchema,
      /** How many labelled features there are. */
      labelled: v.number(),
      /** The most alike first. */
      proposals: v.array(
        v.object({
          feature: v.number(),
          label: v.string(),
          tags: v.array(v.string()),
          to: v.object({
            ...likeness,
            /** What is written about it; '' where it has no label. */
            label: v.string(),
            state: v.picklist(LABEL_STATES),
          }),
        }),
      ),
    }),
  }),
};
