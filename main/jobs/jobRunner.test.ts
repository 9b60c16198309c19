import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { AppError } from '../contract/base/errors.ts';
import { createProject } from '../storage/project/create.ts';
import { openProject } from '../storage/project/open.ts';
import type { Project } from '../storage/project/project.ts';
import { JobRunner, type Execute } from './jobRunner.ts';

let folder: string;
let project: Project;
let runner: JobRunner;
/** What the work was told, in order. */
let log: string[];

/** Counts to `steps`, stopping at a checkpoint where it is asked to; goes on from there. */
const checkpoints = new Map<string, number>();
const count: Execute = async (description, { signal, onProgress, isResumed }) => {
  const { name, steps } = description as { name: string; steps: number };
  let done = isResumed ? (checkpoints.get(name) ?? 0) : 0;
  log.push(`${name} from ${done}`);
  for (; done < steps; done++) {
    if (signal.aborted) {
      checkpoints.set(name, done);
      throw new AppError('cancelled', 'Stopped.');
    }
    onProgress({
      stage: name,
      done,
      total: steps,
      unit: 'steps',
      fraction: done / steps,
      perSecond: null,
      remainingSeconds: null,
    });
    await delay(5);
  }
  return done;
};

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'errata-jobs-'));
  project = await createProject(join(folder, 'project'));
  log = [];
  checkpoints.clear();
  runner = new JobRunner({
    repository: project.jobs,
    keepProgressMs: 0,
    kinds: new Map<string, Execute>([
      ['count', count],
      ['fail', () => Promise.reject(new AppError('diverged', 'NaN.'))],
      ['crash', () => Promise.reject(new AppError('engine-crashed', 'The engine process died.'))],
    ]),
  });
});
afterEach(async () => {
  project.close();
  await rm(folder, { recursive: true, force: true });
});

const stateOf = (id: string) => project.jobs.get(id).state;

describe('jobs', () => {
  it('run one after another in order, and keep state and progress', async () => {
    const first = runner.submit('count', { name: 'first', steps: 5 });
    const second = runner.submit('count', { name: 'second', steps: 3 });
    expect([stateOf(first.id), stateOf(second.id)]).toEqual(['running', 'queued']);
    expect(await first.output).toBe(5);
    expect(await second.output).toBe(3);
    expect(log).toEqual(['first from 0', 'second from 0']);
    expect([stateOf(first.id), stateOf(second.id)]).toEqual(['succeeded', 'succeeded']);
    expect(project.jobs.get(first.id).progress).toMatchObject({ stage: 'first', done: 4, total: 5 });
  });

  it('pause, and go on from their checkpoint', async () => {
    const { id, output } = runner.submit('count', { name: 'long', steps: 1000 });
    await delay(30);
    runner.pause(id);
    await expect(output).rejects.toMatchObject({ code: 'cancelled' });
    expect(stateOf(id)).toBe('paused');
    const reached = checkpoints.get('long') ?? 0;
    expect(reached).toBeGreaterThan(0);
    const rest = runner.resume(id);
    await delay(20);
    expect(log.at(-1)).toBe(`long from ${reached}`);
    runner.cancel(id);
    await expect(rest).rejects.toMatchObject({ code: 'cancelled' });
    expect(stateOf(id)).toBe('cancelled');
  });

  it('are cancelled while they wait, and never start', async () => {
    const first = runner.submit('count', { name: 'first', steps: 10 });
    const second = runner.submit('count', { name: 'second', steps: 10 });
    runner.cancel(second.id);
    await expect(second.output).rejects.toMatchObject({ code: 'cancelled' });
    await first.output;
    expect(log).toEqual(['first from 0']);
    expect(() => runner.cancel(first.id)).toThrow(/succeeded: it cannot become cancelled/);
  });

  it('fail with their error kept, and do not stop the next', async () => {
    const bad = runner.submit('fail', {});
    const good = runner.submit('count', { name: 'good', steps: 1 });
    await expect(bad.output).rejects.toMatchObject({ code: 'diverged' });
    expect(await good.output).toBe(1);
    expect(project.jobs.get(bad.id)).toMatchObject({ state: 'failed', error: { code: 'diverged', message: 'NaN.' } });
    expect(() => runner.submit('unknown', {})).toThrow(/no jobs of the kind "unknown"/);
  });

  it('are interrupted when the engine crashes or the process died, and can be resumed', async () => {
    const crashed = runner.submit('crash', {});
    await expect(crashed.output).rejects.toMatchObject({ code: 'engine-crashed' });
    expect(stateOf(crashed.id)).toBe('interrupted');

    const other = await openProject(project.folder);
    const { id } = other.jobs.add('count', { name: 'orphan', steps: 10 });
    other.jobs.move(id, 'running');
    expect(project.jobs.interruptOrphans()).toEqual([]);
    other.close(); // and the job stays as it was, as when the process dies
    checkpoints.set('orphan', 7);
    expect(project.jobs.interruptOrphans().map((job) => job.id)).toEqual([id]);
    expect(stateOf(id)).toBe('interrupted');
    expect(await runner.resume(id)).toBe(10);
    expect(log).toEqual(['orphan from 7']);
  });
});
