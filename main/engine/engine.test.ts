// Server, protocol, launcher and client together: real processes that really die.
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Progress } from '../contract/base/progress.ts';
import { createEngine, type Engine } from './engine.ts';
import { forkLauncher } from './launcher.ts';
import type { FaultyTasks } from '../testing/engine/faultyEngine.ts';

const entry = fileURLToPath(new URL('../testing/engine/faultyEngine.ts', import.meta.url));
let engine: Engine<FaultyTasks>;

beforeEach(() => {
  engine = createEngine<FaultyTasks>(forkLauncher(entry), { patienceMs: 2000 });
});
afterEach(() => engine.stop());

const isAlive = (pid: number) => {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
};

describe('a call', () => {
  it('carries values both ways, typed arrays and big integers included', async () => {
    const value = { floats: Float32Array.of(1, 0.5), id: 2n ** 60n, none: undefined, list: [null, 'ü'] };
    expect((await engine.run('echo', { value })).value).toEqual(value);
  });

  it('rejects with the code, message and details of the error that the task threw', async () => {
    await expect(engine.run('fail', {})).rejects.toMatchObject({
      code: 'unknown-site',
      message: 'blocks.9.hook_resid_post: no such site.',
      details: { site: 'blocks.9' },
    });
  });

  it('rejects input that does not fit the schema of the task, and output that cannot be sent', async () => {
    // @ts-expect-error: the types say no as well
    await expect(engine.run('die', { how: 'quietly' })).rejects.toMatchObject({
      code: 'usage',
      details: { path: 'how' },
    });
    await expect(engine.run('unclonable', {})).rejects.toMatchObject({ code: 'internal' });
    expect((await engine.run('echo', { value: 1 })).value).toBe(1);
  });
});

describe('a process that dies', () => {
  it.each([
    ['SIGKILL', /signal SIGKILL.*"die"/],
    ['SIGSEGV', /signal SIGSEGV/],
    ['abort', /signal SIGABRT.*the driver gave up/],
    ['exit', /exit code 7/],
    ['throw-later', /exit code 1.*thrown outside of any task/],
  ] as const)('by %s rejects every pending call, says how, and is replaced at the next call', async (how, message) => {
    const { pid } = await engine.run('echo', { value: 0 });
    const other = engine.run('work', { name: 'other', runs: 1000, blockMs: 20 });
    const otherRejected = expect(other).rejects.toMatchObject({ code: 'engine-crashed' });
    const died = engine.run('die', { how });
    await expect(died).rejects.toMatchObject({
      code: 'engine-crashed',
      message: expect.stringMatching(message) as string,
    });
    await otherRejected;
    const replacement = await engine.run('echo', { value: 1 });
    expect(replacement.value).toBe(1);
    expect(replacement.pid).not.toBe(pid);
  });

  it('of memory exhausted says so', async () => {
    // A small heap, so that the test does not fill the machine.
    process.env['NODE_OPTIONS'] = '--max-old-space-size=64';
    try {
      await expect(engine.run('die', { how: 'out-of-memory' })).rejects.toMatchObject({
        code: 'engine-crashed',
        details: { lastLines: expect.arrayContaining([expect.stringMatching(/heap out of memory/)]) as string[] },
      });
    } finally {
      delete process.env['NODE_OPTIONS'];
    }
  });

  it('again and again is not restarted for ever', async () => {
    for (let i = 0; i < 3; i++) await expect(engine.run('die', { how: 'exit' })).rejects.toThrow(/exit code 7/);
    await expect(engine.run('echo', { value: 1 })).rejects.toMatchObject({
      code: 'engine-crashed',
      message: expect.stringMatching(/3 times within a minute/) as string,
    });
  });

  it('before it could start (no such script) says why', async () => {
    const missing = createEngine<FaultyTasks>(forkLauncher('/no/such/engine.js'));
    await expect(missing.run('echo', { value: 1 })).rejects.toMatchObject({
      code: 'engine-crashed',
      message: expect.stringMatching(/Cannot find module/) as string,
    });
  });
});

