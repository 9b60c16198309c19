// A project made with the sample's parts as a person would make it: model, behaviours, activations, a small dictionary, its
// statistics. It is made once in a run of the tests; each host that wants it gets a copy of its own. Nothing that the sample
// has beside them is in it: no dictionary, labels, version or evaluation but those that a test makes.
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { cp, mkdir, readdir, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { root } from './webHost.ts';

/** The name of its dictionary, of 1 024 features. */
export const DICTIONARY = 'prepared';
export const SITE = 'blocks.1.hook_resid_post';

const sample = join(root, 'resources/sample');
const CORPORA = ['choose.jsonl', 'corpus.jsonl', 'heldout.jsonl', 'heldout-general.jsonl'];

/** Where it is kept. ERRATA_PREPARED names another place, and what lies there already is taken as it is. */
const kept = process.env['ERRATA_PREPARED'] ?? join(root, 'test-results/window/prepared');

const errata = async (...words: string[]) => {
  await promisify(execFile)(process.execPath, [join(root, 'out/main/cli.js'), ...words], { maxBuffer: 1 << 26 });
};
/** Of commands that compute. */
const ON_CPU = ['--device', 'cpu'];

/** Makes it anew, unless ERRATA_PREPARED names one that is there. */
export async function prepareProject(): Promise<void> {
  if (process.env['ERRATA_PREPARED'] !== undefined && existsSync(kept)) return;
  const partial = `${kept}.partial-${process.pid}`;
  await rm(kept, { recursive: true, force: true });
  await mkdir(dirname(kept), { recursive: true });
  const inProject = ['--project', partial];
  const source = ['--corpus', join(partial, 'corpora/corpus.jsonl'), '--site', SITE, '--name', 'prepared'];
  await errata('project', 'new', partial);
  // Within the project, so that each copy of it has a model of its own.
  const model = join(partial, 'weights');
  await cp(join(sample, 'model'), model, { recursive: true });
  await errata('model', 'add', model, '--name', 'sample', ...inProject);
  for (const file of (await readdir(join(sample, 'behaviours'))).sort())
    await errata('behaviour', 'import', join(sample, 'behaviours', file), ...inProject);
  await mkdir(join(partial, 'corpora'), { recursive: true });
  for (const name of CORPORA) await cp(join(sample, name), join(partial, 'corpora', name));
  await errata(
    'capture',
    'sample',
    ...source,
    '--context-length',
    '128',
    '--max-contexts',
    '2000',
    '--dtype',
    'f16',
    ...inProject,
    ...ON_CPU,
  );
  const size = ['--features', '1024', '--k', '16', '--steps', '400', '--batch-size', '1024'];
  await errata('train', DICTIONARY, '--activations', 'prepared', ...size, ...inProject, ...ON_CPU);
  await errata('feature', 'stats', DICTIONARY, ...inProject, ...ON_CPU);
  await rename(partial, kept);
}

/** Copies it into a folder that is not there. */
export async function copyPreparedProject(folder: string): Promise<void> {
  await cp(kept, folder, { recursive: true });
}
