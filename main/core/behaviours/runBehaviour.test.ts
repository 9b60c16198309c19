// The runner against one prompt at a time without a cache, in slow double precision; and on the sample model.
import { describe, expect, it } from 'vitest';
import { fileURLToPath } from 'node:url';
import { readFile } from 'node:fs/promises';
import { randomDictionary } from '../../testing/dictionaries/randomDictionary.ts';
import type { Edit } from '../../contract/domain/edit.ts';
import type { Operation } from '../../contract/domain/operations/index.ts';
import type { Scope } from '../../contract/domain/operations/target.ts';
import { fixEdit, type Dictionaries } from '../edits/editPatches.ts';
import { openModel, type Model } from '../models/model.ts';
import { floats, runtime, tokens } from '../../testing/models/runVariant.ts';
import { openTinyModel } from '../../testing/models/temporaryFolder.ts';
import { findSite } from '../models/sites.ts';
import { buildVariant } from '../models/variant.ts';
import { int64Tensor } from '../models/tokenBatch.ts';
import { Random } from '../numerics/random.ts';
import { parseBehaviour } from './behaviour.ts';
import { readBehaviourFile } from './behaviourFile.ts';
import { openPromptEncoder } from './prompts.ts';
import { casesOf, runCases } from './runBehaviour.ts';
import { IntervenableModel, NO_INTERVENTION, type Text } from '../interventions/intervenableModel.ts';

const sample = fileURLToPath(new URL('../../../resources/sample/', import.meta.url));
const hash = 'a'.repeat(64);

interface Bench {
  readonly model: Model;
  readonly dictionaries: Dictionaries;
  readonly edit: Edit;
}

const SITE = 'blocks.1.hook_resid_post';
const scopes: readonly Scope[] = [
  { positions: 'all' },
  { positions: 'notBos' },
  { positions: 'promptOnly' },
  { positions: 'generatedOnly' },
  { positions: 'fromFirstFiring', feature: 2 },
];

/** An edit with every scope, gated and not, strong enough to change what is generated. */
function bench(model: Model, architecture: 'relu' | 'topk' | 'jumprelu'): Bench {
  const d = findSite(model.sites, SITE).width;
  const dictionary = randomDictionary(new Random(3), architecture, { d, size: 4 * d, k: 6, site: SITE });
  const operations = scopes.flatMap((scope, index): Operation[] => {
    const place = { site: SITE, dictionary: hash, scope };
    return [
      { ...place, feature: index, gates: [], kind: 'steer', amount: 0.7 },
      { ...place, feature: 10 + index, gates: [{ feature: 20 + index, threshold: 0 }], kind: 'clamp', value: -2 },
      { ...place, feature: 30 + index, gates: [], kind: 'project', factor: 0.8 },
    ];
  });
  return { model, dictionaries: new Map([[hash, dictionary]]), edit: { operations } };
}

/** One prompt, no cache, the edit fixed in the graph: every step runs the whole text again. */
async function alone({ model, dictionaries, edit }: Bench, prompt: readonly number[], maxNewTokens: number) {
  const fixed = fixEdit(edit, dictionaries, model.config.bosTokenId);
  const session = await runtime.createSession(buildVariant(model, { head: 'logits', patches: fixed.patches }), {
    weightsFolder: model.weightsFolder,
  });
  const ids = [...prompt];
  const logProbabilities: Float64Array[] = [];
  try {
    for (let step = 0; step < maxNewTokens; step++) {
      const { logits } = await session.run({
        ...fixed.feeds({ batch: 1, promptLengths: [prompt.length] }),
        input_ids: tokens(ids),
        ...(fixed.needsPromptLength ? { prompt_length: int64Tensor([prompt.length]) } : {}),
      });
      const row = Float64Array.from(floats(logits).subarray(-model.config.vocabularySize));
      const largest = Math.max(...row);
      const normalizer = largest + Math.log(row.reduce((sum, value) => sum + Math.exp(value - largest), 0));
      logProbabilities.push(row.map((value) => value - normalizer));
      const best = row.indexOf(largest);
      if (model.config.eosTokenIds.includes(best)) break;
      ids.push(best);
    }
  } finally {
    await session.release();
  }
  return { ids: ids.slice(prompt.length), logProbabilities };
}

