import { expect, it } from 'vitest';
import { threadLimit } from './threadLimit.ts';

it('is what the person set, else what Slurm gave to the task, else none', () => {
  expect(threadLimit({})).toEqual({});
  expect(threadLimit({ SLURM_CPUS_PER_TASK: '8' })).toEqual({ threads: 8 });
  expect(threadLimit({ ERRATA_THREADS: '3', SLURM_CPUS_PER_TASK: '8' })).toEqual({ threads: 3 });
  expect(threadLimit({ ERRATA_THREADS: '', SLURM_CPUS_PER_TASK: '8' })).toEqual({ threads: 8 });
  expect(threadLimit({ SLURM_CPUS_PER_TASK: 'eight' })).toEqual({});
});

it.each(['0', '-1', '2.5', 'all', '1e3', '99999'])('refuses ERRATA_THREADS=%s, and says what to set', (wanted) => {
  expect(() => threadLimit({ ERRATA_THREADS: wanted })).toThrow(`ERRATA_THREADS is “${wanted}”: set it to a number`);
});
