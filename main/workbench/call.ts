// What a procedure of the workbench is given beside its input. Both faces of the program call the same procedures with the
// same inputs; what differs between them, how a person points at a file and who signs, is here.
import type { InferInput } from 'valibot';
import type { Immutable } from '../contract/base/data.ts';
import type { Endpoint } from '../contract/api/app.ts';
import type { ErrataContract } from '../contract/api/contract.ts';
import type { Job } from '../contract/domain/job.ts';
import type { AnySchema, Handler, Procedure } from '../contract/rpc/procedure.ts';
import type { Authorship } from '../storage/authorship.ts';
import type { JobKind } from './jobKind.ts';
import type { Workbench } from './workbench.ts';

/** Who asks. */
export interface Asker {
  /** Aborted when nobody waits for the answer any more. */
  readonly signal: AbortSignal;
  /** The path of a place that a person pointed at. @throws AppError `permission` for one that nobody did. */
  readonly pathOf: (location: string) => string;
  /** Whose work it is, and why if that was said. */
  readonly author: (why?: { readonly reason?: string }) => Authorship;
}

/** A call from a window, which gets a job at once and hears of its end later. */
export interface Call<Chunk = never> extends Asker {
  readonly send: (chunk: Chunk) => void;
  /** The language model that the person named in the settings; null: none. */
  readonly endpoint: Endpoint | null;
  /** Queues a job. @throws AppError `usage` for a request that its kind refuses. */
  readonly start: <Schema extends AnySchema>(kind: JobKind<Schema>, request: Immutable<InferInput<Schema>>) => Job;
  /** Resolves when the job has left the queue: it ended, or was stopped. */
  readonly settled: (job: string) => Promise<void>;
}

type Work<P extends Procedure> = (
  workbench: Workbench,
  input: Parameters<Handler<P>>[0],
  call: Call<Parameters<Parameters<Handler<P>>[1]['send']>[0]>,
) => ReturnType<Handler<P>>;

/** The procedures of a noun of the contract: one function each. */
export type Procedures<Noun extends keyof ErrataContract> = {
  readonly [Name in keyof ErrataContract[Noun]]: ErrataContract[Noun][Name] extends Procedure
    ? Work<ErrataContract[Noun][Name]>
    : never;
};
