// A slider asks at every tick what its operations are: the files of models and dictionaries are read once, and again when
// they were changed.
import { cp, mkdir, readFile, rename, stat, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeEach, describe, expect, it } from 'vitest';
import { AppError } from '../contract/base/errors.ts';
import { createProject } from '../storage/project/create.ts';
import { temporaryFolder } from '../testing/models/temporaryFolder.ts';
import { addModel } from './models.ts';
import { withWorkbench } from './openWorkbench.ts';
import { describeOperations } from './playground.ts';
import type { Workbench } from './workbench.ts';

const shipped = join(import.meta.dirname, '../../resources/sample/dictionaries/shipped');

let folder: string;
let model: string;
let dictionary: string;
let site: string;

beforeEach(async () => {
  folder = join(await temporaryFolder(), 'project');
  (await createProject(folder)).close();
  await mkdir(join(folder, 'dictionaries/first'), { recursive: true });
  for (const file of ['run.json', 'evaluation.json', 'cfg.json']) {
    await cp(join(shipped, file), join(folder, 'dictionaries/first', file));
  }
  const run = JSON.parse(await readFile(join(shipped, 'run.json'), 'utf8')) as {
    model: { hash: string };
    site: string;
  };
  const evaluation = JSON.parse(await readFile(join(shipped, 'evaluation.json'), 'utf8')) as { hash: string };
  [model, dictionary, site] = [run.model.hash, evaluation.hash, run.site];
  const facts = { modelType: 'gpt2', layers: 2, hiddenSize: 128, vocabularySize: 10, contextLength: 16 };
  await addModel(folder, { folder, name: 'sample', facts: { ...facts, hash: model, hasTokenizer: true } });
});

const compute = () => Promise.reject(new AppError('internal', 'Not asked for.'));
const open = <T>(use: (workbench: Workbench) => Promise<T>) => withWorkbench(folder, { host: 'a test', compute }, use);

/** What a tick is told of the only dictionary. */
async function tick(workbench: Workbench) {
  const scope = { positions: 'all' } as const;
  const operations = [{ kind: 'clamp', value: 1, feature: 7, dictionary, site, scope, gates: [] }] as const;
  const { operations: described, features } = await describeOperations(workbench, { model, operations });
  return { problem: described[0]?.problem ?? null, name: features[0]?.name ?? null };
}

/** Writes into the file as it lies there, and sets back its time: only somebody who reads it can tell. */
async function spoil(path: string): Promise<void> {
  const { size, atime, mtime } = await stat(path);
  await writeFile(path, '#'.repeat(size), { flag: 'r+' });
  await utimes(path, atime, mtime);
}

describe('a tick of a slider', () => {
  it('reads no file of a model or a dictionary that an earlier one has read', async () => {
    // Times that a file system keeps in whole seconds can be set back exactly.
    const files = ['models/sample/model.json', 'dictionaries/first/run.json', 'dictionaries/first/evaluation.json'];
    for (const file of files) await utimes(join(folder, file), 1_700_000_000, 1_700_000_000);
    await open(async (workbench) => {
      expect(await tick(workbench)).toEqual({ problem: null, name: 'first' });
      for (const file of files) await spoil(join(folder, file));
      expect(await tick(workbench)).toEqual({ problem: null, name: 'first' });
    });
  });

  it('notices a file that was replaced, changed in its place, or taken away', async () => {
    const [run, evaluation] = ['run.json', 'evaluation.json'].map((file) => join(folder, 'dictionaries/first', file));
    const text = await readFile(run!, 'utf8');
    await open(async (workbench) => {
      expect((await tick(workbench)).problem).toBeNull();
      // Replaced by one of the same size and time: another inode.
      const other = text.replace(model, 'f'.repeat(64));
      const { atime, mtime } = await stat(run!);
      await writeFile(`${run!}.new`, other);
      await utimes(`${run!}.new`, atime, mtime);
      await rename(`${run!}.new`, run!);
      expect((await tick(workbench)).problem).toContain('features mean nothing there');
      await writeFile(run!, text);
      expect((await tick(workbench)).problem).toBeNull();
      await writeFile(run!, 'not JSON');
      expect((await tick(workbench)).problem).toMatch(
        /no dictionary with the hash .* names\. Left out: dictionaries\/first\. .*run\.json.* not JSON/u,
      );
      await writeFile(run!, text);
      await rename(evaluation!, `${evaluation!}.away`);
      expect(await tick(workbench)).toMatchObject({ problem: expect.stringContaining('no dictionary') as string });
      await rename(`${evaluation!}.away`, evaluation!);
      expect((await tick(workbench)).problem).toBeNull();
    });
  });
});