describe('cancelling', () => {
  it('ends a task between two runs and leaves the process alive', async () => {
    const { pid } = await engine.run('echo', { value: 0 });
    const abort = new AbortController();
    let seen = 0;
    const call = engine.run(
      'work',
      { name: 'long', runs: 1000, blockMs: 20 },
      { signal: abort.signal, onProgress: () => (seen++, abort.abort()) },
    );
    await expect(call).rejects.toMatchObject({ code: 'cancelled' });
    expect(seen).toBeGreaterThan(0);
    expect((await engine.run('echo', { value: 1 })).pid).toBe(pid);
  });

  it('takes a waiting task out of the queue at once, and never starts one that was cancelled before', async () => {
    const first = engine.run('work', { name: 'first', runs: 20, blockMs: 20 });
    const abort = new AbortController();
    const second = engine.run('work', { name: 'second', runs: 1000, blockMs: 20 }, { signal: abort.signal });
    abort.abort();
    let isFirstDone = false;
    void first.then(() => (isFirstDone = true));
    await expect(second).rejects.toMatchObject({ code: 'cancelled' });
    expect(isFirstDone).toBe(false);
    await expect(engine.run('echo', { value: 1 }, { signal: abort.signal })).rejects.toMatchObject({
      code: 'cancelled',
    });
    await first;
  });

  it('kills the process when a task does not listen', async () => {
    const impatient = createEngine<FaultyTasks>(forkLauncher(entry), { patienceMs: 200 });
    await impatient.run('echo', { value: 0 });
    await expect(impatient.run('hang', {}, { signal: AbortSignal.timeout(100) })).rejects.toMatchObject({
      code: 'cancelled',
    });
    await impatient.stop();
  });
});

describe('tasks', () => {
  it('of the long lane run one after another, in order; a quick one goes in between', async () => {
    const order: string[] = [];
    const work = (name: string) =>
      engine.run('work', { name, runs: 10, blockMs: 20 }, { onChunk: (chunk) => order.push(chunk) });
    const [first, second] = [work('first'), work('second')];
    const quick = engine.run('echo', { value: 'quick' }).then(() => order.push('quick'));
    const [a, b] = await Promise.all([first, second, quick]);
    expect(order).toEqual(['quick', 'first', 'second']);
    expect(b.startedAt).toBeGreaterThanOrEqual(a.endedAt);
  });

  it('report progress at most ten times a second, with rate and remaining time, and their last state', async () => {
    const seen: Progress[] = [];
    const lines: string[] = [];
    const { startedAt, endedAt } = await engine.run(
      'work',
      { name: 'counting', runs: 400, blockMs: 2 },
      { onProgress: (progress) => seen.push(progress), onLog: (line) => lines.push(line) },
    );
    expect(seen.length).toBeLessThanOrEqual((endedAt - startedAt) / 100 + 2);
    expect(seen.length).toBeGreaterThan(3);
    expect(seen.at(-1)).toMatchObject({ done: 400, fraction: 1, remainingSeconds: 0 });
    const late = seen.at(-2);
    expect(late?.perSecond).toBeGreaterThan(50);
    expect(late?.perSecond).toBeLessThanOrEqual(500); // 2 ms each at the least
    expect(late?.remainingSeconds).toBeLessThan(5);
    expect(lines).toEqual(['counting done']);
  });
});

describe('the end', () => {
  it('comes on stop(): what runs is cancelled first, and then the process is gone', async () => {
    const { pid } = await engine.run('echo', { value: 0 });
    const long = engine.run('work', { name: 'long', runs: 1000, blockMs: 20 });
    const waiting = engine.run('work', { name: 'waiting', runs: 1000, blockMs: 20 });
    const settled = Promise.allSettled([long, waiting]);
    await engine.stop();
    expect(
      (await settled).map((result) => result.status === 'rejected' && (result.reason as { code: string }).code),
    ).toEqual(['cancelled', 'cancelled']);
    expect(isAlive(pid)).toBe(false);
  });

  it('comes by force when a task does not listen', async () => {
    const stubborn = createEngine<FaultyTasks>(forkLauncher(entry), { patienceMs: 200 });
    const { pid } = await stubborn.run('echo', { value: 0 });
    const hanging = stubborn.run('hang', {});
    const settled = expect(hanging).rejects.toMatchObject({ code: 'cancelled' });
    await stubborn.stop();
    await settled;
    expect(isAlive(pid)).toBe(false);
  });

  it.each([
    ['computes between breaths', 'work'],
    ['never gives its thread back', 'block'],
  ])('comes with the death of the host, also to an engine that %s', async (_how, task) => {
    const host = fork(fileURLToPath(new URL('../testing/engine/shortLivedHost.ts', import.meta.url)), [task]);
    const [pid] = (await once(host, 'message')) as [number];
    expect(isAlive(pid)).toBe(true);
    await delay(300); // it blocks by now
    host.kill('SIGKILL');
    await once(host, 'exit');
    for (let i = 0; i < 100 && isAlive(pid); i++) await delay(100);
    const outlived = isAlive(pid);
    if (outlived) process.kill(pid, 'SIGKILL');
    expect(outlived).toBe(false);
  });
});
