// What can be asked of jobs. `resume` takes paused, interrupted, failed and cancelled ones on from their last checkpoint.
import * as v from 'valibot';
import { jobIdSchema, jobSchema } from '../domain/job.ts';
import { command, nothing, query } from '../rpc/procedure.ts';

const byId = v.strictObject({ id: jobIdSchema });

export const job = {
  list: query({
    summary: 'All jobs of the project, the newest first',
    shows: [],
    input: nothing,
    output: v.array(jobSchema),
  }),
  get: query({ summary: 'One job', shows: [], input: byId, output: jobSchema }),
  /** What it gave; null unless it has succeeded in this session. */
  output: query({ summary: 'What a job found', shows: [], input: byId, output: v.nullable(v.unknown()) }),
  /** It stops at its next checkpoint; its state is then `paused`. */
  pause: command({ summary: 'Pause a running job', changes: [], input: byId, output: jobSchema }),
  resume: command({ summary: 'Let a job go on from its checkpoint', changes: [], input: byId, output: jobSchema }),
  cancel: command({ summary: 'Cancel a job; what is finished is kept', changes: [], input: byId, output: jobSchema }),
  log: query({
    summary: 'What a job said, line by line',
    shows: [],
    /** `after`: only lines beyond this number. */
    input: v.strictObject({ id: jobIdSchema, after: v.exactOptional(v.pipe(v.number(), v.integer(), v.minValue(0))) }),
    output: v.object({
      lines: v.array(v.object({ number: v.number(), time: v.string(), text: v.string() })),
    }),
  }),
};
