// Measuring what features cause: ablations as the finder measures them (many in one run, each sample with its own, and the
// layers before the site computed once for each text) against one ablation a run of the edited model. By turns in one
// process, so that other load on the machine falls on both. The sample model, cases of its jailbreak suite, and a
// dictionary of random directions, since the time does not depend on what they mean.
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { AppError } from '../main/contract/base/errors.ts';
import { hashDictionary, type Dictionary } from '../main/core/dictionaries/dictionary.ts';
import type { Edit } from '../main/contract/domain/edit.ts';
import { createCpuRuntime } from '../main/core/onnx/cpuRuntime.ts';
import { readBehaviourFile } from '../main/core/behaviours/behaviourFile.ts';
import { openPromptEncoder } from '../main/core/behaviours/prompts.ts';
import { casesOf } from '../main/core/behaviours/runBehaviour.ts';
import { IntervenableModel } from '../main/core/interventions/intervenableModel.ts';
import { CausalScorer } from '../main/core/finder/causalScorer.ts';
import { shownCases, type ShownCase } from '../main/core/finder/shownCase.ts';
import { openModel } from '../main/core/models/model.ts';
import { Random } from '../main/core/numerics/random.ts';
import { median } from './figures/median.ts';

const SAMPLE = join(import.meta.dirname, '../resources/sample');
const SITE = 'blocks.1.hook_resid_post';

/**
 * @param options.args --features, --cases, --rounds
 * @returns ablations (one feature in one prompt) per second, by medians over the rounds: batched; one a run; and one
 * feature a run with all prompts in it, which is the most that a graph with one edit for all samples can do.
 */
export async function run({ args = [] }: { readonly args?: readonly string[] } = {}): Promise<Record<string, unknown>> {
  const { values } = parseArgs({
    args: [...args],
    options: {
      features: { type: 'string', default: '64' },
      cases: { type: 'string', default: '12' },
      rounds: { type: 'string', default: '5' },
    },
  });
  const [features, count, rounds] = [Number(values.features), Number(values.cases), Number(values.rounds)];
  if (![features, count, rounds].every((value) => Number.isSafeInteger(value) && value > 0)) {
    throw new AppError('usage', 'causalSweep: --features, --cases and --rounds are positive numbers.');
  }
  const runtime = createCpuRuntime();
  const model = await openModel(join(SAMPLE, 'model'));
  const dictionary = randomDictionary(await model.hash(), model.config.hiddenSize, features);
  const place = { site: SITE, dictionary: hashDictionary(dictionary) };
  const dictionaries = new Map([[place.dictionary, dictionary]]);
  const encoder = await openPromptEncoder(model);
  const intervenable = new IntervenableModel({ model, runtime, dictionaries, places: [] });
  const behaviour = await readBehaviourFile(join(SAMPLE, 'behaviours/jailbreak.json'), 'json');
  const chosen = casesOf(behaviour, 'choose').slice(0, count);
  const found = await shownCases(intervenable, encoder, behaviour, chosen);
  const cases = found.flatMap((shown) => shown ?? []);
  await intervenable.release();
  const edits = Array.from({ length: features }, (_, feature): Edit => {
    return { operations: [{ ...place, feature, kind: 'ablate', scope: { positions: 'notBos' }, gates: [] }] };
  });
  const trials = edits.flatMap((edit) => cases.map((shown) => ({ edit, shown })));
  const edited = new IntervenableModel({ model, runtime, dictionaries, places: [place] });
  const likelihoods = async (edit: Edit, texts: readonly ShownCase[]) => {
    const logProbs = await edited.logProbabilities(
      { edit },
      texts.map(({ said }) => said),
    );
    return logProbs.map((values) => values.reduce((sum, value) => sum + value, 0));
  };
  const inTurns = async (atOnce: number) => {
    const scores: number[] = [];
    for (const edit of edits) {
      for (let first = 0; first < cases.length; first += atOnce) {
        scores.push(...(await likelihoods(edit, cases.slice(first, first + atOnce))));
      }
    }
    return scores;
  };
  const scorer = await CausalScorer.open({ model, runtime, dictionaries, places: [place] });
  const ways = {
    batched: async () => (await scorer.score(trials)).map(({ score }) => score),
    oneByOne: () => inTurns(1),
    oneFeatureByOne: () => inTurns(cases.length),
  };
  const perSecond: Record<keyof typeof ways, number[]> = { batched: [], oneByOne: [], oneFeatureByOne: [] };
  try {
    const expected = await ways.batched();
    let largest = 0;
    for (let round = 0; round < rounds; round++) {
      for (const [name, score] of Object.entries(ways) as [keyof typeof ways, () => Promise<number[]>][]) {
        const startedAt = performance.now();
        const scores = await score();
        perSecond[name].push(trials.length / ((performance.now() - startedAt) / 1000));
        const differences = scores.map((each, index) => Math.abs(each - (expected[index] ?? NaN)));
        largest = Math.max(largest, ...differences);
      }
    }
    const [batched, oneByOne, oneFeatureByOne] = [perSecond.batched, perSecond.oneByOne, perSecond.oneFeatureByOne].map(
      median,
    ) as [number, number, number];
    return {
      features,
      cases: cases.length,
      tokens: cases.reduce((sum, { said }) => sum + said.ids.length - 1, 0),
      rounds,
      ablationsPerSecond: { batched, oneByOne, oneFeatureByOne },
      timesOneByOne: batched / oneByOne,
      timesOneFeatureByOne: batched / oneFeatureByOne,
      maxAbsScoreDiff: largest,
    };
  } finally {
    await scorer.release();
    await edited.release();
  }
}

function randomDictionary(modelHash: string, d: number, size: number): Dictionary {
  const random = new Random(3);
  const rows = () => Float32Array.from({ length: size * d }, () => random.normal() / Math.sqrt(d));
  return {
    architecture: 'relu',
    d,
    size,
    k: null,
    encoder: rows(),
    encoderBias: new Float32Array(size),
    decoder: rows(),
    decoderBias: new Float32Array(d),
    centre: new Float32Array(d),
    perFeature: {},
    site: SITE,
    modelHash,
  };
}
