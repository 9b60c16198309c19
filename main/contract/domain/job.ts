// A job: long work that belongs to the project and outlives windows and processes. States:
//   queued → running ⇄ paused → succeeded | failed | cancelled | interrupted (the engine or the program died)
import * as v from 'valibot';
import type { DataOf } from '../base/data.ts';
import { serializedErrorSchema } from '../rpc/messages.ts';

export const JOB_STATES = ['queued', 'running', 'paused', 'succeeded', 'failed', 'cancelled', 'interrupted'] as const;
export type JobState = (typeof JOB_STATES)[number];

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

export const jobIdSchema = v.pipe(v.string(), v.maxLength(100));

export const jobSchema = v.object({
  id: jobIdSchema,
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
export type Job = DataOf<typeof jobSchema>;
