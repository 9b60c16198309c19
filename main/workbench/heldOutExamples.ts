// Texts to try a label on: examples in which the feature fires and that nobody was shown at first, and examples of other
// features in which it does not fire, which is measured, not believed. What is drawn follows from a seed.
import type { FeatureExample, FeaturePage } from '../contract/domain/featurePage.ts';
import { AppError } from '../contract/base/errors.ts';
import type { StatisticsReader } from '../core/features/statisticsReader.ts';
import type { Random } from '../core/numerics/random.ts';
import { tryText } from './features.ts';
import type { Workbench } from './workbench.ts';

/** Tokens before and after the peak that are shown: enough to judge, and to be silent in. */
const BEFORE = 24;
const AFTER = 8;
/** Other features looked at for one silent example, before there is none. */
const MOST_TRIES = 60;

/**
 * Examples drawn at random, from the stronger half of those that fire, none in a context of `shown`.
 * @throws AppError `empty` when there are not as many.
 */
export function firingExamples(
  page: FeaturePage,
  count: number,
  shown: readonly FeatureExample[],
  random: Random,
): readonly FeatureExample[] {
  const known = new Set(shown.map(({ context }) => context));
  const stronger = page.groups.filter(({ from }) => from >= 0.5).flatMap(({ examples }) => examples);
  const weaker = page.groups.filter(({ from }) => from < 0.5).flatMap(({ examples }) => examples);
  const drawn: FeatureExample[] = [];
  for (const pool of [stronger, weaker, page.top]) {
    for (const index of shuffled(pool.length, random)) {
      const example = pool[index];
      if (!example || drawn.length >= count || known.has(example.context)) continue;
      known.add(example.context);
      drawn.push(example);
    }
  }
  if (drawn.length === count) return drawn.map(cropped);
  throw new AppError(
    'empty',
    `Feature ${page.feature} has ${drawn.length} examples other than those shown, but ${count} are needed.`,
  );
}

/** Examples of other features in which `feature` is silent. @throws AppError `empty` when none are found. */
export async function silentExamples(
  workbench: Workbench,
  reader: StatisticsReader,
  { dictionary, feature, count }: { readonly dictionary: string; readonly feature: number; readonly count: number },
  random: Random,
  signal: AbortSignal,
): Promise<readonly FeatureExample[]> {
  const { size } = reader.manifest;
  const found: FeatureExample[] = [];
  for (let tries = 0; tries < MOST_TRIES * count && found.length < count; tries++) {
    signal.throwIfAborted();
    const other = random.below(size);
    if (other === feature) continue;
    const { groups, top, firings } = await reader.page(other);
    const pool = [...groups.flatMap(({ examples }) => examples), ...top];
    const whole = firings === 0 ? undefined : pool[random.below(Math.max(1, pool.length))];
    const example = whole && cropped(whole);
    if (!example || found.some(({ context }) => context === example.context)) continue;
    if (await isSilent(workbench, reader, dictionary, feature, example, signal)) found.push(example);
  }
  if (found.length === count) return found;
  throw new AppError('empty', `Feature ${feature} fires too often: hardly any text was found in which it does not.`);
}

function cropped(example: FeatureExample): FeatureExample {
  const first = Math.max(0, example.peak - BEFORE);
  const end = Math.min(example.tokens.length, example.peak + AFTER + 1);
  return {
    ...example,
    tokens: example.tokens.slice(first, end),
    activations: example.activations.slice(first, end),
    special: example.special.filter((index) => index >= first && index < end).map((index) => index - first),
    firstPosition: example.firstPosition + first,
    peak: example.peak - first,
  };
}

/** Reads the context of an example anew, and looks at the part that is shown; at all of it where it reads otherwise now. */
async function isSilent(
  workbench: Workbench,
  reader: StatisticsReader,
  dictionary: string,
  feature: number,
  { context, contextLength, firstPosition, tokens }: FeatureExample,
  signal: AbortSignal,
): Promise<boolean> {
  const whole = await reader.contextTokens(context, 0, contextLength);
  const skipped = (await reader.beginsSpecial(context)) ? 1 : 0;
  const text = whole.slice(skipped).join('');
  if (text.trim() === '') return false;
  const read = await tryText(workbench, { dictionary, text, features: [feature], perToken: 1, count: 1 }, signal);
  const values = read.activations[0]?.values ?? [];
  const isSame = read.tokens.join('\n') === whole.slice(skipped).join('\n');
  const from = Math.max(0, firstPosition - skipped);
  const seen = isSame ? values.slice(from, firstPosition - skipped + tokens.length) : values;
  return seen.every((value) => value === 0);
}

function shuffled(count: number, random: Random): Uint32Array {
  const order = Uint32Array.from({ length: count }, (_, index) => index);
  random.shuffle(order);
  return order;
}
