// Long work: capture, training, evaluation, export. Jobs belong to the project and outlive windows and processes. States:
//   queued → running ⇄ paused → succeeded | failed | cancelled | interrupted (the engine or the program died)
// `resume` takes paused, interrupted, failed and cancelled ones on from their last checkpoint.
import * as v from 'valibot';
import { serializedErrorSchema } from '../rpc/messages.ts';
import { command, nothing, query, type Immutable } from '../rpc/procedure.ts';

export const JOB_STATES = ['queued', 'running', 'paused', 'succeeded', 'failed', 'cancelled', 'interrupted'] as const;

export const progressSchema = v.object({
  /** What is being done now: 'Training'. */
  stage: v.string(),
  done: v.number(),
  /** Null: the end is not known. */
  total: v.nullable(v.number()),
  /** What is counted, in the plural: 'tokens'. */
  unit: v.string(),
  /** Figures worth showing beside it: { step, loss, fvu, l0, dead } while training. */
  figures: v.exactOptional(v.record(v.string(), v.number())),
  /** 0 to 1. */
  fraction: v.nullable(v.number()),
  perSecond: v.nullable(v.number()),
  remainingSeconds: v.nullable(v.number()),
});

const jobId = v.pipe(v.string(), v.maxLength(100));

export const jobSchema = v.object({
  id: jobId,
  kind: v.string(),
  /** 'Train first' */
  title: v.string(),
  /** The name of what it makes or works on: a store, a dictionary, an export. */
  subject: v.string(),
  state: v.picklist(JOB_STATES),
  progress: v.nullable(progressSchema),
  error: v.nullable(serializedErrorSchema),
  created: v.string(),
  updated: v.string(),
  /** It was asked to pause or cancel, and is on its way to its next checkpoint. */
  isStopping: v.boolean(),
  canPause: v.boolean(),
  canResume: v.boolean(),
  canCancel: v.boolean(),
});
export type Job = Immutable<v.InferOutput<typeof jobSchema>>;

const byId = v.strictObject({ id: jobId });

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
    input: v.strictObject({ id: jobId, after: v.exactOptional(v.pipe(v.number(), v.integer(), v.minValue(0))) }),
    output: v.object({
      lines: v.array(v.object({ number: v.number(), time: v.string(), text: v.string() })),
    }),
  }),
};
