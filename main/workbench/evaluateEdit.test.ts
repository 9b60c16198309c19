// Evaluations as a host asks for them, on the sample model; the tasks run in this process instead of the engine's.
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import * as v from 'valibot';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { hashDictionary } from '../core/dictionaries/dictionary.ts';
import { loadDictionary, saveDictionary } from '../core/dictionaries/saeLens.ts';
import { randomDictionary } from '../testing/dictionaries/randomDictionary.ts';
import type { Operation } from '../contract/domain/operations/index.ts';
import { createCpuRuntime } from '../core/onnx/cpuRuntime.ts';
import { tasks } from '../engine/tasks.ts';
import type { Behaviour } from '../contract/domain/behaviour.ts';
import { parseBehaviour } from '../core/behaviours/behaviour.ts';
import { openModel } from '../core/models/model.ts';
import { Random } from '../core/numerics/random.ts';
import { createProject } from '../storage/project/create.ts';
import { evaluateEdit, runBehaviour } from './evaluateEdit.ts';
import { addModel } from './models.ts';
import { withWorkbench } from './openWorkbench.ts';
import type { Compute } from './compute.ts';
import type { Workbench } from './workbench.ts';

const sample = fileURLToPath(new URL('../../resources/sample/', import.meta.url));
const SITE = 'blocks.1.hook_resid_post';
const author = 'Ada';

let parent: string;
let project: string;
let operation: Operation;
let behaviours: Behaviour[];

const runtime = createCpuRuntime({ threads: 1 });
const compute = (async (name: keyof typeof tasks, input: unknown) => {
  const task = tasks[name];
  const signal = new AbortController().signal;
  const nothing = () => undefined;
  const context = { runtime, signal, onWork: nothing, onChunk: nothing, log: nothing };
  return (task.run as (input: unknown, context: unknown) => unknown)(v.parse(task.input, input), context);
}) as Compute;
const open = <T>(use: (workbench: Workbench) => Promise<T>) => withWorkbench(project, { host: 'a test', compute }, use);

beforeAll(async () => {
  parent = await mkdtemp(join(tmpdir(), 'errata-evaluation-'));
  project = join(parent, 'project');
  (await createProject(project)).close();
  const model = await openModel(join(sample, 'model'));
  const modelHash = await model.hash();
  const { modelType, layers, hiddenSize, vocabularySize, contextLength } = model.config;
  await addModel(project, {
    folder: join(sample, 'model'),
    name: 'sample',
    facts: { hash: modelHash, modelType, layers, hiddenSize, vocabularySize, contextLength, hasTokenizer: true },
  });
  const dictionary = {
    ...randomDictionary(new Random(4), 'batchtopk', { d: 128, size: 64, site: SITE }),
    architecture: 'batchtopk' as const,
    k: 8,
    modelHash,
  };
  const folder = join(project, 'dictionaries', 'random');
  await mkdir(folder, { recursive: true });
  await saveDictionary(folder, dictionary, {
    modelName: 'sample',
    contextLength: 128,
    errata: { modelHash, site: SITE },
  });
  const hash = hashDictionary(await loadDictionary(folder)); // saving folds the centre into the bias
  const config = {
    ...{
      architecture: 'batchtopk',
      d: 128,
      size: 64,
      k: 8,
      batchSize: 64,
      steps: 1,
      learningRate: 0.01,
      warmupSteps: 0,
    },
    ...{ decayFraction: 0.2, beta1: 0.9, beta2: 0.999, epsilon: 1e-8, deadAfterTokens: 100, auxK: 8, seed: 0 },
  };
  const run = {
    version: 1,
    config,
    store: join(parent, 'none'),
    site: SITE,
    model: { name: 'sample', hash: modelHash },
  };
  await writeFile(join(folder, 'run.json'), JSON.stringify({ ...run, heldOutFraction: 0.1, bufferBytes: 1 << 20 }));
  const quality = { hash, fvu: 1, l0: 8, deadFraction: 0, tokens: 100, lossRecovered: 0 };
  await writeFile(join(folder, 'evaluation.json'), JSON.stringify(quality));
  operation = {
    kind: 'clamp',
    value: 9,
    feature: 3,
    dictionary: hash,
    site: SITE,
    scope: { positions: 'notBos' },
    gates: [],
  };
  const capital = (country: string, city: string) => ({
    prompt: `The capital of ${country} is`,
    raw: true,
    checks: [{ kind: 'contains', text: city }],
  });
  const cases = [capital('France', 'Paris'), capital('Italy', 'Rome'), capital('Ireland', 'Dublin')];
  behaviours = [
    parseBehaviour({ name: 'capitals', aim: 'keep', maxNewTokens: 6, cases }),
    parseBehaviour({ name: 'france', aim: 'lower', maxNewTokens: 6, cases: cases.slice(0, 2) }),
  ];
}, 60_000);
afterAll(() => rm(parent, { recursive: true, force: true }));

