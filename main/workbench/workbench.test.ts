import { mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as v from 'valibot';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { AppError } from '../contract/base/errors.ts';
import { nameSchema } from '../contract/base/fields.ts';
import { createProject } from '../storage/project/create.ts';
import { openProject } from '../storage/project/open.ts';
import { jobKind, resumeToEnd, runToEnd } from './jobKind.ts';
import { addModel, findModel, findModelByHash, listModels, resolveModel } from './models.ts';
import { withWorkbench } from './openWorkbench.ts';
import { checkNoTwin, folderOf, nameFrom } from './projectFolder.ts';
import type { Compute } from './compute.ts';
import type { Workbench } from './workbench.ts';

let parent: string;
let folder: string;

beforeEach(async () => {
  parent = await mkdtemp(join(tmpdir(), 'errata-workbench-'));
  folder = join(parent, 'project');
  (await createProject(folder)).close();
});
afterEach(() => rm(parent, { recursive: true, force: true }));

/** Nothing here computes. */
const compute: Compute = () => Promise.reject(new AppError('internal', 'Not asked for.'));
const open = <T>(use: (workbench: Workbench) => Promise<T>) => withWorkbench(folder, { host: 'a test', compute }, use);
const never = new AbortController().signal;
const facts = {
  hash: 'a'.repeat(64),
  modelType: 'gpt2',
  layers: 2,
  hiddenSize: 8,
  vocabularySize: 10,
  contextLength: 16,
  hasTokenizer: true,
};

/** A job whose work is what a test says. */
function jobOf<T>(work: (signal: AbortSignal) => Promise<T>) {
  return jobKind({
    name: 'work',
    request: v.object({ name: v.string() }),
    title: ({ name }) => `Work on ${name}`,
    subject: ({ name }) => name,
    run: (_workbench, _request, { signal }) => work(signal),
    canPause: false,
    changes: [],
  });
}

describe('a job that runs to its end', () => {
  it('is kept as succeeded, or as failed with its error', async () => {
    await open(async (workbench) => {
      expect(
        await runToEnd(
          workbench,
          jobOf(async () => 7),
          { name: 'a' },
          { signal: never },
        ),
      ).toBe(7);
      const failing = jobOf(async () => Promise.reject(new AppError('empty', 'Nothing there.')));
      await expect(runToEnd(workbench, failing, { name: 'b' }, { signal: never })).rejects.toMatchObject({
        code: 'empty',
      });
      expect(workbench.project.jobs.list()).toMatchObject([
        { description: { name: 'a' }, state: 'succeeded' },
        { description: { name: 'b' }, state: 'failed', error: { code: 'empty' } },
      ]);
    });
  });

  it('is continued as the same job when it is asked for again after it stopped', async () => {
    const abort = new AbortController();
    const stop = jobOf(async (signal) => {
      abort.abort();
      signal.throwIfAborted();
    });
    await open(async (workbench) => {
      await expect(runToEnd(workbench, stop, { name: 'a' }, { signal: abort.signal })).rejects.toMatchObject({
        code: 'cancelled',
      });
      expect(workbench.project.jobs.list()).toMatchObject([{ state: 'cancelled' }]);
      await runToEnd(
        workbench,
        jobOf(async () => undefined),
        { name: 'a' },
        { signal: never },
      );
      expect(workbench.project.jobs.list()).toMatchObject([{ state: 'succeeded' }]);
      await runToEnd(
        workbench,
        jobOf(async () => undefined),
        { name: 'b' },
        { signal: never },
      );
      expect(workbench.project.jobs.list()).toHaveLength(2);
    });
  });

  it('is refused while another process does the same, and taken over when that has died, beside an open window', async () => {
    const window = await openProject(folder, { host: 'the web host' });
    const other = await openProject(folder, { host: 'another host' });
    const { id } = other.jobs.add('work', { name: 'a' });
    other.jobs.move(id, 'running');
    const kind = jobOf(async () => undefined);
    await open(async (workbench) => {
      await expect(runToEnd(workbench, kind, { name: 'a' }, { signal: never })).rejects.toMatchObject({
        code: 'locked',
        message: expect.stringContaining('another host') as string,
      });
    });
    other.close(); // the job stays as it was, as when the process dies
    await open(async (workbench) => {
      expect(workbench.project.jobs.get(id).state).toBe('interrupted');
      await runToEnd(workbench, kind, { name: 'a' }, { signal: never });
      expect(workbench.project.jobs.get(id).state).toBe('succeeded');
    });
    window.close();
  });

  it('is not stored when its kind could not read it again, and not begun when it is stored so', async () => {
    await open(async (workbench) => {
      const { jobs } = workbench.project;
      const forged = JSON.parse('{"name": 7}') as { readonly name: string };
      const kind = jobOf(async () => undefined);
      await expect(runToEnd(workbench, kind, forged, { signal: never })).rejects.toMatchObject({ code: 'usage' });
      expect(jobs.list()).toEqual([]);
      const { id } = jobs.add('work', forged);
      await expect(resumeToEnd(workbench, kind, id, { signal: never })).rejects.toMatchObject({ code: 'invalid-file' });
      expect(jobs.get(id).state).toBe('queued');
    });
  });
});

describe('the models of a project', () => {
  it('are found by name, hash and folder, and listed in the catalog even where a process died in between', async () => {
    await writeFile(join(parent, 'config.json'), '{}');
    await addModel(folder, { folder: parent, name: 'tiny', facts });
    await open(async ({ project }) => {
      expect(project.catalog.list('model')).toMatchObject([{ id: facts.hash, name: 'tiny', folder: 'models/tiny' }]);
    });
    expect(await listModels(folder)).toMatchObject([{ name: 'tiny', folder: parent, layers: 2 }]);
    expect(await findModelByHash(folder, facts.hash)).toMatchObject({ name: 'tiny' });
    expect(await resolveModel(folder, 'tiny')).toMatchObject({ name: 'tiny', folder: parent });
    await expect(findModelByHash(folder, 'b'.repeat(64))).rejects.toMatchObject({ code: 'not-found' });
    await expect(resolveModel(folder, 'other')).rejects.toMatchObject({
      code: 'not-found',
      details: { names: ['tiny'] },
    });
  });

  it('that lie inside are found again where the project is moved to', async () => {
    const inside = join(folder, 'models', 'tiny', 'files');
    await addModel(folder, { folder: inside, name: 'tiny', facts });
    const moved = join(parent, 'moved');
    await rename(folder, moved);
    expect(await findModel(moved, 'tiny')).toMatchObject({ folder: join(moved, 'models', 'tiny', 'files') });
  });

  it('are added once, under one name', async () => {
    await addModel(folder, { folder: parent, name: 'tiny', facts });
    for (const [name, hash] of [
      ['tiny', 'b'.repeat(64)],
      ['again', facts.hash],
    ] as const) {
      const adding = addModel(folder, { folder: parent, name, facts: { ...facts, hash } });
      await expect(adding).rejects.toMatchObject({ code: 'exists' });
    }
  });
});

describe('names', () => {
  it('that Windows cannot have are refused, and those that differ from another in case alone', async () => {
    for (const name of ['CON', 'con', 'nul.txt', 'COM1', 'lpt9.a.b', 'ends.']) {
      expect(() => folderOf(folder, 'models', name), name).toThrow(/Windows cannot have a folder of this name/u);
      expect(v.is(nameSchema, name), name).toBe(false);
    }
    for (const name of ['console', 'com', 'com10', 'nulls', 'a.con']) expect(v.is(nameSchema, name), name).toBe(true);
    await addModel(folder, { folder: parent, name: 'a3', facts });
    const twin = addModel(folder, { folder: parent, name: 'A3', facts: { ...facts, hash: 'b'.repeat(64) } });
    await expect(twin).rejects.toThrow(/has the model "a3", which Windows and macOS cannot tell from "A3"/u);
    await expect(checkNoTwin(folder, 'models', 'a3')).resolves.toBeUndefined();
  });

  it('never lead out of their folder', () => {
    for (const name of ['..', '../x', 'a/b', 'a\\b', '.hidden', '', 'ä', 'x'.repeat(101), 'nul\0']) {
      expect(() => folderOf(folder, 'models', name), name).toThrow(/cannot name a model/);
    }
    expect(folderOf(folder, 'models', 'a-b_c.1')).toBe(join(folder, 'models/a-b_c.1'));
  });

  it('are made of any text', () => {
    expect(['gpt2', '../my model', 'Ünï cödé', '...', 'a'.repeat(200)].map(nameFrom)).toEqual([
      'gpt2',
      'my-model',
      'n-c-d-',
      'unnamed',
      'a'.repeat(100),
    ]);
  });
});
