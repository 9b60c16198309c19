// What becomes of jobs is told where nobody looks at them.
import { AppError, deserializeError } from '../../../main/contract/errors.ts';
import type { Job } from '../api/types.ts';
import { layout } from './layout.svelte.ts';
import { notices } from './notices.svelte.ts';

const show = { title: 'Show jobs', run: () => layout.showJobs(true) };

export function jobNews({ job, before }: { readonly job: Job; readonly before: Job | null }): void {
  if (before === null || before.state === job.state) return;
  if (job.state === 'succeeded') notices.good(`${job.title}: finished.`, show);
  else if (job.state === 'failed') {
    notices.failed(job.error ? deserializeError(job.error) : new AppError('internal', `${job.title} failed.`));
  } else if (job.state === 'interrupted') {
    notices.tell(`${job.title} was interrupted. What is done is kept; it can be resumed.`, show);
  }
}
