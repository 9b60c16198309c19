// The jobs of the project, whichever face of the program began them.
import { AppError } from '../../../contract/base/errors.ts';
import { JobLogs } from '../../../jobs/jobLogs.ts';
import type { JobRecord } from '../../../storage/entities/jobs.ts';
import type { Project } from '../../../storage/project/project.ts';
import { describeJob, resumeJob } from '../../../workbench/jobKinds.ts';
import type { AnyCommand, Command, ComputeCommand } from '../command.ts';
import { inWorkbench, shortTime, withProject, withProjectToRead } from '../openProject.ts';
import { updateOf } from '../terminal.ts';
import { positionals } from '../values.ts';

/** By its id or the first digits of it. @throws AppError `not-found`. */
function jobNamed({ jobs }: Project, ref: string): JobRecord {
  const [job, other] = jobs.list().filter(({ id }) => id.startsWith(ref));
  if (job && (!other || job.id === ref)) return job;
  throw new AppError(
    'not-found',
    `${job ? 'Several jobs begin' : 'No job begins'} with "${ref.slice(0, 40)}". errata job list shows them.`,
  );
}

function shown({ id, kind, description, state, progress, error, created, updated }: JobRecord) {
  const { title, subject } = describeJob(kind, description);
  return { id, kind, title, subject, state, progress, error, created, updated };
}

const jobList: Command = {
  name: 'job list',
  summary: 'List the jobs of the project, those of the window included, the newest first.',
  usage: 'job list',
  options: {},
  run: (arguments_, context) =>
    withProjectToRead(context, (project) => {
      positionals(arguments_, [], 'job list');
      const jobs = project.jobs.list().toReversed().map(shown);
      for (const { id, state, title, updated } of jobs) {
        context.print(`${id.slice(0, 8)}  ${state.padEnd(11)}  ${shortTime(updated)}  ${title}`);
      }
      if (jobs.length === 0) context.print('No jobs yet.');
      return { jobs };
    }),
};

const jobShow: Command = {
  name: 'job show',
  summary: 'Show a job: its state, its error and its log.',
  usage: 'job show JOB',
  examples: ['job show 3f2a'],
  options: {},
  run: (arguments_, context) =>
    withProjectToRead(context, async (project) => {
      const [ref] = positionals(arguments_, ['JOB'], 'job show');
      const job = shown(jobNamed(project, ref));
      const log = await new JobLogs(project.folder).read(job.id);
      context.print(`${job.title}: ${job.state}, ${shortTime(job.updated)}`);
      if (job.error) context.print(job.error.message);
      for (const { time, text } of log) context.print(`${shortTime(time)}  ${text}`);
      return { job, log };
    }),
};

const jobResume: ComputeCommand = {
  name: 'job resume',
  summary: 'Continue a job that stopped, from its last checkpoint, whether a command or the window began it.',
  usage: 'job resume JOB',
  examples: ['job resume 3f2a'],
  options: {},
  computesOn: 'any',
  run: (arguments_, context) =>
    inWorkbench(context, async (workbench) => {
      const [ref] = positionals(arguments_, ['JOB'], 'job resume');
      const { id, kind, description } = jobNamed(workbench.project, ref);
      const onProgress = (progress: Parameters<typeof updateOf>[0]) => context.progress(updateOf(progress));
      const output = await resumeJob(workbench, id, { signal: context.signal, onProgress });
      context.print(`${describeJob(kind, description).title}: finished.`);
      return { job: shown(workbench.project.jobs.get(id)), output };
    }),
};

const jobCancel: Command = {
  name: 'job cancel',
  summary: 'Cancel a job that waits or was interrupted; what is finished is kept.',
  usage: 'job cancel JOB',
  options: {},
  run: (arguments_, context) =>
    withProject(context, (project) => {
      const [ref] = positionals(arguments_, ['JOB'], 'job cancel');
      const { id, state } = jobNamed(project, ref);
      if (state === 'running') {
        throw new AppError('locked', 'The job is running in another process. Cancel it there.');
      }
      const job = shown(project.jobs.move(id, 'cancelled'));
      context.print(`${job.title}: cancelled.`);
      return { job };
    }),
};

export const jobCommands: readonly AnyCommand[] = [jobList, jobShow, jobResume, jobCancel];
