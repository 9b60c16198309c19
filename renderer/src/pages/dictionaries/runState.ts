// What a run is doing, in one word, from what is on the disk and what its job says; and whether a dictionary was made elsewhere.
import type { Dictionary, Job } from '../../api/types.ts';

export interface RunState {
  readonly word: string;
  readonly tone: 'good' | 'bad' | 'busy' | 'plain';
}

export function runState(
  dictionary: Pick<Dictionary, 'state'> & Partial<Pick<Dictionary, 'origin'>>,
  job: Pick<Job, 'state' | 'isStopping'> | null,
): RunState {
  if (dictionary.origin === 'import') return { word: 'imported', tone: 'good' };
  if (dictionary.state === 'finished') return { word: 'finished', tone: 'good' };
  switch (job?.state) {
    case 'running':
      return job.isStopping ? { word: 'stopping', tone: 'busy' } : { word: 'training', tone: 'busy' };
    case 'queued':
      return { word: 'waiting', tone: 'busy' };
    case 'paused':
      return { word: 'paused', tone: 'plain' };
    case 'failed':
      return { word: 'failed', tone: 'bad' };
    case 'cancelled':
      return { word: 'cancelled', tone: 'plain' };
    default:
      return { word: 'interrupted', tone: 'bad' };
  }
}
