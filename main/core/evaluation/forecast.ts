// What an edit will probably move, before anything is run: from the dictionary's rows and the statistics of its features.
//
// An operation on feature i is in one of a few states on a token: i fires or is silent, and its gates are open. In a state of
// share p it adds Δ·d_i to the activation, so the pre-activation of feature j changes by δ = Δ·⟨w_j, d_i⟩. Where j fires, the
// excess of its pre-activation over its threshold is taken to be exponentially distributed with its mean e_j; then its rate
// among those tokens becomes P·exp(δ/e_j), at most 1, where P is its rate in that state: with i firing, what the firing
// patterns' cosine says (both ÷ √(firings_i·firings_j)), where it is known, else j's own rate. The changes of all operations
// and states are added.
//
// This knows nothing of the text, of how features compete in a topk dictionary, or of what follows after the site. How good
// it is, is measured with every evaluation (forecastCheck.ts).
import type { TokenEffect } from '../../contract/domain/featurePage.ts';
import type { ForecastFeature, ForecastOperation, SiteForecast } from '../../contract/domain/forecast.ts';
import type { Dictionary } from '../dictionaries/dictionary.ts';
import type { Edit } from '../../contract/domain/edit.ts';
import { gainOf, lineOf, OPERATIONS, type Operation } from '../../contract/domain/operations/index.ts';
import { kindOf } from '../dictionaries/kinds/index.ts';
import { placesOf, type Dictionaries } from '../edits/editPatches.ts';

/** What must be known of the features, from their statistics. */
export interface ForecastStatistics {
  /** Tokens that were counted. */
  readonly tokens: number;
  /** `[size]`: on how many each feature fires, and its mean activation there (NaN where it never does). */
  readonly firings: ArrayLike<number>;
  readonly means: ArrayLike<number>;
  /** Of an edited feature: those that fire with it, by the cosine of firing patterns. */
  readonly cofiring: ReadonlyMap<number, readonly { readonly feature: number; readonly cosine: number }[]>;
  /** Of an edited feature: its direct effects on logits, per unit of activation; none where the site has none. */
  readonly logits: ReadonlyMap<
    number,
    { readonly top: readonly TokenEffect[]; readonly bottom: readonly TokenEffect[] }
  >;
}

/** A state of an operation: on a share of all tokens it changes its feature by this much. */
export interface ActingState {
  readonly fires: boolean;
  readonly share: number;
  readonly delta: number;
}

/** With one value for each feature. */
export interface WholeForecast {
  readonly forecast: SiteForecast;
  readonly changes: Float64Array;
  /** Size of the largest cosine with an edited decoder row; and of firing patterns, 0 where it is not known. */
  readonly cosines: Float64Array;
  readonly cofiring: Float64Array;
  readonly rates: Float64Array;
  readonly edited: ReadonlySet<number>;
}

const LISTED = 40;
const LISTED_TOKENS = 10;
/** A mean excess below this share of the mean activation is not believed: thresholds can lie close beneath. */
const LEAST_EXCESS = 0.05;

/** At every place of an edit whose dictionary and statistics are here, by the dictionary's hash. */
export function forecastEdit(
  edit: Edit,
  dictionaries: Dictionaries,
  statistics: ReadonlyMap<string, ForecastStatistics>,
): WholeForecast[] {
  return placesOf(edit).flatMap((place) => {
    const [dictionary, known] = [dictionaries.get(place.dictionary), statistics.get(place.dictionary)];
    if (!dictionary || !known) return [];
    const operations = edit.operations.filter(
      (operation) => operation.site === place.site && operation.dictionary === place.dictionary,
    );
    return [forecastPlace(dictionary, place, operations, known)];
  });
}

