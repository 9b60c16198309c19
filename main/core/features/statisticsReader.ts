// Reads a folder of feature statistics: columns to list and sort by, and all there is to show of one feature. Nothing of the
// model or the dictionary is needed, and no more than a feature's own bytes are read.
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import * as v from 'valibot';
import type {
  FeatureExample,
  FeaturePage,
  NeighbourFeature,
  QuantileGroup,
  TokenEffect,
} from '../../contract/domain/featurePage.ts';
import { ContextFile } from '../activations/packing.ts';
import { AppError } from '../../contract/base/errors.ts';
import { validate } from '../../contract/base/validate.ts';
import { toFileError } from '../files/fileError.ts';
import { ColumnFile } from './columnFile.ts';
import { WINDOW_AFTER, windowStart } from './exampleSlots.ts';
import { GROUP_EXAMPLES, HISTOGRAM_BINS, QUANTILE_GROUPS, TOP_EXAMPLES } from './featureAccumulator.ts';
import { FILES, NEIGHBOURS, readStatisticsManifest, type StatisticsManifest } from './statisticsManifest.ts';
import { readJson } from '../files/json.ts';

/** One value per feature of what features are listed, sorted and filtered by. Undefined statistics are NaN. */
export interface FeatureColumns {
  readonly firings: Uint32Array;
  readonly rate: Float64Array;
  readonly mean: Float64Array;
  readonly max: Float32Array;
  readonly lastRate: Float64Array;
  readonly entropy: Float32Array;
  /** The largest of the effects on any token. */
  readonly topEffect: Float32Array;
  readonly topToken: readonly string[];
  /** Cosine with the nearest other decoder row. */
  readonly nearest: Float32Array;
  /** `[size, 2]` */
  readonly map: Float32Array<ArrayBuffer>;
}

/** The words around a feature's strongest places: to search in, and to show in a list. */
export interface FeatureText {
  readonly feature: number;
  /** The strongest examples, one a line. */
  readonly text: string;
  /** Of the strongest: what stands before, at and after the peak. */
  readonly before: string;
  readonly peak: string;
  readonly after: string;
}

const vocabularySchema = v.strictObject({ tokens: v.array(v.string()), special: v.array(v.number()) });
const MAX_VOCABULARY_BYTES = 256 << 20;
const TEXT_EXAMPLES = 5;
const TEXT_BEFORE = 12;
const TEXT_AFTER = 6;
const CONTEXT_BYTES = 8 << 20;

const SLOTS = { top: TOP_EXAMPLES, sample: QUANTILE_GROUPS * GROUP_EXAMPLES } as const;

/** @throws AppError `not-found`, `invalid-file`. Whoever opens it closes it. */
export async function openStatistics(folder: string): Promise<StatisticsReader> {
  const manifest = await readStatisticsManifest(folder);
  const vocabulary = await readVocabulary(join(folder, FILES.vocabulary), manifest.vocabularySize);
  const opened: { close(): Promise<void> }[] = [];
  const open = async (file: string) => {
    const columns = await ColumnFile.open(join(folder, file));
    opened.push(columns);
    return columns;
  };
  try {
    const contexts = await ContextFile.open(join(folder, FILES.tokens));
    opened.push(contexts);
    if (contexts.contexts < manifest.contexts || contexts.contextLength !== manifest.plan.contextLength) {
      throw new AppError('invalid-file', `${folder}: its text is not the one that its manifest describes.`);
    }
    return new StatisticsReader(folder, manifest, vocabulary, contexts, {
      counts: await open(FILES.counts),
      examples: await open(FILES.examples),
      cofiring: await open(FILES.cofiring),
      decoder: await open(FILES.decoder),
      logits: manifest.effects === null ? null : await open(FILES.logits),
    });
  } catch (thrown) {
    await Promise.allSettled(opened.map((file) => file.close()));
    throw thrown;
  }
}

