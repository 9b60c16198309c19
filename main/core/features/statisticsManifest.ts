// manifest.json of a folder of feature statistics: what they are of. It is written last, so a folder that has it is whole.
//
//   tokens.safetensors     tokens [contexts, contextLength]: the text that was read
//   counts.safetensors     see FeatureAccumulator
//   examples.safetensors   top.*, sample.*: see ExampleSlots
//   cofiring.safetensors   features, cosines [size, NEIGHBOURS]
//   decoder.safetensors    features, cosines [size, NEIGHBOURS]; map [size, 2]
//   logits.safetensors     topTokens, topEffects, bottomTokens, bottomEffects [size, effects]; entropies [size]
//   vocabulary.json        the text of every token, so that the folder can be read without the model
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import * as v from 'valibot';
import { hashSchema, siteSchema } from '../../contract/base/fields.ts';
import { validate } from '../../contract/base/validate.ts';
import { hashBytes } from '../files/hash.ts';
import { readJson } from '../files/json.ts';

export const FILES = {
  manifest: 'manifest.json',
  tokens: 'tokens.safetensors',
  counts: 'counts.safetensors',
  examples: 'examples.safetensors',
  cofiring: 'cofiring.safetensors',
  decoder: 'decoder.safetensors',
  logits: 'logits.safetensors',
  vocabulary: 'vocabulary.json',
} as const;

/** Neighbours kept of each feature, of either kind. */
export const NEIGHBOURS = 16;
const MAX_MANIFEST_BYTES = 1 << 20;

const count = v.pipe(v.number(), v.safeInteger(), v.minValue(0));
const positive = v.pipe(v.number(), v.safeInteger(), v.minValue(1));

/** What decides the statistics: equal plans give equal statistics (on the CPU to the bit). */
const planSchema = v.strictObject({
  dictionary: hashSchema,
  model: hashSchema,
  site: siteSchema,
  text: v.variant('from', [
    /** Activations that were captured: the hash of the store's tokens, and the form of its numbers. */
    v.strictObject({ from: v.literal('store'), tokens: hashSchema, dtype: v.picklist(['f32', 'f16']) }),
    /** A text that the model's tokenizer read: another one reads other tokens. Left out by older programs. */
    v.strictObject({ from: v.literal('corpus'), corpus: hashSchema, tokenizer: v.exactOptional(hashSchema) }),
  ]),
  contextLength: positive,
  /** Null: all of the text. */
  maxContexts: v.nullable(positive),
});
export type StatisticsPlan = v.InferOutput<typeof planSchema>;

const manifestSchema = v.strictObject({
  format: v.literal('errata-statistics'),
  version: v.literal(1),
  plan: planSchema,
  /** Number of features. */
  size: positive,
  bosTokenId: v.nullable(count),
  contexts: positive,
  /** That counted: all but BOS and those of extreme norm. */
  tokens: count,
  /** Tokens of extreme norm, which were left out; 0 in statistics of older programs, which counted them. */
  outliers: v.optional(count, 0),
  /** Documents that end within a context: what last-token statistics are over. */
  documentEnds: count,
  vocabularySize: positive,
  /** Tokens at either end of the logit tables; null where the site has no direct effect on the logits. */
  effects: v.nullable(positive),
});
export type StatisticsManifest = v.InferOutput<typeof manifestSchema>;

/** A name for the statistics of a plan. */
export function planId(plan: StatisticsPlan): string {
  const { dictionary, model, site, text, contextLength, maxContexts } = plan;
  const of =
    text.from === 'store'
      ? [text.from, text.tokens, text.dtype]
      : [text.from, text.corpus, ...(text.tokenizer === undefined ? [] : [text.tokenizer])];
  return hashBytes(JSON.stringify(['errata-statistics-1', dictionary, model, site, of, contextLength, maxContexts]));
}

/** @throws AppError `not-found`, `invalid-file`. */
export async function readStatisticsManifest(folder: string): Promise<StatisticsManifest> {
  const path = join(folder, FILES.manifest);
  return validate(manifestSchema, await readJson(path, MAX_MANIFEST_BYTES), path, 'invalid-file');
}

/** Undefined when the folder has no whole statistics. @throws AppError `invalid-file`. */
export async function statisticsIn(folder: string): Promise<StatisticsManifest | undefined> {
  const exists = await stat(join(folder, FILES.manifest)).catch(() => undefined);
  return exists ? readStatisticsManifest(folder) : undefined;
}
