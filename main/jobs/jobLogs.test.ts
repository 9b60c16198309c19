// Logs of jobs quote prompts and answers of the person whose project it is.
import { mkdtemp, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { JobLogs } from './jobLogs.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'errata-logs-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

it.skipIf(process.platform === 'win32')('the logs of jobs and their folder are for their owner only', async () => {
  const logs = new JobLogs(folder);
  logs.add('a', 'The answer to "How do I…" was cut off.');
  await logs.flush();
  expect((await stat(logs.pathOf('a'))).mode & 0o777).toBe(0o600);
  expect((await stat(dirname(logs.pathOf('a')))).mode & 0o777).toBe(0o700);
});

it('what a job said is there for the next process, line by line', async () => {
  const logs = new JobLogs(folder);
  logs.add('a', 'one');
  logs.add('a', 'two');
  await logs.flush();
  expect((await new JobLogs(folder).read('a')).map(({ text }) => text)).toEqual(['one', 'two']);
});
