// An engine process with tasks that misbehave in every way a native library can, for the tests of server and client.
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import * as v from 'valibot';
import { AppError } from '../../contract/base/errors.ts';
import { runEngineProcess } from '../../engine/engineProcess.ts';
import { defineTask, type TaskContext } from '../../engine/task.ts';

const block = (ms: number) => {
  const end = performance.now() + ms;
  while (performance.now() < end);
};

const faultyTasks = {
  echo: defineTask({
    lane: 'quick',
    input: v.object({ value: v.unknown() }),
    run: async ({ value }) => ({ value, pid: process.pid }),
  }),
  fail: defineTask({
    lane: 'quick',
    input: v.object({}),
    run: async () => {
      throw new AppError('unknown-site', 'blocks.9.hook_resid_post: no such site.', { details: { site: 'blocks.9' } });
    },
  }),
  unclonable: defineTask({ lane: 'quick', input: v.object({}), run: async () => ({ f: () => 1 }) }),
  /** Works as run() does: blocks the thread for a while, again and again, and looks at the signal in between. */
  work: defineTask({
    lane: 'long',
    input: v.object({ name: v.string(), runs: v.number(), blockMs: v.number() }),
    run: async ({ name, runs, blockMs }, { signal, onWork, onChunk, log }: TaskContext<string>) => {
      const startedAt = Date.now();
      for (let done = 0; done < runs; done++) {
        block(blockMs);
        onWork({ stage: name, done: done + 1, total: runs, unit: 'runs' });
        await delay(0);
        signal.throwIfAborted();
      }
      onChunk(name);
      log(`${name} done`);
      return { startedAt, endedAt: Date.now() };
    },
  }),
  /** Holds the thread without end, as a run() that takes hours does. */
  block: defineTask({
    lane: 'quick',
    input: v.object({}),
    run: async (_input, { log }) => {
      log('blocked from now on');
      await delay(100); // the line is on its way
      block(Infinity);
    },
  }),
  /** Never looks at its signal. */
  hang: defineTask({
    lane: 'quick',
    input: v.object({}),
    run: () => new Promise<never>(() => setInterval(() => undefined, 1000)),
  }),
  die: defineTask({
    lane: 'quick',
    input: v.object({ how: v.picklist(['SIGKILL', 'SIGSEGV', 'exit', 'abort', 'out-of-memory', 'throw-later']) }),
    run: async ({ how }): Promise<void> => {
      if (how === 'exit') process.exit(7);
      if (how === 'abort') {
        process.stderr.write('device lost: the driver gave up\n');
        process.abort();
      }
      if (how === 'out-of-memory') {
        const kept: number[][] = [];
        for (;;) kept.push(new Array<number>(1e6).fill(kept.length));
      }
      if (how === 'throw-later')
        setTimeout(() => {
          throw new Error('thrown outside of any task');
        }, 0);
      else process.kill(process.pid, how);
      await delay(10_000);
    },
  }),
};

export type FaultyTasks = typeof faultyTasks;

runEngineProcess(faultyTasks, join(import.meta.dirname, '../../engine/hostWatch.ts'));
