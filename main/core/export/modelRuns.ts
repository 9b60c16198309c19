// What is asked of a model to compare it: logits after every token of a text, and what it goes on with. The same for a model
// of the workbench and for an artifact, which differ in their sessions and in what else must be fed.
import { Tensor } from 'onnxruntime-common';
import { AppError } from '../../contract/base/errors.ts';
import type { BatchFacts } from '../edits/editPatches.ts';
import { int64Tensor, tokenTensor } from '../models/tokenBatch.ts';
import type { Session } from '../onnx/runtime.ts';

/** What a session needs beside tokens and cache. */
export type FeedsOf = (facts: BatchFacts) => Readonly<Record<string, Tensor>>;

export interface CacheShape {
  readonly keyValueHeads: number;
  readonly headDim: number;
}

/** Logits after every token of one text, `[time, vocabularySize]`, valid until the next run. */
export async function textLogits(
  session: Session,
  context: ArrayLike<number>,
  promptLength: number,
  feedsOf: FeedsOf,
): Promise<Float32Array> {
  const { logits } = await session.run({
    ...feedsOf({ batch: 1, promptLengths: [promptLength] }),
    input_ids: tokenTensor([context], 'right'),
  });
  return floats(logits);
}

export interface Continuations {
  /** `[prompts][newTokens]` */
  readonly ids: readonly (readonly number[])[];
  /** How far the likeliest token was above the second, `[prompts][newTokens]`. */
  readonly margins: readonly (readonly number[])[];
  /** Logits of the last step, `[prompts, vocabularySize]`. */
  readonly lastLogits: Float32Array;
}

/**
 * Goes on with a batch of prompts, always with the likeliest token, through the form with a cache.
 * Inputs called `past_NAME` get what the output `present_NAME` gave.
 */
export async function continueGreedily(
  session: Session,
  prompts: readonly ArrayLike<number>[],
  newTokens: number,
  {
    cache,
    feedsOf,
    signal,
    onToken,
  }: {
    readonly cache: CacheShape;
    readonly feedsOf: FeedsOf;
    readonly signal?: AbortSignal;
    readonly onToken?: (tokens: number) => void;
  },
): Promise<Continuations> {
  const batch = prompts.length;
  const width = Math.max(...prompts.map((prompt) => prompt.length));
  const promptLengths = prompts.map((prompt) => prompt.length);
  const leftPadding = int64Tensor(promptLengths.map((length) => width - length));
  const states = session.inputNames.filter((name) => name.startsWith('past_'));
  const constant = feedsOf({ batch, promptLengths });
  const none = () => new Tensor('float32', new Float32Array(0), [batch, cache.keyValueHeads, 0, cache.headDim]);
  let past: Record<string, Tensor> = Object.fromEntries(states.map((name) => [name, constant[name] ?? none()]));
  let newest: readonly ArrayLike<number>[] = prompts;
  const ids = prompts.map((): number[] => []);
  const margins = prompts.map((): number[] => []);
  let lastLogits = new Float32Array(0);
  for (let step = 0; step < newTokens; step++) {
    if (signal?.aborted) throw new AppError('cancelled', 'The comparison was cancelled.');
    const results = await session.run({
      ...constant,
      ...past,
      input_ids: tokenTensor(newest, 'left'),
      left_padding: leftPadding,
    });
    past = Object.fromEntries(states.map((name) => [name, presentOf(results, name)]));
    lastLogits = lastRows(results['logits']);
    const vocabularySize = lastLogits.length / batch;
    for (let row = 0; row < batch; row++) {
      const { id, margin } = likeliest(lastLogits.subarray(row * vocabularySize, (row + 1) * vocabularySize));
      ids[row]?.push(id);
      margins[row]?.push(margin);
    }
    newest = ids.map((row) => row.slice(-1));
    onToken?.((step + 1) * batch);
  }
  return { ids, margins, lastLogits };
}

function presentOf(results: Readonly<Record<string, Tensor>>, past: string): Tensor {
  const present = results[past.replace(/^past_/u, 'present_')];
  if (present) return present;
  throw new AppError('invalid-file', `The model has the input ${past} without an output that goes into it.`);
}

/** Of logits `[batch, time, vocabularySize]` those at the last time, `[batch, vocabularySize]`. */
function lastRows(logits: Tensor | undefined): Float32Array<ArrayBuffer> {
  const all = floats(logits);
  const [batch = 0, time = 0, width = 0] = logits?.dims ?? [];
  const result = new Float32Array(batch * width);
  for (let row = 0; row < batch; row++) {
    const end = (row + 1) * time * width;
    result.set(all.subarray(end - width, end), row * width);
  }
  return result;
}

function likeliest(logits: Float32Array): { id: number; margin: number } {
  let [id, best, second] = [0, -Infinity, -Infinity];
  for (let i = 0; i < logits.length; i++) {
    const logit = logits[i]!;
    if (logit > best) [id, best, second] = [i, logit, best];
    else if (logit > second) second = logit;
  }
  return { id, margin: best - second };
}

function floats(tensor: Tensor | undefined): Float32Array {
  if (tensor?.data instanceof Float32Array) return tensor.data;
  throw new AppError('internal', 'The model gave no float32 logits.');
}
