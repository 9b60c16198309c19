// The check of a dictionary made elsewhere against the model it is said to be of: does it explain the activations at its site,
// and would it explain them better under a convention that its file does not show? On text, without the first token of every
// context (whose activations are unlike all others) and without outliers:
//   FVU, L0 and dead features as read, and at neighbouring sites, with the decoder bias subtracted or not, transposed where it is
//   square, and as if it had been trained on activations times √d / E‖x‖ or its inverse;
//   the loss with its reconstruction spliced in, next to the loss with zero there.
// Right: it explains the activations, nothing does so clearly better, and its L0 is what the file claims. Refused: nothing
// explains them. Doubtful: all else.
import type { OnWork } from '../../contract/base/progress.ts';
import type { Claims, ReadingChanges, SelfCheck } from '../../contract/domain/importedDictionary.ts';
import { lossRecovered } from '../../contract/domain/lossRecovered.ts';
import type { Model } from '../models/model.ts';
import { openScorer } from '../models/scoring.ts';
import type { Site } from '../models/sites.ts';
import { tokenTensor } from '../models/tokenBatch.ts';
import { buildVariant, type Patch } from '../models/variant.ts';
import type { Runtime } from '../onnx/runtime.ts';
import type { Dictionary } from './dictionary.ts';
import { dictionaryFeeds, reconstructionPatch, zeroPatch } from './encoderGraph.ts';
import { leftAlone, measureReconstruction, rowsPerRun, type ReconstructionQuality } from './evaluate.ts';
import { outlierBound, rowsOf, withoutOutliers, type OutlierBound } from './outliers.ts';
import { changeDictionary, changeWords } from './readingChanges.ts';

export const CHECK_TOKENS = 4096;
/** Above it the variance is as good as not explained. */
const EXPLAINS = 0.9;
/** Another reading is clearly better when its FVU is at most this share of the FVU as read. */
const CLEARLY = 0.8;
/** L0 on other text, with other contexts, differs from what is claimed; a wrong convention differs by more. */
const L0_FACTOR = 2;

export interface SelfCheckOptions {
  readonly runtime: Runtime;
  readonly model: Model;
  /** As it was read; its site is one of the model's. */
  readonly dictionary: Dictionary;
  /** Token ids, each context beginning as the model's texts do. */
  readonly contexts: readonly (readonly number[])[];
  readonly bosTokenId: number | null;
  readonly claims: Claims;
  /** What was read differently already: what is proposed is said from the file on. */
  readonly applied?: ReadingChanges;
  /** Where the contexts come from, in words. */
  readonly text: string;
  readonly signal?: AbortSignal;
  readonly onWork?: OnWork;
}

export interface CheckedDictionary {
  readonly check: SelfCheck;
  /** As read. */
  readonly quality: Omit<ReconstructionQuality, 'outliers'> & { readonly outliers: number };
}

type Row = SelfCheck['rows'][number];

const figure = (value: number) => (Math.abs(value) >= 100 ? value.toFixed(0) : String(Number(value.toPrecision(3))));

/** @throws AppError `empty`, `cancelled`. */
export async function selfCheck(options: SelfCheckOptions): Promise<CheckedDictionary> {
  const { model, dictionary, claims, text } = options;
  const sites = neighbours(model.sites, dictionary);
  const activations = await activationsAt(options, [dictionary.site, ...sites]);
  const here = activations.get(dictionary.site) ?? EMPTY;
  const asRead = await measure(options, dictionary, here);
  const rows: Row[] = [rowOf('as read', {}, asRead)];
  for (const { words, changes } of variantsOf(dictionary, here)) {
    rows.push(rowOf(words, changes, await measure(options, changeDictionary(dictionary, changes), here)));
  }
  for (const site of sites) {
    const measured = await measure(options, dictionary, activations.get(site) ?? EMPTY);
    rows.push(rowOf(`at ${site}`, { site }, measured));
  }
  const { fvu: fvuWithFirst } = await measure(options, dictionary, { ...here, rows: here.withFirst });
  const losses = await spliceLosses(options, here.bound);
  const share = lossRecovered(losses);
  const judged = judge(rows, claims, losses);
  const proposed = rows.map((row) => ({ ...row, changes: composed(options.applied ?? {}, row.changes) }));
  return {
    check: {
      ...judged,
      ...{ rows: proposed, tokens: asRead.tokens, fvuWithFirst, text },
      ...losses,
      lossRecovered: typeof share === 'number' ? share : null,
    },
    quality: { ...asRead, outliers: here.count - asRead.tokens },
  };
}

/** Two changes as one. */
function composed(first: ReadingChanges, { site, ...second }: Row['changes']): Row['changes'] {
  const scale = (first.scale ?? 1) * (second.scale ?? 1);
  const isTransposed = (first.isTransposed ?? false) !== (second.isTransposed ?? false);
  const subtractsDecoderBias = second.subtractsDecoderBias ?? first.subtractsDecoderBias;
  return {
    ...(site === undefined ? {} : { site }),
    ...(subtractsDecoderBias === undefined ? {} : { subtractsDecoderBias }),
    ...(isTransposed ? { isTransposed } : {}),
    ...(scale === 1 ? {} : { scale }),
  };
}

