// What becomes of jobs is told where nobody looks at them.
import type { Job } from '../api/types.ts';
import { layout } from './layout.svelte.ts';
import { notices } from './notices.svelte.ts';

const show = { title: 'Show jobs', run: () => layout.showJobs(true) };

export function jobNews({ job, before }: { readonly job: Job; readonly before: Job | null }): void {
  if (before === null || before.state === job.state) return;
  if (job.state === 'succeeded') notices.good(`${job.title}: finished.`, show);
  // That one failed is the host's own news: it comes even when the disk is too full to write down the failure.
  else if (job.state === 'interrupted') {
    notices.tell(`${job.title} was interrupted. What is done is kept; it can be resumed.`, show);
  }
}