/** The one read last: who looks at one feature looks at the next, and a large vocabulary takes a tenth of a second. */
let lastVocabulary: { readonly key: string; readonly vocabulary: Vocabulary } | null = null;

interface Vocabulary {
  readonly tokens: readonly string[];
  readonly special: ReadonlySet<number>;
}

async function readVocabulary(path: string, size: number): Promise<Vocabulary> {
  try {
    const { size: bytes, mtimeMs } = await stat(path);
    const key = JSON.stringify([path, bytes, mtimeMs, size]);
    if (lastVocabulary?.key === key) return lastVocabulary.vocabulary;
    const { tokens, special } = validate(
      vocabularySchema,
      await readJson(path, MAX_VOCABULARY_BYTES),
      path,
      'invalid-file',
    );
    if (tokens.length === size) {
      const vocabulary = { tokens, special: new Set(special) };
      lastVocabulary = { key, vocabulary };
      return vocabulary;
    }
    throw new AppError('invalid-file', `${path}: it has ${tokens.length} tokens, not ${size}.`);
  } catch (thrown) {
    throw toFileError(thrown, path);
  }
}

interface StatisticsFiles {
  readonly counts: ColumnFile;
  readonly examples: ColumnFile;
  readonly cofiring: ColumnFile;
  readonly decoder: ColumnFile;
  readonly logits: ColumnFile | null;
}

interface Slot {
  readonly context: number;
  readonly peak: number;
  readonly value: number;
  readonly positions: Uint8Array;
  readonly activations: Float32Array;
}

export class StatisticsReader {
  readonly folder: string;
  readonly manifest: StatisticsManifest;
  readonly #vocabulary: Vocabulary;
  readonly #contexts: ContextFile;
  readonly #files: StatisticsFiles;

  /** Use `openStatistics`. */
  constructor(
    folder: string,
    manifest: StatisticsManifest,
    vocabulary: Vocabulary,
    contexts: ContextFile,
    files: StatisticsFiles,
  ) {
    this.folder = folder;
    this.manifest = manifest;
    this.#vocabulary = vocabulary;
    this.#contexts = contexts;
    this.#files = files;
  }