describe.each(['relu', 'topk', 'jumprelu'] as const)('a batch under an edit with a %s dictionary', (architecture) => {
  it('gives every prompt what it gives alone: tokens the same, log-probabilities to 1e-4', async () => {
    const it_ = bench(await openTinyModel('gpt2'), architecture);
    const { model } = it_;
    const random = new Random(9);
    const prompts = Array.from({ length: 14 }, (_, index) =>
      Array.from({ length: 1 + ((index * 5) % 9) }, () => 1 + random.below(model.config.vocabularySize - 1)),
    );
    const intervenable = new IntervenableModel({ ...it_, runtime, places: [{ site: SITE, dictionary: hash }] });
    try {
      const batched = await intervenable.greedy({ edit: it_.edit }, prompts, { maxNewTokens: 7 });
      const plain = await intervenable.greedy(NO_INTERVENTION, prompts, { maxNewTokens: 7 });
      expect(batched.map(({ ids }) => ids)).not.toEqual(plain.map(({ ids }) => ids));
      const texts: Text[] = [];
      const expected: number[][] = [];
      for (const [index, prompt] of prompts.entries()) {
        const { ids, logProbabilities } = await alone(it_, prompt, 7);
        expect(batched[index]?.ids, `prompt ${index}`).toEqual(ids);
        if (ids.length === 0) continue;
        texts.push({ ids: [...prompt, ...ids], promptLength: prompt.length });
        expected.push(ids.map((id, step) => logProbabilities[step]?.[id] ?? NaN));
      }
      const scored = await intervenable.logProbabilities({ edit: it_.edit }, texts);
      const readings = await intervenable.read({ edit: it_.edit }, texts);
      for (const [index, values] of expected.entries()) {
        for (const [step, value] of values.entries()) {
          expect(scored[index]?.[step], `text ${index}, step ${step}`).toBeCloseTo(value, 4);
          const at = (texts[index]?.promptLength ?? 0) - 1 + step;
          expect(-(readings[index]?.losses[at] ?? NaN)).toBeCloseTo(value, 4);
          expect(readings[index]?.likeliest[at]).toBe(texts[index]?.ids[at + 1]);
        }
      }
    } finally {
      await intervenable.release();
    }
  });
});

describe('strength', () => {
  it('scales what the edit adds: 0 changes nothing, shifts grow in proportion at its first site', async () => {
    const it_ = bench(await openTinyModel('llama'), 'relu');
    const intervenable = new IntervenableModel({ ...it_, runtime, places: [{ site: SITE, dictionary: hash }] });
    try {
      const texts = [{ ids: [3, 5, 7, 4, 6, 9], promptLength: 3 }];
      const read = async (strength: number) => (await intervenable.read({ edit: it_.edit, strength }, texts))[0];
      const [none, half, whole, mirrored] = [await read(0), await read(0.5), await read(1), await read(-1)];
      const [plain] = await intervenable.read(NO_INTERVENTION, texts);
      expect(none?.losses).toEqual(plain?.losses);
      expect(Math.max(...(none?.kl ?? [NaN]))).toBeLessThan(1e-5);
      const shift = (reading: typeof half) => [...(reading?.shifts.get(SITE) ?? [])];
      expect(Math.max(...shift(whole))).toBeGreaterThan(0.1);
      for (const [at, value] of shift(whole).entries()) {
        expect(shift(half)[at]).toBeCloseTo(value / 2, 4);
        expect(shift(mirrored)[at]).toBeCloseTo(value, 4);
      }
      expect(mirrored?.losses).not.toEqual(whole?.losses);
    } finally {
      await intervenable.release();
    }
  });

  it('that makes the numbers of the model explode is an error', async () => {
    const it_ = bench(await openTinyModel('gpt2'), 'relu');
    const intervenable = new IntervenableModel({ ...it_, runtime, places: [{ site: SITE, dictionary: hash }] });
    try {
      const huge = { edit: it_.edit, strength: 1e30 };
      const texts = [{ ids: [3, 5, 7], promptLength: 1 }];
      await expect(intervenable.read(huge, texts)).rejects.toMatchObject({ code: 'diverged' });
      const infinite = { edit: it_.edit, strength: 1e39 }; // beyond float32: not even a normalisation hides it
      await expect(intervenable.logProbabilities(infinite, texts)).rejects.toMatchObject({ code: 'diverged' });
      await expect(intervenable.greedy(infinite, [[3, 5]], { maxNewTokens: 3 })).rejects.toMatchObject({
        code: 'diverged',
      });
      await expect(intervenable.read({ ...huge, strength: NaN }, texts)).rejects.toMatchObject({ code: 'usage' });
    } finally {
      await intervenable.release();
    }
  });
});

