// What writes to the residual stream, by the names of its tensors: where a constant or a linear map at a site can be compiled
// into the weights. Each architecture's file says it of its own checkpoints.

/** A product whose result is added to the stream, or a table whose rows are. */
export interface Writer {
  readonly weight: string;
  /** The axis of the weight that is the stream's: 0 for torch's Linear `[stream, n]`; 1 for tables and Conv1D `[n, stream]`. */
  readonly streamAxis: 0 | 1;
  readonly bias: string | null;
}

/** A half of a block. */
export interface HalfWriter extends Writer {
  /**
   * A norm between the product and the stream: a map of its result is none of the product alone. `bias`: of that norm, added
   * after everything else.
   */
  readonly normAfter: { readonly bias: string | null; readonly covers: 'write' | 'stream' } | null;
  /** A mixture of experts, which has a product for each of them; `weight` is their common beginning. */
  readonly isMixture?: true;
}

export interface ResidualWriters {
  /** Written once, at the beginning. */
  readonly embedding: Writer;
  /** A row of it is added at every position. */
  readonly positions: Writer | null;
  readonly blocks: readonly { readonly attention: HalfWriter; readonly mlp: HalfWriter }[];
  /** The output head: whether its weight is the embedding's tensor, and what it is called when it is not. */
  readonly head: { readonly sharesEmbedding: boolean; readonly weight: string };
  /** What names begin with in this checkpoint, and in one of the whole model. */
  readonly prefix: { readonly here: string; readonly canonical: string };
}