/** @param operations all at one site, on features of one dictionary. */
function forecastPlace(
  dictionary: Dictionary,
  place: { readonly site: string; readonly dictionary: string },
  operations: readonly Operation[],
  statistics: ForecastStatistics,
): WholeForecast {
  const { size } = dictionary;
  const { tokens, firings } = statistics;
  const edited = new Set(operations.map(({ feature }) => feature));
  const rates = Float64Array.from({ length: size }, (_, j) => firings[j]! / tokens);
  const excesses = excessesOf(dictionary, statistics);
  const changes = new Float64Array(size);
  const cofiring = new Float64Array(size);
  const cosines = new Float64Array(size);
  const nearest = new Int32Array(size).fill(-1);
  const norms = Float64Array.from({ length: size }, (_, j) => Math.sqrt(product(dictionary.decoder, j, j, dictionary)));

  for (const operation of operations) {
    const i = operation.feature;
    const together = new Map(statistics.cofiring.get(i)?.map(({ feature, cosine }) => [feature, cosine]));
    const states = statesOf(operation, statistics);
    for (let j = 0; j < size; j++) {
      const cosine = product(dictionary.decoder, j, i, dictionary) / (norms[j]! * norms[i]! || 1);
      if (Math.abs(cosine) > Math.abs(cosines[j]!) || nearest[j] === -1) {
        cosines[j] = cosine;
        nearest[j] = i;
      }
      const known = together.get(j);
      if (known !== undefined) cofiring[j] = Math.max(cofiring[j]!, known);
      const overlap = overlapOf(dictionary, j, i);
      for (const { fires, share, delta } of states) {
        const rate =
          fires && known !== undefined ? rateGiven(known, firings[j]!, firings[i]!) : rateOf(firings[j]!, tokens);
        changes[j]! += share * (Math.min(1, rate * Math.exp((delta * overlap) / excesses[j]!)) - rate);
      }
    }
  }

  const others = [...rates.keys()].filter((j) => !edited.has(j));
  const strongest = others
    .filter((j) => changes[j] !== 0)
    .sort((a, b) => Math.abs(changes[b]!) - Math.abs(changes[a]!) || a - b)
    .slice(0, LISTED)
    .map((j): ForecastFeature => ({
      feature: j,
      rate: rates[j]!,
      change: changes[j]!,
      cosine: cosines[j]!,
      nearest: nearest[j]!,
      cofiring: cofiring[j] === 0 ? null : cofiring[j]!,
      isEdited: false,
    }));
  const total = others.reduce((sum, j) => sum + rates[j]!, 0);
  const moved = others.reduce((sum, j) => sum + Math.abs(changes[j]!), 0);
  const forecast: SiteForecast = {
    ...place,
    features: size,
    tokens,
    operations: operations.map((operation) => summaryOf(operation, statistics)),
    unforecast: operations.filter(({ kind }) => OPERATIONS[kind].reads === 'stream').map(({ feature }) => feature),
    strongest,
    shareOfFirings: total === 0 ? 0 : moved / total,
    ...footprint(operations, statistics),
  };
  return { forecast, changes, cosines: cosines.map(Math.abs), cofiring, rates, edited };
}

/** What an operation does on which share of the tokens, gates and firing taken to be independent. */
export function statesOf(operation: Operation, { tokens, firings, means }: ForecastStatistics): ActingState[] {
  const rate = firings[operation.feature]! / tokens;
  const mean = firings[operation.feature] === 0 ? 0 : means[operation.feature]!;
  const open = openShare(operation, { tokens, firings, means });
  const firing = (delta: number): ActingState => ({ fires: true, share: rate * open, delta });
  const silent = (delta: number): ActingState => ({ fires: false, share: (1 - rate) * open, delta });
  const gains = meanGains(operation, mean);
  if (gains === null) return [];
  // What leaves an activation of 0 as it is has no state for silence.
  return [firing(gains.firing), ...(gains.silent === 0 ? [] : [silent(gains.silent)])];
}

/**
 * The mean of what an operation adds, where its feature fires with an exponentially distributed activation and where it is
 * silent. Null where that depends on the activations of the site.
 */
function meanGains(operation: Operation, mean: number): { readonly firing: number; readonly silent: number } | null {
  const { reads, onlyActive } = OPERATIONS[operation.kind];
  if (reads === 'stream') return null;
  const { slope, offset, low, high } = lineOf(operation);
  return {
    firing: slope * mean + offset + clippedMean(mean, low, high) - mean,
    silent: onlyActive === true ? 0 : gainOf(operation, 0),
  };
}

