// What the patched model gave in the workbench, kept in the artifact as reference.safetensors: an artifact can be verified
// anywhere and any time without the model, the dictionaries and the project it came from.
import { AppError } from '../../contract/base/errors.ts';
import { openFile } from '../files/byteSource.ts';
import { readSafetensorsHeader, readTensor, writeSafetensors } from '../formats/safetensors.ts';
import type { Continuations } from './modelRuns.ts';

export const REFERENCE_FILE = 'reference.safetensors';

export interface ReferenceText {
  readonly tokens: ArrayLike<number>;
  readonly promptLength: number;
  /** `[tokens, vocabularySize]` */
  readonly logits: Float32Array;
}

export interface Reference {
  readonly texts: readonly ReferenceText[];
  readonly prompts: readonly ArrayLike<number>[];
  readonly continuations: Continuations;
}

/** @returns SHA-256 of the file. */
export async function writeReference(path: string, { texts, prompts, continuations }: Reference): Promise<string> {
  const ints = (name: string, values: readonly ArrayLike<number>[]) => ({
    name,
    dtype: 'I32' as const,
    shape: [values.reduce((sum, { length }) => sum + length, 0)],
    data: Int32Array.from(values.flatMap((list) => Array.from(list))),
  });
  const lengths = (lists: readonly ArrayLike<number>[]) => [lists.map(({ length }) => length)];
  const allLogits = texts.map(({ logits }) => logits);
  return writeSafetensors(path, [
    ints(
      'text_tokens',
      texts.map(({ tokens }) => tokens),
    ),
    ints('text_lengths', lengths(texts.map(({ tokens }) => tokens))),
    ints('text_prompt_lengths', [texts.map(({ promptLength }) => promptLength)]),
    { name: 'text_logits', dtype: 'F32', shape: [sum(allLogits)], data: () => allLogits },
    ints('prompt_tokens', prompts),
    ints('prompt_lengths', lengths(prompts)),
    ints('continuation_ids', continuations.ids),
    {
      name: 'continuation_margins',
      dtype: 'F32',
      shape: [sum(continuations.margins)],
      data: Float32Array.from(continuations.margins.flat()),
    },
    {
      name: 'continuation_last_logits',
      dtype: 'F32',
      shape: [continuations.lastLogits.length],
      data: continuations.lastLogits,
    },
  ]);
}

function sum(lists: readonly { readonly length: number }[]): number {
  return lists.reduce((total, { length }) => total + length, 0);
}

/** @throws AppError `not-found`, `invalid-file`. */
export async function readReference(path: string, vocabularySize: number): Promise<Reference> {
  const source = await openFile(path);
  try {
    const { tensors } = await readSafetensorsHeader(source);
    const read = async (name: string) => {
      const info = tensors.get(name);
      if (info) return readTensor(source, info);
      throw wrong(path, `the tensor ${name} is missing`);
    };
    const ints = async (name: string): Promise<Int32Array> => {
      const values = await read(name);
      if (values instanceof Int32Array) return values;
      throw wrong(path, `${name} must be I32`);
    };
    const floats = async (name: string): Promise<Float32Array> => {
      const values = await read(name);
      if (values instanceof Float32Array) return values;
      throw wrong(path, `${name} must be F32`);
    };
    const textLengths = await ints('text_lengths');
    const tokens = cut(await ints('text_tokens'), textLengths, path);
    const promptLengths = await ints('text_prompt_lengths');
    const logits = cut(
      await floats('text_logits'),
      textLengths.map((length) => length * vocabularySize),
      path,
    );
    const prompts = cut(await ints('prompt_tokens'), await ints('prompt_lengths'), path);
    const ids = await ints('continuation_ids');
    const newTokens = prompts.length === 0 ? 0 : ids.length / prompts.length;
    const perPrompt = new Int32Array(prompts.length).fill(newTokens);
    const lastLogits = await floats('continuation_last_logits');
    if (promptLengths.length !== tokens.length || lastLogits.length !== prompts.length * vocabularySize) {
      throw wrong(path, 'its tensors do not fit each other');
    }
    return {
      texts: tokens.map((list, index) => ({
        tokens: list,
        promptLength: promptLengths[index] ?? 0,
        logits: logits[index] ?? new Float32Array(0),
      })),
      prompts,
      continuations: {
        ids: cut(ids, perPrompt, path).map((list) => [...list]),
        margins: cut(await floats('continuation_margins'), perPrompt, path).map((list) => [...list]),
        lastLogits,
      },
    };
  } finally {
    await source.close();
  }
}

/** Parts of the given lengths, which must add up to the whole. */
function cut<T extends Int32Array | Float32Array>(values: T, lengths: Int32Array, path: string): T[] {
  let start = 0;
  const parts = Array.from(lengths, (length) => {
    if (length < 0 || start + length > values.length) throw wrong(path, 'its lengths do not fit its tensors');
    start += length;
    return values.subarray(start - length, start) as T;
  });
  if (start !== values.length) throw wrong(path, 'its lengths do not fit its tensors');
  return parts;
}

function wrong(path: string, reason: string): AppError {
  return new AppError('invalid-file', `${path}: ${reason}.`, { details: { path } });
}
