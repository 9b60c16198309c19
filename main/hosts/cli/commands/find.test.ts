// What errata find says to a request that cannot be searched: one sentence with the option, its bound and what to do.
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeAll, expect, it } from 'vitest';
import { createProject } from '../../../storage/project/create.ts';
import { errata } from '../../../testing/hosts/commandLine.ts';
import { temporaryFolder } from '../../../testing/models/temporaryFolder.ts';

let project: string;
let few: string;
let enough: string;

beforeAll(async () => {
  const folder = await temporaryFolder();
  project = join(folder, 'project');
  (await createProject(project, { host: 'a test' })).close();
  few = join(folder, 'few.txt');
  enough = join(folder, 'enough.txt');
  await writeFile(few, 'One\nTwo\nThree\n');
  await writeFile(enough, 'One\nTwo\nThree\nFour\n');
});

const WRONG: readonly (readonly [claim: string, words: () => readonly string[], message: () => string])[] = [
  [
    'nothing to find',
    () => ['-d', 'run'],
    () => 'name a behaviour, or give files of prompts with --with and --without.',
  ],
  ['no dictionary', () => ['tiny'], () => '--dictionary is missing. errata dictionary list shows what there is.'],
  [
    'a dictionary that is a path',
    () => ['tiny', '-d', './run'],
    () => '--dictionary: use up to 100 letters, digits, dots, dashes, underscores; no dot or dash first.',
  ],
  ['one side of the prompts', () => ['--with', enough, '-d', 'run'], () => '--without FILE is missing.'],
  [
    'prompts and behaviours to be kept',
    () => ['--with', enough, '--without', enough, '--keep', 'other', '-d', 'run'],
    () => '--keep goes with a behaviour; put prompts to be preserved in --without.',
  ],
  [
    'too few prompts',
    () => ['--with', few, '--without', enough, '-d', 'run'],
    () => `--with ${few}: fewer than four prompts. Add some: half choose the edit, half judge it.`,
  ],
  [
    'too few prompts without the behaviour',
    () => ['--with', enough, '--without', few, '-d', 'run'],
    () => `--without ${few}: fewer than four prompts. Add some: half choose the edit, half judge it.`,
  ],
];

it.each(WRONG)('a request with %s is refused by its option', async (_, words, message) => {
  await expect(errata(project, ['find', ...words()])).rejects.toMatchObject({
    code: 'usage',
    message: `errata find: ${message()}`,
  });
});

it('a setting out of its bounds is refused by its option, with the bounds', async () => {
  const words = ['find', 'tiny', '-d', 'run', '--most-operations', '300'];
  await expect(errata(project, words)).rejects.toMatchObject({
    code: 'usage',
    message: '--most-operations must be a whole number of operations, at least 1, at most 256, not "300".',
  });
});