/** E[min(max(f, low), high)] of an exponential f. */
function clippedMean(mean: number, low: number, high: number): number {
  if (high < 0 || mean === 0) return Math.min(Math.max(0, low), high);
  const least = Math.max(0, low);
  const beyond = (value: number) => Math.exp(-value / mean); // P(f > value)
  return least + mean * (beyond(least) - beyond(high));
}

/** That any gate is open, gates taken to be independent; above a threshold by an exponential distribution. */
function openShare(
  { gates }: Operation,
  { tokens, firings, means }: Pick<ForecastStatistics, 'tokens' | 'firings' | 'means'>,
): number {
  if (gates.length === 0) return 1;
  const closed = gates.reduce((share, { feature, threshold }) => {
    if (threshold < 0) return 0; // an activation is never below 0
    const rate = firings[feature]! / tokens;
    const mean = firings[feature] === 0 ? 0 : means[feature]!;
    return share * (1 - (mean === 0 ? 0 : rate * Math.exp(-threshold / mean)));
  }, 1);
  return 1 - closed;
}

function summaryOf(operation: Operation, statistics: ForecastStatistics): ForecastOperation {
  const states = statesOf(operation, statistics).filter(({ delta }) => delta !== 0);
  const share = states.reduce((sum, state) => sum + state.share, 0);
  const delta = states.reduce((sum, state) => sum + state.share * state.delta, 0);
  return { feature: operation.feature, kind: operation.kind, share, delta: share === 0 ? 0 : delta / share };
}

/** The tokens of the edited features' own lists, by the sum of effect × mean change over the operations. */
function footprint(operations: readonly Operation[], statistics: ForecastStatistics) {
  const effects = new Map<string, number>();
  for (const operation of operations) {
    const { delta } = summaryOf(operation, statistics);
    const lists = statistics.logits.get(operation.feature);
    for (const { token, effect } of [...(lists?.top ?? []), ...(lists?.bottom ?? [])]) {
      effects.set(token, (effects.get(token) ?? 0) + delta * effect);
    }
  }
  const sorted = [...effects].map(([token, effect]) => ({ token, effect })).sort((a, b) => b.effect - a.effect);
  return {
    raised: sorted.filter(({ effect }) => effect > 0).slice(0, LISTED_TOKENS),
    lowered: sorted
      .filter(({ effect }) => effect < 0)
      .reverse()
      .slice(0, LISTED_TOKENS),
  };
}

/** Half a firing is added, so that a feature which never fired in the text may begin to. */
function rateOf(firings: number, tokens: number): number {
  return Math.min(1, (firings + 0.5) / (tokens + 1));
}

/** P(j fires | i fires) from the cosine n_ij / √(n_i·n_j). */
function rateGiven(cosine: number, firingsOfJ: number, firingsOfI: number): number {
  return firingsOfI === 0 ? 0 : Math.min(1, cosine * Math.sqrt(firingsOfJ / firingsOfI));
}

/** `[size]`: mean of pre-activation − threshold where a feature fires; of those that never fire, the median of the others. */
function excessesOf(
  { size, perFeature, architecture }: Dictionary,
  { firings, means }: ForecastStatistics,
): Float64Array {
  const own = Float64Array.from({ length: size }, (_, j) => {
    if (firings[j] === 0) return NaN;
    const above = kindOf({ architecture }).jump(perFeature, j);
    return Math.max(means[j]! - above, LEAST_EXCESS * means[j]!);
  });
  const known = own.filter((excess) => excess > 0).sort();
  const median = known[Math.floor(known.length / 2)] ?? 1;
  return own.map((excess) => (excess > 0 ? excess : median));
}

/** ⟨w_j, d_i⟩ */
function overlapOf({ encoder, decoder, d }: Dictionary, j: number, i: number): number {
  let sum = 0;
  for (let at = 0; at < d; at++) sum += encoder[j * d + at]! * decoder[i * d + at]!;
  return sum;
}

/** ⟨row_j, row_i⟩ */
function product(rows: Float32Array, j: number, i: number, { d }: Dictionary): number {
  let sum = 0;
  for (let at = 0; at < d; at++) sum += rows[j * d + at]! * rows[i * d + at]!;
  return sum;
}
