// A job that one face of the program began is finished by the other: each kind is begun on the command line, stopped by
// Ctrl-C and resumed over the API of the window, and the reverse. Real engine, real files, the sample's model.
import { existsSync } from 'node:fs';
import { mkdir, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import type { Api } from '../contract/api/contract.ts';
import type { Job } from '../contract/domain/job.ts';
import { errata } from '../testing/hosts/commandLine.ts';
import { CAPTURE, PROMPTS, SITE, startFaces, TRAINING, type FacesProject } from '../testing/hosts/facesProject.ts';
import { JOB_KINDS } from '../workbench/jobKinds.ts';

vi.setConfig({ testTimeout: 240_000, hookTimeout: 240_000 });

const QUICK = { contexts: 0, baselines: false, doses: [], blastRadius: false };

interface Begun {
  /** The words of the command that begins such a job. */
  readonly words: (name: string) => readonly string[];
  /** The engine's task at which Ctrl-C comes. */
  readonly stopAt: string;
  readonly call: (api: Api, name: string) => Promise<Job>;
}

const trainWords = ['--architecture', 'topk', '--features', '64', '-k', '4', '--batch-size', '64', '--steps', '20'];
const prompts = (side: 'with' | 'without') => started.prompts(side);

const KINDS: Readonly<Record<string, Begun>> = {
  capture: {
    words: (name) => [
      ...['capture', 'sample', '--corpus', join(project, 'corpora/corpus.jsonl'), '--site', SITE, '--name', name],
      ...['--context-length', '32', '--max-contexts', '40'],
    ],
    stopAt: 'activations.capture',
    call: (api, name) => api.activations.capture({ ...CAPTURE, name }),
  },
  train: {
    words: (name) => ['train', name, '--activations', 'store', ...trainWords],
    stopAt: 'dictionary.train',
    call: (api, name) => api.dictionary.train({ name, activations: 'store', ...TRAINING }),
  },
  evaluate: {
    words: () => ['dictionary', 'evaluate', 'run'],
    stopAt: 'dictionary.evaluate',
    call: (api) => api.dictionary.evaluate({ name: 'run' }),
  },
  statistics: {
    words: () => ['feature', 'stats', 'run', '--activations', 'store'],
    stopAt: 'feature.statistics',
    call: (api) =>
      api.feature.computeStatistics({
        dictionary: 'run',
        over: { from: 'activations', name: 'store' },
        maxContexts: 30,
      }),
  },
  find: {
    words: (name) => [
      ...['find', '--with', prompts('with'), '--without', prompts('without'), '-d', 'run', '--name', name],
      ...['--effort', '1000', '--candidates', '4', '--most-operations', '1'],
    ],
    stopAt: 'edit.find',
    call: (api, name) =>
      api.finder.start({
        name,
        sides: { from: 'prompts', ...PROMPTS },
        dictionaries: ['run'],
        settings: { tokensPerRound: 1000, candidates: 4, mostOperations: 1 },
      }),
  },
  evaluation: {
    words: () => ['evaluate', 'chain', '--suite', 'tiny', '--contexts', '0', '--quick'],
    stopAt: 'edit.evaluate',
    call: (api) => api.evaluation.start({ of: 'chain', behaviours: ['tiny'], settings: QUICK, budget: null }),
  },
  behaviour: {
    words: () => ['behaviour', 'run', 'tiny', '--split', 'report'],
    stopAt: 'behaviour.run',
    call: (api) => api.behaviour.run({ name: 'tiny', version: 'chain' }),
  },
  export: {
    words: (name) => ['export', name, '--version', 'chain', '--form', 'embedded', '--activations', 'store'],
    stopAt: 'export.write',
    call: (api, name) =>
      api.export.start({ name, version: 'chain', form: 'embedded', text: { from: 'store', store: 'store' } }),
  },
  verify: {
    words: () => ['verify', 'export-cli'],
    stopAt: 'export.verify',
    call: (api) => api.export.verify({ name: 'export-cli' }),
  },
  bisect: {
    words: () => ['bisect', 'tiny', '--good', 'chain~2', '--bad', 'chain', '--at-least', '0'],
    stopAt: 'behaviour.run',
    call: async (api) => {
      await api.edit.endBisect({});
      await api.edit.startBisect({ bad: 'chain', good: ['chain~2'] });
      return api.edit.runBisect({ behaviour: 'other', bound: 'atLeast', passRate: 0 });
    },
  },
};

let started: FacesProject;
let project: string;

beforeAll(async () => {
  started = await startFaces();
  ({ project } = started);
});
afterAll(() => started.stop());

it('every kind of job is begun below', () => {
  expect(Object.keys(KINDS)).toEqual([...JOB_KINDS.keys()]);
});

describe.each(Object.entries(KINDS))('a job of the kind %s', (kind, { words, stopAt, call }) => {
  it('that a command began and Ctrl-C stopped is finished by the window', async () => {
    const { api, until } = started;
    await expect(errata(project, words(`${kind}-cli`), { stopAt })).rejects.toMatchObject({ code: 'cancelled' });
    const [job] = await api.job.list();
    expect(job).toMatchObject({ kind, state: 'cancelled', canResume: true });
    const { id, title } = job!;
    expect(title).not.toMatch(/another version/u);
    await api.job.resume({ id });
    expect(await until(id, 'succeeded', 'failed')).toMatchObject({ state: 'succeeded', error: null, title });
    expect(await api.job.output({ id })).not.toBeNull();
    expect((await api.job.list()).filter((other) => other.id === id)).toHaveLength(1);
  });

  it('that the window began and cancelled is finished by a command', async () => {
    const { api, until } = started;
    const { id, title } = await call(api, `${kind}-window`);
    await api.job.cancel({ id });
    await until(id, 'cancelled');
    const { result, printed } = await errata(project, ['job', 'resume', id.slice(0, 12)]);
    expect(printed.at(-1)).toBe(`${title}: finished.`);
    expect(result).toMatchObject({ job: { id, kind, title, state: 'succeeded', error: null } });
    expect(await api.job.get({ id })).toMatchObject({ state: 'succeeded', canResume: false });
    const { result: shown } = await errata(project, ['job', 'show', id]);
    const lines = (shown['log'] as readonly { readonly text: string }[]).map(({ text }) => text);
    expect([lines.at(0), lines.at(-1)]).toEqual(
      ['Started.', 'Finished.'].map((line) => expect.stringMatching(line) as string),
    );
    expect(lines).toContain('Stopped: cancelled.');
  });
});

describe('a stored job that came with a project from elsewhere', () => {
  const stored = (description: object) => {
    const { jobs } = started.host.context.session().workbench.project;
    const { id } = jobs.add('export', description);
    jobs.move(id, 'running');
    jobs.move(id, 'interrupted');
    return id;
  };
  const operations = async () => (await started.api.edit.show({ ref: 'chain' })).operations;

  it('writes nothing outside the project: an export to a path is refused by both faces, with the reason', async () => {
    const { api, folder } = started;
    const outside = join(folder, 'outside');
    await mkdir(outside);
    for (const target of [join(outside, 'planted'), '../outside/planted', '..', '.trash', 'a\\b']) {
      const id = stored({ edit: { operations: await operations() }, target, form: 'embedded', provenance: {} });
      expect(await api.job.get({ id }), target).toMatchObject({ state: 'interrupted', canResume: false });
      const refused = { code: 'invalid-file', message: expect.stringContaining('a name, not a path') as string };
      await expect(api.job.resume({ id }), target).rejects.toMatchObject(refused);
      await expect(errata(project, ['job', 'resume', id]), target).rejects.toMatchObject(refused);
      expect(await api.job.get({ id }), target).toMatchObject({ state: 'interrupted' });
    }
    expect(await readdir(outside)).toEqual([]);
  });

  it('is listed with all others where its kind or its request is not known, and cannot be resumed', async () => {
    const { api } = started;
    const { jobs } = started.host.context.session().workbench.project;
    const ids = [
      stored({ edit: 'a'.repeat(64), folder: '/tmp/x', form: 'embedded' }), // as earlier versions stored it
      ...['__proto__', 'constructor', 'fold'].map((kind) => jobs.add(kind, { name: 'x' }).id),
    ];
    const listed = await api.job.list();
    for (const id of ids) {
      expect(listed.find((job) => job.id === id)).toMatchObject({
        title: expect.stringMatching(/^A job of another version/u) as string,
        canResume: false,
      });
      await expect(api.job.resume({ id })).rejects.toMatchObject({
        code: expect.stringMatching(/^(invalid-file|unsupported)$/u) as string,
      });
      await expect(errata(project, ['job', 'resume', id])).rejects.toMatchObject({
        code: expect.stringMatching(/^(invalid-file|unsupported)$/u) as string,
      });
    }
  });
});

it('an export to a folder elsewhere is written by the command, and is no job that a project could carry along', async () => {
  const { api, folder } = started;
  const before = (await api.job.list()).length;
  const target = join(folder, 'elsewhere/patched');
  await errata(project, ['export', target, '--version', 'chain', '--form', 'embedded', '--activations', 'store']);
  expect(existsSync(join(target, 'manifest.json'))).toBe(true);
  expect((await api.job.list()).length).toBe(before);
});