const settings = {
  contexts: 6,
  continuations: 4,
  continuationTokens: 6,
  trialContexts: 4,
  randomSeeds: 1,
  doses: [0.5],
};
const text = { corpus: join(sample, 'heldout.jsonl') };

describe('an evaluation', () => {
  it('of a version is stored with it, of an edit without a version apart, and read back as it was', async () => {
    await open(async (workbench) => {
      const { versions, evaluations, catalog } = workbench.project;
      versions.begin('main', catalog.find('model', 'sample')?.id ?? '', { author });
      versions.setOperation(operation, { author });
      const { id: version, operations } = versions.commit('Clamp', { author });
      const request = { edit: { operations }, behaviours, text, settings, budget: null, author };
      const first = await evaluateEdit(workbench, { ...request, version });
      expect(first).toMatchObject({ version, passes: null, author });
      expect(first.report.suites.map(({ role }) => role)).toEqual(['keep', 'target']);
      expect(first.report.text?.contexts).toBe(6);
      expect(evaluations.get(first.id).report).toEqual(first.report);
      expect(evaluations.list({ version }).map(({ id }) => id)).toEqual([first.id]);
      const quick = { ...settings, baselines: false, doses: [], blastRadius: false };
      const second = await evaluateEdit(workbench, { ...request, settings: quick, version: null });
      expect(second.report.suites).toEqual(first.report.suites);
      expect(second.report).toMatchObject({ baselines: [], doses: [], blastRadius: [] });
    });
  }, 60_000);

  it('of an edit that the project has no dictionary for is refused, and nothing is stored', async () => {
    await open(async (workbench) => {
      const before = workbench.project.evaluations.list().length;
      const edit = { operations: [{ ...operation, dictionary: 'f'.repeat(64) }] };
      const request = { edit, version: null, behaviours, text, settings, budget: null, author };
      await expect(evaluateEdit(workbench, request)).rejects.toMatchObject({ code: 'not-found' });
      await expect(evaluateEdit(workbench, { ...request, edit: { operations: [] } })).rejects.toMatchObject({
        code: 'empty',
      });
      const missing = { ...request, edit: { operations: [operation] }, text: { corpus: join(parent, 'no.txt') } };
      await expect(evaluateEdit(workbench, missing)).rejects.toMatchObject({ code: 'not-found' });
      expect(workbench.project.evaluations.list()).toHaveLength(before);
    });
  });
});

describe('a run of a behaviour', () => {
  it('is stored as a result when all its cases ran on the model or a version', async () => {
    await open(async (workbench) => {
      const [capitals] = behaviours;
      if (!capitals) throw new Error('There is a behaviour.');
      workbench.project.behaviours.save(capitals, { author });
      const plain = await runBehaviour(workbench, { behaviour: capitals, treatment: null, author });
      expect(plain.passRate).toMatchObject({ value: 1, n: 3 });
      const [result] = workbench.project.behaviours.results({ version: null });
      expect(result?.id).toBe(plain.result);
      expect(result?.cases.map(({ output }) => output).join()).toContain('Paris');
      const loose = { edit: { operations: [operation] }, version: null };
      const treated = await runBehaviour(workbench, { behaviour: capitals, treatment: loose, author });
      expect(treated.result).toBeNull();
      expect(treated.outcomes).toHaveLength(3);
    });
  });
});
