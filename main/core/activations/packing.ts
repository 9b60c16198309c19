// Packing: the tokens of a corpus, one document after the other, cut into contexts of equal length, each opened as the
// tokenizer opens a text.
// The contexts go to a file, since tokenizing is slow and a capture that is resumed must see the same contexts.

import type { FileHandle } from 'node:fs/promises';
import { AppError } from '../../contract/base/errors.ts';
import type { OnWork } from '../../contract/base/progress.ts';
import { writeAll, writeFileAtomicWith } from '../files/atomicWrite.ts';
import { openFile, type ByteSource } from '../files/byteSource.ts';
import { readSafetensorsHeader, type TensorInfo } from '../formats/safetensors.ts';
import type { TextEncoder } from '../models/tokenizer.ts';
import type { Corpus } from './corpus.ts';
import { encodeDocuments } from './encodeDocuments.ts';

export interface PackingOptions {
  /** Tokens per context, the BOS included. */
  readonly contextLength: number;
  /** Stop after so many contexts. */
  readonly maxContexts?: number;
  readonly signal?: AbortSignal;
  readonly onWork?: OnWork;
}

/** The stage that packing reports. */
export const TOKENIZING = 'Tokenizing the corpus';

/** The file's header is written last, over this many bytes: JSON may be padded with spaces. */
const HEADER_BYTES = 256;
const CONTEXTS_PER_WRITE = 256;

/**
 * Writes contexts `[contexts, contextLength]` to `path`, atomically. A context is what opens a text, commonly a BOS, and the
 * next tokens of the corpus. Documents follow each other with a BOS in between, where the tokenizer has one. The last tokens, too few for a context, are dropped.
 * @returns the number of contexts.
 * @throws AppError `empty` when the corpus does not fill one context, `cancelled`, `disk-full`, and those of the corpus.
 */
export async function packCorpus(
  path: string,
  corpus: Corpus,
  encoder: TextEncoder,
  { contextLength, maxContexts = Infinity, signal, onWork }: PackingOptions,
): Promise<number> {
  const { bosTokenId: bos, opening } = encoder;
  if (!Number.isSafeInteger(contextLength) || contextLength <= Math.max(1, opening.length)) {
    throw new AppError(
      'usage',
      `A context needs at least ${Math.max(1, opening.length) + 1} tokens, not ${contextLength}.`,
    );
  }
  return writeFileAtomicWith(path, async (file) => {
    await writeAll(file, new Uint8Array(HEADER_BYTES));
    const batch = new Int32Array(CONTEXTS_PER_WRITE * contextLength);
    let filled = 0; // of the batch
    let contexts = 0; // written
    const write = async () => {
      await writeAll(file, new Uint8Array(batch.buffer, 0, filled * 4));
      contexts += filled / contextLength;
      filled = 0;
      onWork?.({ stage: TOKENIZING, done: contexts * contextLength, total: null, unit: 'tokens' });
    };
    const isFull = () => contexts + filled / contextLength >= maxContexts;

    packing: for await (const { ids, startsDocument } of encodeDocuments(corpus.pieces(), encoder)) {
      signal?.throwIfAborted();
      if (startsDocument && bos !== null && filled % contextLength !== 0) {
        batch[filled++] = bos;
        if (filled === batch.length) await write();
      }
      for (let i = 0; i < ids.length; i++) {
        if (filled % contextLength === 0) {
          if (isFull()) break packing;
          for (const id of opening) batch[filled++] = id;
        }
        batch[filled++] = ids[i]!;
        if (filled === batch.length) await write();
      }
    }
    const rest = filled % contextLength;
    filled -= rest;
    if (contexts + filled === 0) {
      throw new AppError(
        'empty',
        `${corpus.files[0] ?? path}: the corpus has only ${rest} tokens, a context takes ${contextLength}.`,
        { details: { tokens: rest, contextLength } },
      );
    }
    await write();
    await writeHeader(file, [contexts, contextLength]);
    return contexts;
  });
}

async function writeHeader(file: FileHandle, shape: readonly [number, number]): Promise<void> {
  const json = JSON.stringify({ tokens: { dtype: 'I32', shape, data_offsets: [0, shape[0] * shape[1] * 4] } });
  const header = new Uint8Array(HEADER_BYTES).fill(0x20);
  new DataView(header.buffer).setBigUint64(0, BigInt(HEADER_BYTES - 8), true);
  header.set(Buffer.from(json), 8);
  await file.write(header, 0, HEADER_BYTES, 0);
}

/** Contexts that packCorpus wrote. */
export class ContextFile {
  readonly contexts: number;
  readonly contextLength: number;
  readonly #source: ByteSource;
  readonly #tokens: TensorInfo;

  private constructor(source: ByteSource, tokens: TensorInfo, contexts: number, contextLength: number) {
    this.contexts = contexts;
    this.contextLength = contextLength;
    this.#source = source;
    this.#tokens = tokens;
  }

  /** @throws AppError `not-found`, `invalid-file`. */
  static async open(path: string): Promise<ContextFile> {
    const source = await openFile(path);
    try {
      const { tensors } = await readSafetensorsHeader(source);
      const tokens = tensors.get('tokens');
      const [contexts, contextLength, ...more] = tokens?.shape ?? [];
      if (tokens?.dtype !== 'I32' || !contexts || !contextLength || more.length > 0) {
        throw new AppError('invalid-file', `${path}: it holds no contexts of tokens.`, { details: { path } });
      }
      return new ContextFile(source, tokens, contexts, contextLength);
    } catch (thrown) {
      await source.close();
      throw thrown;
    }
  }

  /** Token ids of `count` contexts from `first`, `[count, contextLength]`. */
  async read(first: number, count: number): Promise<Int32Array<ArrayBuffer>> {
    if (first < 0 || first + count > this.contexts) {
      throw new AppError(
        'internal',
        `Contexts ${first} to ${first + count} were asked for, there are ${this.contexts}.`,
      );
    }
    const bytes = this.contextLength * 4;
    return new Int32Array((await this.#source.read(this.#tokens.fileOffset + first * bytes, count * bytes)).buffer);
  }

  close(): Promise<void> {
    return this.#source.close();
  }
}
