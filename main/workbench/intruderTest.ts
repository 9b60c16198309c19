// The blind test of labels: four texts in which the feature fires and one in which it does not, without shades, in an order
// that the seed gives. Whoever wrote the label finds the intruder by it, or the label says too little. Which one it is stays
// with the host until the answer is counted. (After the intrusion tests of Chang et al. 2009 for topic models.)
import type { FeatureExample } from '../contract/domain/featurePage.ts';
import { AppError, toAppError } from '../contract/base/errors.ts';
import { Random } from '../core/numerics/random.ts';
import { listedHash } from './featureLists.ts';
import { withStatistics } from './features.ts';
import { firingExamples, silentExamples } from './heldOutExamples.ts';
import type { Workbench } from './workbench.ts';

const FIRING = 4;
export const INTRUDER_TEXTS = FIRING + 1;
/** The page shows these first; whoever labels has seen them. */
const SEEN_EXAMPLES = 8;
/** Features tried for a test, before there is none. */
const MOST_CANDIDATES = 8;
const MOST_SEED = 2 ** 31 - 1;

export interface IntruderTest {
  readonly feature: number;
  readonly seed: number;
  readonly label: string;
  readonly texts: readonly FeatureExample[];
  readonly intruder: number;
}

export interface IntruderRequest {
  /** Name of the dictionary. */
  readonly dictionary: string;
  readonly feature?: number | undefined;
  readonly seed?: number | undefined;
}

/** @throws AppError `empty` when no feature has a label, or too few examples; `usage` for one without a label. */
export async function intruderTest(
  workbench: Workbench,
  { dictionary, feature, seed = new Random(Date.now() % MOST_SEED).below(MOST_SEED) }: IntruderRequest,
  author: string,
  signal: AbortSignal,
): Promise<IntruderTest> {
  const hash = await listedHash(workbench, dictionary);
  const draw = (one: number) => drawTest(workbench, { dictionary, hash, feature: one, seed }, signal);
  if (feature !== undefined) return draw(feature);
  // One that fires nearly everywhere has no silent text: the next is taken.
  const candidates = leastTested(workbench, hash, author, seed);
  for (const candidate of candidates.slice(0, MOST_CANDIDATES)) {
    try {
      return await draw(candidate);
    } catch (thrown) {
      if (toAppError(thrown).code !== 'empty') throw thrown;
    }
  }
  throw new AppError(
    'empty',
    candidates.length === 0
      ? 'No feature that fires has a label yet: label some first.'
      : 'The labelled features fire too often for a blind test, or too seldom.',
  );
}

async function drawTest(
  workbench: Workbench,
  { dictionary, hash, feature, seed }: { dictionary: string; hash: string; feature: number; seed: number },
  signal: AbortSignal,
): Promise<IntruderTest> {
  const label = workbench.project.labels.get({ dictionary: hash, feature });
  if (!label || label.text === '') throw new AppError('usage', `Feature ${feature} has no label to be tested by.`);
  return withStatistics(workbench, dictionary, async (reader) => {
    const random = new Random(seed);
    const page = await reader.page(feature);
    const firing = firingExamples(page, FIRING, page.top.slice(0, SEEN_EXAMPLES), random);
    const [other] = await silentExamples(workbench, reader, { dictionary, feature, count: 1 }, random, signal);
    if (!other) throw new AppError('internal', 'No text was drawn.');
    const intruder = random.below(INTRUDER_TEXTS);
    const silent = { ...other, activations: other.activations.map(() => 0) };
    const texts = [...firing.slice(0, intruder), silent, ...firing.slice(intruder)];
    return { feature, seed, label: label.text, texts, intruder };
  });
}

/** The features with a label, those tested least first, in an order that the seed gives. */
function leastTested({ project }: Workbench, hash: string, author: string, seed: number): readonly number[] {
  const tested = project.intruders.tested(hash, author);
  const features = Uint32Array.from(
    project.features.features({ dictionary: hash, states: ['labelled'], ranges: { rate: { min: Number.MIN_VALUE } } }),
  );
  new Random(seed).shuffle(features);
  return [...features].sort((a, b) => (tested.get(a) ?? 0) - (tested.get(b) ?? 0));
}

/** Counts an answer. @throws AppError `exists` when this test was answered before, `usage` for a text that there is not. */
export async function answerIntruderTest(
  workbench: Workbench,
  request: IntruderRequest & { readonly feature: number; readonly seed: number; readonly chosen: number },
  author: string,
  signal: AbortSignal,
) {
  const { chosen, dictionary } = request;
  const { texts, intruder, feature, seed, label } = await intruderTest(workbench, request, author, signal);
  if (chosen >= texts.length) throw new AppError('usage', `The test has ${texts.length} texts.`);
  const key = { dictionary: await listedHash(workbench, dictionary), feature };
  workbench.project.intruders.add({ ...key, seed, label, texts: texts.length, chosen, intruder }, { author });
  return { isRight: chosen === intruder, intruder, activations: texts.map(({ activations }) => [...activations]) };
}
