// The names of an architecture's parts, said once: which tensors write to the residual stream (writers.ts) and which modules of
// transformers hold the sites (transformersModules.ts) follow from them, since transformers names tensors by their modules.
import type { TransformersModules } from './transformersModules.ts';
import type { HalfWriter, ResidualWriters, Writer } from './writers.ts';

/** A block's product that writes to the stream, by its name within the block: `attn.c_proj`. */
interface Product {
  readonly name: string;
  readonly hasBias: boolean;
  /** The module whose output is what the half writes; the first part of the product's name when left out; null: no module's. */
  readonly module?: string | null;
  readonly normAfter?: (index: number) => HalfWriter['normAfter'];
  /** The blocks in which it is a mixture of experts, and what the names of these begin with. */
  readonly mixture?: { readonly blocks: readonly number[]; readonly name: string };
}

export interface NamedParts {
  /** What names begin with in this checkpoint, and in one of the whole model. */
  readonly prefix: ResidualWriters['prefix'];
  readonly layers: number;
  readonly embedding: string;
  /** Null in transformers where what the module gives is scaled or widened outside of it. */
  readonly embeddingModule?: null;
  readonly embeddingWriter?: Writer;
  readonly positions: string | null;
  /** The list of blocks: `h`. */
  readonly blocks: string;
  readonly attention: Product;
  readonly mlp: Product;
  /** Of both products: 0 for torch's Linear, 1 for Conv1D. */
  readonly streamAxis: 0 | 1;
  readonly head: ResidualWriters['head'];
  readonly middle?: string | null;
}

/** @returns who writes to the residual stream, and the modules of its sites in transformers. */
export function partsNamed(parts: NamedParts): {
  readonly writers: ResidualWriters;
  readonly modules: TransformersModules;
} {
  const { prefix, layers, embedding, positions, blocks, attention, mlp, streamAxis, head, middle = null } = parts;
  const table = (name: string): Writer => ({ weight: `${prefix.here}${name}.weight`, streamAxis: 1, bias: null });
  const half = ({ name, hasBias, normAfter, mixture }: Product, index: number): HalfWriter => {
    if (mixture?.blocks.includes(index)) {
      const weight = `${prefix.here}${blocks}.${index}.${mixture.name}`;
      return { weight, streamAxis, bias: null, normAfter: null, isMixture: true };
    }
    const tensor = `${prefix.here}${blocks}.${index}.${name}`;
    return {
      weight: `${tensor}.weight`,
      streamAxis,
      bias: hasBias ? `${tensor}.bias` : null,
      normAfter: normAfter?.(index) ?? null,
    };
  };
  const moduleOf = ({ name, module }: Product) => (module === undefined ? name.split('.', 1).join('') : module);
  return {
    writers: {
      embedding: parts.embeddingWriter ?? table(embedding),
      positions: positions === null ? null : table(positions),
      blocks: Array.from({ length: layers }, (_, index) => ({
        attention: half(attention, index),
        mlp: half(mlp, index),
      })),
      head,
      prefix,
    },
    modules: {
      embedding: parts.embeddingModule === null ? null : `${prefix.canonical}${embedding}`,
      blocks: `${prefix.canonical}${blocks}`,
      attention: moduleOf(attention),
      attentionProduct: attention.name,
      mlp: moduleOf(mlp),
      mlpProduct: mlp.name,
      middle,
    },
  };
}