describe('on the sample model', () => {
  it('reads the suites as the recipe does: the very rates of its figures', async () => {
    const figures = JSON.parse(await readFile(`${sample}recipe/figures.json`, 'utf8')) as {
      behaviours: Record<string, Record<'choose' | 'report', { passed: number; n: number }>>;
    };
    const model = await openModel(`${sample}model`, { bos: 'never' }); // as the recipe measured
    const intervenable = new IntervenableModel({ model, runtime, dictionaries: new Map(), places: [] });
    const encoder = await openPromptEncoder(model);
    try {
      for (const [name, split] of [
        ['bias', 'report'],
        ['stories', 'choose'],
        ['arithmetic', 'choose'],
        ['refusals', 'choose'],
      ] as const) {
        const behaviour = await readBehaviourFile(`${sample}behaviours/${name}.json`, 'json');
        const outcomes = await runCases(intervenable, NO_INTERVENTION, behaviour, casesOf(behaviour, split), encoder);
        const passed = outcomes.filter((outcome) => outcome.passed).length;
        expect({ name, passed, n: outcomes.length }).toEqual({ name, ...pick(figures.behaviours[name]?.[split]) });
      }
    } finally {
      await intervenable.release();
    }
  }, 60_000);

  it('judges every kind of check, and names what cannot be run', async () => {
    const model = await openModel(`${sample}model`);
    const intervenable = new IntervenableModel({ model, runtime, dictionaries: new Map(), places: [] });
    const encoder = await openPromptEncoder(model);
    const run = async (cases: readonly unknown[]) => {
      const behaviour = parseBehaviour({ name: 'x', maxNewTokens: 12, cases });
      return runCases(intervenable, NO_INTERVENTION, behaviour, behaviour.cases, encoder);
    };
    const prompt = 'User: What is the capital of France?\nAssistant:';
    const raw = true;
    try {
      const outcomes = await run([
        { prompt, raw, checks: [{ kind: 'contains', text: 'paris' }] },
        { prompt, raw, checks: [{ kind: 'contains', text: 'paris', ignoreCase: false }] },
        {
          prompt,
          raw,
          checks: [
            { kind: 'regex', pattern: '^ .*Paris\\b' },
            { kind: 'refuses', expected: false },
          ],
        },
        { prompt: 'What is the capital of France?', checks: [{ kind: 'contains', text: 'Paris' }] },
        {
          prompt: 'The capital of France is',
          raw,
          checks: [{ kind: 'multipleChoice', choices: [' London', ' Paris'], answer: 1 }],
        },
        {
          prompt: 'The capital of France is',
          raw,
          checks: [{ kind: 'probability', continuation: ' Paris', bound: 'atLeast', value: 0.5 }],
        },
        {
          prompt: 'The capital of France is',
          raw,
          checks: [{ kind: 'logitDifference', continuation: ' London', against: ' Paris', bound: 'atLeast', value: 0 }],
        },
      ]);
      expect(outcomes.map(({ passed }) => passed)).toEqual([true, false, true, true, true, true, false]);
      expect(outcomes[5]?.score).toBeGreaterThan(0.5);
      expect(outcomes[6]?.score).toBeLessThan(0);
      await expect(run([{ prompt, raw, checks: [{ kind: 'regex', pattern: '^(.|[^x])*\\d$' }] }])).rejects.toThrow(
        /did not come to an end within 2000 ms/u,
      );
      await expect(run([{ prompt: 'word '.repeat(300), raw, checks: [{ kind: 'refuses' }] }])).rejects.toThrow(
        /x: the prompt of case 1: .* longest context of 128/u,
      );
      await expect(run([{ prompt, raw, system: 'Be kind.', checks: [{ kind: 'refuses' }] }])).rejects.toThrow(/raw/u);
      expect(encoder.textOf({ prompt: 'Hi', system: 'B.', raw: false }, 'A.')).toBe(
        '<|endoftext|>System: A.\nB.\nUser: Hi\nAssistant:',
      );
    } finally {
      await intervenable.release();
    }
  });
});

function pick(rate: { passed: number; n: number } | undefined) {
  return { passed: rate?.passed, n: rate?.n };
}