  async close(): Promise<void> {
    const { counts, examples, cofiring, decoder, logits } = this.#files;
    await Promise.all([this.#contexts, counts, examples, cofiring, decoder].map((file) => file.close()));
    await logits?.close();
  }

  token(id: number): string {
    return this.#vocabulary.tokens[id] ?? `⟨${id}⟩`;
  }

  /** @throws AppError `usage` for a feature that there is not. */
  async page(feature: number): Promise<FeaturePage> {
    const { size, tokens, documentEnds } = this.manifest;
    if (!Number.isInteger(feature) || feature < 0 || feature >= size) {
      throw new AppError('usage', `The dictionary has the features 0 to ${size - 1}, but not ${feature}.`);
    }
    const { counts } = this.#files;
    const one = async (name: string, type: 'U32' | 'F32' | 'F64') =>
      (await counts.range(name, type, size, feature, feature + 1))[0]!;
    const firings = await one('firings', 'U32');
    const mean = firings === 0 ? null : (await one('sum', 'F64')) / firings;
    const meanSquare = (await one('squares', 'F64')) / firings;
    const lastFirings = await one('lastFirings', 'U32');
    const sample = await this.#slots('sample', feature);
    return {
      feature,
      tokens,
      firings,
      rate: firings / tokens,
      mean,
      deviation: mean === null ? null : Math.sqrt(Math.max(0, meanSquare - mean * mean)),
      max: await one('max', 'F32'),
      documentEnds,
      lastFirings,
      lastRate: documentEnds === 0 ? null : lastFirings / documentEnds,
      lastMean: lastFirings === 0 ? null : (await one('lastSum', 'F64')) / lastFirings,
      histogram: await this.#histogram(feature),
      top: await Promise.all((await this.#slots('top', feature)).map((slot) => this.#example(slot))),
      groups: await this.#groups(sample),
      logits: await this.#logits(feature),
      decoderNeighbours: await this.#neighbours(this.#files.decoder, feature),
      cofiring: await this.#neighbours(this.#files.cofiring, feature),
      map: await this.#place(feature),
    };
  }

  /** Tokens `first` to `end` of a context, as they read: more of what stands around an example. */
  async contextTokens(context: number, first: number, end: number): Promise<readonly string[]> {
    return Array.from(await this.#contextIds(context, first, end), (id) => this.token(id));
  }

  /** The whole contexts of a feature's strongest examples, as token ids: each once, the strongest first. */
  async exampleContexts(feature: number, count: number): Promise<readonly (readonly number[])[]> {
    const slots = await this.#slots('top', feature);
    const contexts = [...new Set(slots.map(({ context }) => context))].slice(0, count);
    return Promise.all(
      contexts.map(async (context) => [...(await this.#contextIds(context, 0, this.manifest.plan.contextLength))]),
    );
  }

  /** Whether a context begins with a token that no text spells. */
  async beginsSpecial(context: number): Promise<boolean> {
    const [first] = await this.#contextIds(context, 0, 1);
    return first !== undefined && this.#vocabulary.special.has(first);
  }

  async #contextIds(context: number, first: number, end: number): Promise<Int32Array> {
    if (!(context >= 0 && context < this.manifest.contexts)) {
      throw new AppError('usage', `The text has no context ${context}.`);
    }
    const tokens = await this.#contexts.read(context, 1);
    return tokens.subarray(Math.max(0, first), Math.max(0, end));
  }

  async columns(): Promise<FeatureColumns> {
    const { size, tokens, documentEnds, effects } = this.manifest;
    const { counts, decoder, logits } = this.#files;
    const firings = await counts.column('firings', 'U32', size);
    const sums = await counts.column('sum', 'F64', size);
    const lastFirings = await counts.column('lastFirings', 'U32', size);
    const cosines = await decoder.column('cosines', 'F32', size * NEIGHBOURS);
    const neighbours = await decoder.column('features', 'I32', size * NEIGHBOURS);
    const topTokens = logits && (await logits.column('topTokens', 'I32', size * (effects ?? 0)));
    const topEffects = logits && (await logits.column('topEffects', 'F32', size * (effects ?? 0)));
    const each = (value: (feature: number) => number) => Float64Array.from({ length: size }, (_, i) => value(i));
    return {
      firings,
      rate: each((feature) => firings[feature]! / tokens),
      mean: each((feature) => sums[feature]! / firings[feature]!),
      max: await counts.column('max', 'F32', size),
      lastRate: each((feature) => lastFirings[feature]! / documentEnds),
      entropy: logits ? await logits.column('entropies', 'F32', size) : new Float32Array(size).fill(NaN),
      topEffect: Float32Array.from({ length: size }, (_, i) => topEffects?.[i * (effects ?? 0)] ?? NaN),
      topToken: Array.from({ length: size }, (_, i) => (topTokens ? this.token(topTokens[i * (effects ?? 0)]!) : '')),
      nearest: Float32Array.from({ length: size }, (_, i) =>
        neighbours[i * NEIGHBOURS]! < 0 ? NaN : cosines[i * NEIGHBOURS]!,
      ),
      map: await decoder.column('map', 'F32', 2 * size),
    };
  }

  /** The texts of all features that fire, by feature; the text is read through once per `block` of features. */
  async *texts(block = 16_384): AsyncGenerator<FeatureText, void, undefined> {
    const { size } = this.manifest;
    for (let first = 0; first < size; first += block) yield* this.#textsOf(first, Math.min(size, first + block));
  }

  async *#textsOf(first: number, end: number): AsyncGenerator<FeatureText, void, undefined> {
    const { size, contexts, plan } = this.manifest;
    const { contextLength } = plan;
    const { examples } = this.#files;
    const counts = await examples.range('top.count', 'U8', size, first, end);
    const [from, until] = [first * SLOTS.top, end * SLOTS.top];
    const contextOf = await examples.range('top.context', 'U32', size * SLOTS.top, from, until);
    const peakOf = await examples.range('top.peak', 'U32', size * SLOTS.top, from, until);
    const wanted: number[] = [];
    for (let feature = 0; feature < end - first; feature++) {
      for (let slot = 0; slot < Math.min(TEXT_EXAMPLES, counts[feature]!); slot++)
        wanted.push(feature * SLOTS.top + slot);
    }
    wanted.sort((a, b) => contextOf[a]! - contextOf[b]!);
    const found = new Map<number, readonly [string, string, string]>();
    const perRead = Math.max(1, Math.floor(CONTEXT_BYTES / 4 / contextLength));
    let tokens = new Int32Array(0);
    let firstRead = -1;
    for (const slot of wanted) {
      const context = contextOf[slot]!;
      if (context >= contexts) throw new AppError('invalid-file', `${examples.path}: there is no context ${context}.`);
      if (firstRead < 0 || context >= firstRead + perRead) {
        firstRead = context;
        tokens = await this.#contexts.read(context, Math.min(perRead, contexts - context));
      }
      const own = tokens.subarray((context - firstRead) * contextLength, (context - firstRead + 1) * contextLength);
      const peak = Math.min(peakOf[slot]!, contextLength - 1);
      const read = (a: number, b: number) =>
        Array.from(own.subarray(Math.max(0, a), b), (id) => this.token(id)).join('');
      found.set(slot, [read(peak - TEXT_BEFORE, peak), read(peak, peak + 1), read(peak + 1, peak + 1 + TEXT_AFTER)]);
    }
    for (let feature = 0; feature < end - first; feature++) {
      const count = Math.min(TEXT_EXAMPLES, counts[feature]!);
      if (count === 0) continue;
      const parts = Array.from({ length: count }, (_, slot) => found.get(feature * SLOTS.top + slot)!);
      const [before, peak, after] = parts[0]!;
      yield { feature: first + feature, text: parts.map((part) => part.join('')).join('\n'), before, peak, after };
    }
  }

  async #slots(name: keyof typeof SLOTS, feature: number): Promise<Slot[]> {
    const { size } = this.manifest;
    const { examples } = this.#files;
    const count = (await examples.range(`${name}.count`, 'U8', size, feature, feature + 1))[0]!;
    if (count > SLOTS[name]) throw new AppError('invalid-file', `${examples.path}: ${count} ${name} examples.`);
    const slots = size * SLOTS[name];
    const [from, end] = [feature * SLOTS[name], feature * SLOTS[name] + count];
    const contexts = await examples.range(`${name}.context`, 'U32', slots, from, end);
    const peaks = await examples.range(`${name}.peak`, 'U32', slots, from, end);
    const values = await examples.range(`${name}.value`, 'F32', slots, from, end);
    const offsets = await examples.range(`${name}.offset`, 'F64', slots + 1, from, end + 1);
    const [begin, until] = [offsets[0]!, offsets[count]!];
    const total = examples.lengthOf(`${name}.positions`);
    const positions = await examples.range(`${name}.positions`, 'U8', total, begin, until);
    const activations = await examples.range(`${name}.activations`, 'F32', total, begin, until);
    return Array.from({ length: count }, (_, slot) => ({
      context: contexts[slot]!,
      peak: peaks[slot]!,
      value: values[slot]!,
      positions: positions.subarray(offsets[slot]! - begin, offsets[slot + 1]! - begin),
      activations: activations.subarray(offsets[slot]! - begin, offsets[slot + 1]! - begin),
    }));
  }

  async #example({ context, peak, value, positions, activations }: Slot): Promise<FeatureExample> {
    const { contexts, plan } = this.manifest;
    if (context >= contexts || peak >= plan.contextLength) {
      throw new AppError('invalid-file', `${this.#files.examples.path}: an example lies outside of the text.`);
    }
    const firstPosition = windowStart(peak);
    const ids = await this.#contextIds(context, firstPosition, peak + WINDOW_AFTER + 1);
    const tokens = Array.from(ids, (id) => this.token(id));
    const special = [...ids.keys()].filter((index) => this.#vocabulary.special.has(ids[index]!));
    const dense = new Array<number>(tokens.length).fill(0);
    for (const [entry, position] of positions.entries()) {
      if (position < dense.length) dense[position] = activations[entry]!;
    }
    return {
      context,
      firstPosition,
      contextLength: plan.contextLength,
      tokens,
      special,
      activations: dense,
      peak: peak - firstPosition,
      value,
    };
  }

  async #groups(sample: readonly Slot[]): Promise<QuantileGroup[]> {
    const sorted = [...sample].sort((a, b) => b.value - a.value || a.context - b.context);
    const groups: QuantileGroup[] = [];
    for (let group = 0; group < QUANTILE_GROUPS; group++) {
      const slots = sorted.slice(
        Math.floor((group * sorted.length) / QUANTILE_GROUPS),
        Math.floor(((group + 1) * sorted.length) / QUANTILE_GROUPS),
      );
      if (slots.length === 0) continue;
      groups.push({
        from: 1 - (group + 1) / QUANTILE_GROUPS,
        to: 1 - group / QUANTILE_GROUPS,
        examples: await Promise.all(slots.map((slot) => this.#example(slot))),
      });
    }
    return groups;
  }

  async #histogram(feature: number): Promise<FeaturePage['histogram']> {
    const { size } = this.manifest;
    const { counts } = this.#files;
    const perUnit = (await counts.range('binsPerUnit', 'F64', size, feature, feature + 1))[0]!;
    if (perUnit === 0) return { binWidth: 0, counts: [] };
    const first = feature * HISTOGRAM_BINS;
    const all = await counts.range('histogram', 'U32', size * HISTOGRAM_BINS, first, first + HISTOGRAM_BINS);
    return { binWidth: 1 / perUnit, counts: [...all.subarray(0, all.findLastIndex((count) => count > 0) + 1)] };
  }

  async #logits(feature: number): Promise<FeaturePage['logits']> {
    const { size, effects, vocabularySize } = this.manifest;
    const { logits } = this.#files;
    if (!logits || effects === null) return null;
    const [from, end] = [feature * effects, (feature + 1) * effects];
    const table = async (end_: 'top' | 'bottom'): Promise<TokenEffect[]> => {
      const ids = await logits.range(`${end_}Tokens`, 'I32', size * effects, from, end);
      const values = await logits.range(`${end_}Effects`, 'F32', size * effects, from, end);
      return Array.from(ids, (id, place) => ({ id, token: this.token(id), effect: values[place]! }));
    };
    const entropy = (await logits.range('entropies', 'F32', size, feature, feature + 1))[0]!;
    return { top: await table('top'), bottom: await table('bottom'), entropy, vocabularySize };
  }

  async #neighbours(file: ColumnFile, feature: number): Promise<NeighbourFeature[]> {
    const length = this.manifest.size * NEIGHBOURS;
    const [from, end] = [feature * NEIGHBOURS, (feature + 1) * NEIGHBOURS];
    const features = await file.range('features', 'I32', length, from, end);
    const cosines = await file.range('cosines', 'F32', length, from, end);
    return Array.from(features, (partner, place) => ({ feature: partner, cosine: cosines[place]! })).filter(
      (neighbour) => neighbour.feature >= 0,
    );
  }

  async #place(feature: number): Promise<[number, number]> {
    const [x = 0, y = 0] = await this.#files.decoder.range(
      'map',
      'F32',
      2 * this.manifest.size,
      2 * feature,
      2 * feature + 2,
    );
    return [x, y];
  }
}