/** Sites of the same width: others of the same block, and the same one of the blocks around it. */
function neighbours(sites: readonly Site[], { site, d }: Dictionary): string[] {
  const own = sites.find(({ name }) => name === site);
  if (!own || own.block === null) return [];
  const { block } = own;
  const kind = site.slice(`blocks.${block}.`.length);
  const near = [block - 1, block + 1].map((other) => `blocks.${other}.${kind}`);
  // A block's output is the next one's input: the same values under two names.
  const inputOf = `blocks.${block + 1}.hook_resid_pre`;
  const same = (name: string) => /^hook_resid_p/u.test(kind) && name === `blocks.${block - 1}.hook_resid_post`;
  return sites
    .filter((each) => each.name !== site && each.width === d && each.name !== inputOf && !same(each.name))
    .filter((each) => near.includes(each.name) || each.block === block)
    .map(({ name }) => name);
}

interface Activations {
  /** `[count, d]` without the first tokens and without outliers. */
  readonly rows: Float32Array;
  /** The same with the first token of every context, outliers included. */
  readonly withFirst: Float32Array;
  readonly mean: Float32Array;
  readonly meanNorm: number;
  readonly bound: OutlierBound;
  /** Tokens but for the first ones, outliers included. */
  readonly count: number;
}

const EMPTY: Activations = {
  rows: new Float32Array(0),
  withFirst: new Float32Array(0),
  mean: new Float32Array(0),
  meanNorm: 0,
  bound: { centre: new Float64Array(0), limit: Infinity },
  count: 0,
};

async function activationsAt(
  { runtime, model, contexts, dictionary: { d }, signal, onWork }: SelfCheckOptions,
  sites: readonly string[],
): Promise<ReadonlyMap<string, Activations>> {
  const tokens = contexts.reduce((sum, { length }) => sum + length, 0);
  const buffers = new Map(
    sites.map((site) => [
      site,
      { first: new Float32Array(contexts.length * d), rest: new Float32Array((tokens - contexts.length) * d) },
    ]),
  );
  const session = await runtime.createSession(buildVariant(model, { taps: [...sites] }), {
    weightsFolder: model.weightsFolder,
  });
  let at = 0;
  try {
    for (const [index, context] of contexts.entries()) {
      signal?.throwIfAborted();
      const results = await session.run({ input_ids: tokenTensor([context], 'right') });
      for (const [site, { first, rest }] of buffers) {
        const values = results[site]?.data as Float32Array;
        first.set(values.subarray(0, d), index * d);
        rest.set(values.subarray(d, context.length * d), at);
      }
      at += (context.length - 1) * d;
      onWork?.({ stage: 'Checking against the model', done: index + 1, total: contexts.length, unit: 'contexts' });
    }
  } finally {
    await session.release();
  }
  return new Map(
    [...buffers].map(([site, { first, rest }]) => {
      const bound = outlierBound(rowsOf(rest, d));
      const withFirst = new Float32Array(first.length + rest.length);
      withFirst.set(first);
      withFirst.set(rest, first.length);
      const rows = withoutOutliers(rest, d, bound);
      return [site, { rows, withFirst, bound, count: rest.length / d, ...momentsOf(rows, d) }];
    }),
  );
}

function momentsOf(rows: Float32Array, d: number): Pick<Activations, 'mean' | 'meanNorm'> {
  const count = Math.max(1, rows.length / d);
  const sum = new Float64Array(d);
  let norms = 0;
  for (const row of rowsOf(rows, d)) {
    let squares = 0;
    for (let j = 0; j < d; j++) {
      const value = row[j] ?? 0;
      sum[j]! += value;
      squares += value ** 2;
    }
    norms += Math.sqrt(squares);
  }
  return { mean: Float32Array.from(sum, (value) => value / count), meanNorm: norms / count };
}

function variantsOf(
  { d, size, centre, decoderBias }: Dictionary,
  { meanNorm }: Activations,
): { readonly words: string; readonly changes: Omit<Row['changes'], 'site'> }[] {
  const subtracts = centre.some((value) => value !== 0);
  const hasBias = decoderBias.some((value) => value !== 0);
  const scale = Math.sqrt(d) / meanNorm;
  const changes = [
    ...(hasBias ? [{ subtractsDecoderBias: !subtracts }] : []),
    ...(d === size ? [{ isTransposed: true }] : []),
    ...(Number.isFinite(scale) && Math.abs(Math.log(scale)) > 0.05 ? [{ scale }, { scale: 1 / scale }] : []),
  ];
  return changes.map((each) => ({
    words: `with ${changeWords(each)}`.replace('with trained', 'if trained'),
    changes: each,
  }));
}

