// How a procedure is described: data, from which the client's types, the server's table and the checks of everything that
// crosses the border are all derived. A procedure of the API is one of three kinds:
//   query     reads; may be repeated at any time. It says what it shows
//   command   does something. It says what it changes, which is announced to every window by `events.watch`
//   stream    a command that sends chunks while it works, then its output (or never ends, until the caller aborts it)
// Any call can be aborted; it then rejects with the code `cancelled`.
import * as v from 'valibot';
import type { Immutable } from '../base/data.ts';
import type { Changing } from '../base/changing.ts';

export type AnySchema = v.GenericSchema<unknown, unknown>;

/** What goes in and comes out of a procedure. */
export interface Signature<
  Input extends AnySchema = AnySchema,
  Output extends AnySchema = AnySchema,
  Chunk extends AnySchema = AnySchema,
> {
  readonly input: Input;
  readonly output: Output;
  readonly chunk: Chunk;
}

export interface Procedure<
  Input extends AnySchema = AnySchema,
  Output extends AnySchema = AnySchema,
  Chunk extends AnySchema = AnySchema,
> extends Signature<Input, Output, Chunk> {
  readonly kind: 'query' | 'command' | 'stream';
  /** One line for people. */
  readonly summary: string;
  /** What a query's answer is made of: it is out of date when one of these changes. */
  readonly shows: readonly Changing[];
  /** What a command or a stream has changed when it succeeds. A job is not over then: see the changes of its kind. */
  readonly changes: readonly Changing[];
}

/** Nouns of procedures by their names: `contract.model.list`, on the wire `model.list`. */
export type Contract = Readonly<Record<string, Readonly<Record<string, Procedure>>>>;

/**
 * A type without a check at run time, for what two processes of one program tell each other: both ends come from one build,
 * so there is nothing to find, and an array of millions of numbers passes as it is.
 */
export function typed<T>(): v.GenericSchema<T> {
  return v.custom<T>(() => true);
}

const never = v.never();
/** The input of a procedure that needs none, and the output of one that has nothing to tell. */
export const nothing = v.strictObject({});

interface Description<Input, Output> {
  readonly summary: string;
  readonly input: Input;
  readonly output: Output;
}

type Shows = Pick<Procedure, 'shows'>;
type Changes = Pick<Procedure, 'changes'>;

export function query<const Input extends AnySchema, const Output extends AnySchema>(
  description: Description<Input, Output> & Shows,
): Procedure<Input, Output, typeof never> {
  return { kind: 'query', chunk: never, changes: [], ...description };
}

export function command<const Input extends AnySchema, const Output extends AnySchema>(
  description: Description<Input, Output> & Changes,
): Procedure<Input, Output, typeof never> {
  return { kind: 'command', chunk: never, shows: [], ...description };
}

export function stream<const Input extends AnySchema, const Output extends AnySchema, const Chunk extends AnySchema>(
  description: Description<Input, Output> & Changes & { readonly chunk: Chunk },
): Procedure<Input, Output, Chunk> {
  return { kind: 'stream', shows: [], ...description };
}

export type InputOf<P extends Signature> = Immutable<v.InferInput<P['input']>>;
export type OutputOf<P extends Signature> = Immutable<v.InferOutput<P['output']>>;
export type ChunkOf<P extends Signature> = Immutable<v.InferOutput<P['chunk']>>;

export interface CallOptions<Chunk> {
  /** Aborting asks the host to end the work: the call rejects with `cancelled`. */
  readonly signal?: AbortSignal;
  readonly onChunk?: (chunk: Chunk) => void;
}

type Call<P extends Procedure> =
  Record<string, never> extends InputOf<P>
    ? (input?: InputOf<P>, options?: CallOptions<ChunkOf<P>>) => Promise<OutputOf<P>>
    : (input: InputOf<P>, options?: CallOptions<ChunkOf<P>>) => Promise<OutputOf<P>>;

/** What a page calls: `api.model.generate({ … }, { onChunk, signal })`. Every call rejects with an AppError only. */
export type Client<C extends Contract> = {
  readonly [Noun in keyof C]: { readonly [Name in keyof C[Noun]]: Call<C[Noun][Name]> };
};

export interface HandlerContext<Chunk> {
  /** Aborted when the caller aborts the call or is gone. */
  readonly signal: AbortSignal;
  readonly send: (chunk: Chunk) => void;
}

export type Handler<P extends Procedure> = (
  input: Immutable<v.InferOutput<P['input']>>,
  context: HandlerContext<Immutable<v.InferInput<P['chunk']>>>,
) => Promise<Immutable<v.InferInput<P['output']>>> | Immutable<v.InferInput<P['output']>>;

/** What a host implements: a handler for every procedure; one left out does not compile. */
export type Handlers<C extends Contract> = {
  readonly [Noun in keyof C]: { readonly [Name in keyof C[Noun]]: Handler<C[Noun][Name]> };
};
