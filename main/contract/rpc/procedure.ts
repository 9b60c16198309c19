// How a procedure is described: data, from which the client's types, the server's table and the checks of everything that
// crosses the border are all derived. A procedure of the API is one of three kinds:
//   query     reads; may be repeated at any time
//   command   changes something; the change is announced to every window by `events.watch`
//   stream    sends chunks while it works, then its output (or never ends, until the caller aborts it)
// Any call can be aborted; it then rejects with the code `cancelled`.
import * as v from 'valibot';

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

export function query<const Input extends AnySchema, const Output extends AnySchema>(
  description: Description<Input, Output>,
): Procedure<Input, Output, typeof never> {
  return { kind: 'query', chunk: never, ...description };
}

export function command<const Input extends AnySchema, const Output extends AnySchema>(
  description: Description<Input, Output>,
): Procedure<Input, Output, typeof never> {
  return { kind: 'command', chunk: never, ...description };
}

export function stream<const Input extends AnySchema, const Output extends AnySchema, const Chunk extends AnySchema>(
  description: Description<Input, Output> & { readonly chunk: Chunk },
): Procedure<Input, Output, Chunk> {
  return { kind: 'stream', ...description };
}

/** Data as it is handed around: nobody changes it. Lets a handler return what is readonly, too. */
export type Immutable<T> = T extends ArrayBufferView
  ? T
  : T extends readonly unknown[]
    ? { readonly [Index in keyof T]: Immutable<T[Index]> }
    : T extends object
      ? { readonly [Key in keyof T]: Immutable<T[Key]> }
      : T;

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