async function measure(
  { runtime, signal }: SelfCheckOptions,
  dictionary: Dictionary,
  { rows, mean }: Pick<Activations, 'rows' | 'mean'>,
) {
  const { d, size } = dictionary;
  const step = rowsPerRun(size) * d;
  const batches = function* () {
    for (let from = 0; from < rows.length; from += step) yield rows.slice(from, from + step);
  };
  return measureReconstruction({ runtime, dictionary, shift: mean, ...(signal ? { signal } : {}) }, batches());
}

function rowOf(
  words: string,
  changes: Row['changes'],
  { fvu, l0, deadFraction }: Awaited<ReturnType<typeof measure>>,
): Row {
  return { words, changes, fvu, l0, deadFraction };
}

type Losses = Pick<SelfCheck, 'ceOriginal' | 'ceReconstructed' | 'ceZero'>;

async function spliceLosses(
  { runtime, model, dictionary, contexts, bosTokenId, signal, onWork }: SelfCheckOptions,
  bound: OutlierBound,
): Promise<Losses> {
  const lossWith = async (patches: readonly Patch[], feeds: ReturnType<typeof dictionaryFeeds> = {}) => {
    const scorer = await openScorer(model, runtime, { patches });
    try {
      const options = { feeds, maxTokensPerBatch: rowsPerRun(dictionary.size), unscored: bosTokenId };
      return (
        await scorer.meanLoss(contexts, { ...options, ...(signal ? { signal } : {}), ...(onWork ? { onWork } : {}) })
      ).loss;
    } finally {
      await scorer.release();
    }
  };
  const alone = (patch: Patch) => leftAlone(patch, bosTokenId, bound);
  return {
    ceOriginal: await lossWith([]),
    ceReconstructed: await lossWith(
      [alone(reconstructionPatch(dictionary, { arrays: 'inputs' }))],
      dictionaryFeeds(dictionary, { arrays: 'inputs' }),
    ),
    ceZero: await lossWith([alone(zeroPatch(dictionary.site))]),
  };
}

// ---- the verdict ----------------------------------------------------------------------------------------------------

/** Exported for its test. */
export function judge(
  rows: readonly Row[],
  { l0 }: Pick<Claims, 'l0'>,
  { ceReconstructed, ceZero }: Pick<Losses, 'ceReconstructed' | 'ceZero'>,
): Pick<SelfCheck, 'verdict' | 'reasons' | 'better'> {
  const [asRead] = rows;
  if (!asRead) return { verdict: 'refused', reasons: ['Nothing was measured.'], better: null };
  const fits = (row: Row) => l0 === null || (row.l0 >= l0[0] / L0_FACTOR && row.l0 <= l0[1] * L0_FACTOR);
  const score = (row: Row) => (Number.isFinite(row.fvu) ? row.fvu : Infinity);
  const explaining = [...rows.entries()].filter(([, row]) => score(row) < EXPLAINS);
  const best = explaining.toSorted(([, a], [, b]) => score(a) - score(b))[0];
  if (!best) {
    return {
      verdict: 'refused',
      better: null,
      reasons: [
        `Under no convention does it explain the activations of this model: the least of the variance that is left is ${figure(Math.min(...rows.map(score)))} (FVU), and 1 is what their mean alone leaves.`,
        'Is the model the one that it was trained on? A base model and its chat model differ.',
      ],
    };
  }
  const [index, row] = best;
  const claimed = l0 === null ? '' : l0[0] === l0[1] ? figure(l0[0]) : `${figure(l0[0])} to ${figure(l0[1])}`;
  const betterFits = explaining.filter(([, each]) => fits(each)).toSorted(([, a], [, b]) => score(a) - score(b))[0];
  if (index !== 0 && score(row) <= CLEARLY * score(asRead)) {
    const reason = `It explains the activations clearly better ${row.words}: FVU ${figure(row.fvu)}, not ${figure(asRead.fvu)}.`;
    return { verdict: 'doubtful', better: index, reasons: [reason] };
  }
  if (!fits(asRead)) {
    const other = betterFits && betterFits[0] !== 0 ? betterFits : null;
    const reasons = [
      `${figure(asRead.l0)} features fire on a token, but the file claims ${claimed}.`,
      ...(other ? [`${other[1].words}: ${figure(other[1].l0)} (FVU ${figure(other[1].fvu)}).`] : []),
    ];
    return { verdict: 'doubtful', better: other?.[0] ?? null, reasons };
  }
  if (ceReconstructed >= ceZero) {
    const reason = `Its reconstruction costs the model as much as zero in its place: a loss of ${figure(ceReconstructed)}, not below ${figure(ceZero)}.`;
    return { verdict: 'doubtful', better: null, reasons: [reason] };
  }
  return {
    verdict: 'right',
    better: null,
    reasons: [
      `It explains the activations (FVU ${figure(asRead.fvu)}), and nothing that was tried does so clearly better.`,
      ...(claimed === '' ? [] : [`${figure(asRead.l0)} features fire on a token; the file claims ${claimed}.`]),
    ],
  };
}
