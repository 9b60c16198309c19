import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { hashDictionary, type Dictionary } from '../dictionaries/dictionary.ts';
import { EMPTY_EDIT, type Edit } from '../../contract/domain/edit.ts';
import type { Action, Operation } from '../../contract/domain/operations/index.ts';
import type { Scope } from '../../contract/domain/operations/target.ts';
import type { DictionarySite } from '../edits/editPatches.ts';
import { createCpuRuntime } from '../onnx/cpuRuntime.ts';
import { openModel, type Model } from '../models/model.ts';
import { Random } from '../numerics/random.ts';
import { encodeTexts } from './caseFirings.ts';
import { CausalScorer } from './causalScorer.ts';
import { EditActivity } from './editActivity.ts';
import type { ShownCase } from './shownCase.ts';
import { randomDictionary, sampleModel, SITE } from '../../testing/finder/plantedDictionary.ts';

const runtime = createCpuRuntime();
const FEATURES = 64;
const LATER = 'blocks.2.hook_resid_post';
/** Scores of like texts in other batches differ by rounding; what acts moves them by far more. */
const ROUNDING = 1e-5;
const MOVED = 1e-3;

const random = new Random(11);
const cases: readonly ShownCase[] = Array.from({ length: 12 }, (_, index) => {
  const ids = [0, ...Array.from({ length: 5 + (index % 4) }, () => 20 + random.below(500))];
  return { behaviour: 'b', prompt: '', promptIds: ids.slice(0, 3), said: { ids, promptLength: 3 }, against: [] };
});

const ACTIONS: readonly Action[] = [
  { kind: 'ablate' },
  { kind: 'scale', factor: -3 },
  { kind: 'clamp', value: 5 },
  { kind: 'clampActive', value: -20 },
  { kind: 'floor', value: -1 },
  { kind: 'floor', value: 4 },
  { kind: 'cap', value: 0.1 },
  { kind: 'cap', value: -5 },
  { kind: 'steer', amount: 6 },
  { kind: 'project', factor: 0 },
];
const SCOPES: readonly Scope[] = [
  { positions: 'notBos' },
  { positions: 'all' },
  { positions: 'promptOnly' },
  { positions: 'generatedOnly' },
  { positions: 'fromFirstFiring', feature: 17 },
];

/** Dictionaries whose features fire seldom, as trained ones do. */
function seldomFiring(modelHash: string, architecture: Dictionary['architecture'], site: string): Dictionary {
  const dictionary = { ...randomDictionary(modelHash, FEATURES, site.length), architecture, site };
  switch (architecture) {
    case 'topk':
      return { ...dictionary, k: 6 };
    case 'jumprelu':
      return { ...dictionary, perFeature: { threshold: new Float32Array(FEATURES).fill(1.2) } };
    default:
      return { ...dictionary, encoderBias: new Float32Array(FEATURES).fill(-1.2) };
  }
}

function operations(place: DictionarySite): Operation[] {
  return ACTIONS.flatMap((action, kind) =>
    SCOPES.flatMap((scope, which) =>
      [[], [{ feature: 9, threshold: 0.4 }]].map((gates, gated) => {
        const feature = (7 * kind + 3 * which + gated) % FEATURES;
        return { ...place, ...action, feature, scope, gates };
      }),
    ),
  );
}

describe.each(['relu', 'jumprelu', 'topk'] as const)(
  'what an edit can reach, by a dictionary of the kind %s',
  (architecture) => {
    let model: Model;
    let scorer: CausalScorer;
    const places: DictionarySite[] = [];
    const activity = new EditActivity();

    beforeAll(async () => {
      model = await openModel(sampleModel);
      const modelHash = await model.hash();
      const dictionaries = new Map<string, Dictionary>();
      for (const site of [SITE, LATER]) {
        const dictionary = seldomFiring(modelHash, architecture, site);
        const place = { site, dictionary: hashDictionary(dictionary) };
        places.push(place);
        dictionaries.set(place.dictionary, dictionary);
        const firings = await encodeTexts(
          { model, runtime, dictionary, site },
          cases.map(({ said }) => said.ids),
        );
        for (const [index, shown] of cases.entries()) {
          const here = firings[index];
          if (here) activity.add(place, shown, here, (position) => position === 0);
        }
      }
      scorer = await CausalScorer.open({ model, runtime, dictionaries, places });
    });
    afterAll(() => scorer.release());

    /** Compares with running everything. @returns how many trials it spares, and how many moved. */
    async function compare(edits: readonly Edit[]) {
      const trials = [EMPTY_EDIT, ...edits].flatMap((edit) => cases.map((shown) => ({ edit, shown })));
      const scores = await scorer.score(trials);
      const counts = { all: trials.length, spared: 0, moved: 0 };
      for (const [index, { edit, shown }] of trials.entries()) {
        const moved = Math.abs((scores[index]?.score ?? NaN) - (scores[index % cases.length]?.score ?? NaN));
        const isReached = activity.mayAct(edit, shown);
        if (!isReached) expect(moved, JSON.stringify(edit)).toBeLessThan(ROUNDING);
        counts.spared += isReached ? 0 : 1;
        counts.moved += moved > MOVED ? 1 : 0;
      }
      return counts;
    }

    it('where it says that nothing acts, the score is the unedited one; and it says so often', async () => {
      const edits = places.flatMap((place) =>
        operations(place).map((operation): Edit => ({ operations: [operation] })),
      );
      const { all, spared, moved } = await compare(edits);
      expect(spared).toBeGreaterThan(all / 6);
      expect(moved).toBeGreaterThan(all / 10);
    });

    it('so it does of edits at two sites, the later of which reads what the earlier made', async () => {
      const [first = [], second = []] = places.map(operations);
      const edits = first.map((operation, index): Edit => {
        return { operations: [operation, second[(11 * index) % second.length] ?? operation] };
      });
      const { all, spared, moved } = await compare(edits);
      expect(spared).toBeGreaterThan(all / 30);
      expect(moved).toBeGreaterThan(all / 10);
    });

    it('promises nothing of a case that it was not told of', () => {
      const [place] = places;
      if (!place || !cases[0]) throw new Error('no place');
      const { said } = cases[0];
      const other: ShownCase = { ...cases[0], said: { ...said, ids: [...said.ids] } };
      const ablated: Edit = {
        operations: [{ ...place, kind: 'ablate', feature: 1, scope: { positions: 'notBos' }, gates: [] }],
      };
      expect(activity.mayAct(ablated, other)).toBe(true);
      expect(activity.mayAct(EMPTY_EDIT, other)).toBe(false);
    });
  },
);
