// Which rows of a store to read: those of a range of contexts, without the rows that stand on a BOS. One bit per row.

import { AppError } from '../../contract/base/errors.ts';
import type { ActivationStore } from './store.ts';

export interface ContextRange {
  readonly first: number;
  readonly end: number;
}

const CONTEXTS_PER_READ_BYTES = 4 << 20;

/** Splits a store's contexts: the last fraction is held out, at least one of each kind. @throws AppError `empty`. */
export function splitContexts(
  { manifest: { contexts }, folder }: ActivationStore,
  heldOutFraction: number,
): { readonly train: ContextRange; readonly heldOut: ContextRange } {
  if (!(heldOutFraction > 0 && heldOutFraction < 1)) {
    throw new AppError('usage', `The held-out fraction must lie between 0 and 1, not at ${heldOutFraction}.`);
  }
  if (contexts < 2) throw new AppError('empty', `${folder}: a single context cannot be split.`);
  const heldOutCount = Math.min(contexts - 1, Math.max(1, Math.floor(contexts * heldOutFraction)));
  return {
    train: { first: 0, end: contexts - heldOutCount },
    heldOut: { first: contexts - heldOutCount, end: contexts },
  };
}

export class RowSelection {
  /** The range of rows that the bits cover. */
  readonly first: number;
  readonly end: number;
  readonly #bits: Uint8Array;

  private constructor(first: number, end: number) {
    this.first = first;
    this.end = end;
    this.#bits = new Uint8Array(Math.ceil((end - first) / 8));
  }

  /** @throws AppError `empty` when no row remains. */
  static async of(
    store: ActivationStore,
    { contexts, includeBos = false }: { contexts?: ContextRange; includeBos?: boolean } = {},
  ): Promise<RowSelection> {
    const { contextLength, bosTokenId } = store.manifest;
    const { first, end } = contexts ?? { first: 0, end: store.manifest.contexts };
    const selection = new RowSelection(first * contextLength, end * contextLength);
    if (includeBos || bosTokenId === null) {
      selection.#bits.fill(0xff);
    } else {
      const perRead = Math.max(1, Math.floor(CONTEXTS_PER_READ_BYTES / 4 / contextLength));
      for (let context = first; context < end; context += perRead) {
        const tokens = await store.contexts.read(context, Math.min(perRead, end - context));
        const offset = (context - first) * contextLength;
        for (let i = 0; i < tokens.length; i++) {
          if (tokens[i] !== bosTokenId) selection.#bits[(offset + i) >>> 3]! |= 1 << ((offset + i) & 7);
        }
      }
    }
    if (selection.count(selection.first, selection.end) === 0) {
      throw new AppError('empty', `${store.folder}: no activations are left to read in these contexts.`);
    }
    return selection;
  }

  has(row: number): boolean {
    const i = row - this.first;
    return (this.#bits[Math.floor(i / 8)]! & (1 << (i % 8))) !== 0;
  }

  /** How many rows from `first` to `end` are selected. */
  count(first = this.first, end = this.end): number {
    let count = 0;
    for (let row = first; row < end; row++) if (this.has(row)) count++;
    return count;
  }
}
