// The pass over a text that fills a FeatureAccumulator: reads contexts, encodes them, takes what fires. Now and then, and when
// it is stopped, it saves its state in one file; the same call goes on from there and ends with the same bits.
import { AppError, toAppError } from '../../contract/base/errors.ts';
import type { OnWork } from '../../contract/base/progress.ts';
import { writeSafetensors } from '../formats/safetensors.ts';
import { ColumnFile } from './columnFile.ts';
import { FeatureAccumulator } from './featureAccumulator.ts';
import { Firings, type FeatureEncoder } from './featureEncoder.ts';
import { isOutlier, outlierBound, rowsOf, type OutlierBound } from '../dictionaries/outliers.ts';
import { MAX_TOKENS } from './firingSketch.ts';
import type { TextSource } from './textSource.ts';

export interface PassOptions {
  readonly encoder: FeatureEncoder;
  readonly source: TextSource;
  /** The file of the state, and what it must be of to be gone on with. */
  readonly checkpoint: { readonly path: string; readonly of: string; readonly seconds?: number } | null;
  readonly signal?: AbortSignal | undefined;
  readonly onWork?: OnWork | undefined;
}

/** Tokens read at once, as many whole contexts as they hold: the steps in which the pass is interrupted and resumed. */
const GROUP_TOKENS = 4096;
/** Fewer where there are many features: should all of them fire everywhere, what fires must still fit into memory. */
const GROUP_CELLS = 1 << 25;
const CHECKPOINT_SECONDS = 60;
/** Saving takes at most this share of the time. */
const CHECKPOINT_SHARE = 0.02;

/** @throws AppError `unsupported` for a text too long to count or activations that are not finite, `cancelled`. */
export async function runPass(options: PassOptions): Promise<FeatureAccumulator> {
  const { encoder, source, checkpoint, signal, onWork } = options;
  const { d, size } = encoder.dictionary;
  const { contexts, contextLength, bosTokenId } = source;
  const total = contexts * contextLength;
  if (total > MAX_TOKENS)
    throw new AppError('unsupported', `A text of ${total} tokens is too long: ${MAX_TOKENS} at most.`);
  const state = checkpoint ? await readState(size, checkpoint) : null;
  const accumulator = state?.accumulator ?? new FeatureAccumulator(size);
  let next = state?.next ?? 0;
  const groupTokens = Math.min(GROUP_TOKENS, Math.floor(GROUP_CELLS / size));
  const contextsPerGroup = Math.max(1, Math.floor(groupTokens / contextLength));
  // From the first group whether the pass begins or goes on, so that both leave out the same rows.
  const bound = contexts === 0 ? null : await boundOf(source, contextsPerGroup);
  let savedAt = performance.now();
  let savingMs = 0;
  const save = async () => {
    if (!checkpoint) return;
    const startedAt = performance.now();
    const metadata = { of: checkpoint.of, nextContext: String(next) };
    await writeSafetensors(checkpoint.path, accumulator.stateTensors(), metadata);
    savedAt = performance.now();
    savingMs = savedAt - startedAt;
  };
  const firings = new Firings();
  const countAt = (first: number) => Math.min(contextsPerGroup, contexts - first);
  let reading = next < contexts ? source.read(next, countAt(next)) : null;
  try {
    while (reading) {
      const { tokens, values } = await reading;
      const [first, count] = [next, countAt(next)];
      reading = first + count < contexts ? source.read(first + count, countAt(first + count)) : null;
      reading?.catch(() => undefined); // told when it is awaited
      const isLeftOut = new Uint8Array(tokens.length);
      let outliers = 0;
      for (const [row, activation] of rowsOf(values, d).entries()) {
        if (tokens[row] === bosTokenId) isLeftOut[row] = 1;
        else if (bound && isOutlier(activation, bound)) {
          isLeftOut[row] = 1;
          outliers++;
        }
      }
      firings.clear();
      for (let row = 0; row < tokens.length; row += encoder.positionsPerRun) {
        signal?.throwIfAborted();
        const end = Math.min(tokens.length, row + encoder.positionsPerRun);
        const activations = await encoder.encode(values.subarray(row * d, end * d));
        firings.add(activations, end - row, row, isLeftOut);
      }
      accumulator.take({
        firstContext: first,
        contextLength,
        tokens,
        bosTokenId,
        outliers,
        firings: firings.byFeature(size),
      });
      next = first + count;
      onWork?.({ stage: 'Counting where features fire', done: next * contextLength, total, unit: 'tokens' });
      const patience = Math.max((checkpoint?.seconds ?? CHECKPOINT_SECONDS) * 1000, savingMs / CHECKPOINT_SHARE);
      if (next < contexts && performance.now() - savedAt >= patience) await save();
    }
  } catch (thrown) {
    if (signal?.aborted === true) await save();
    throw thrown;
  } finally {
    await reading?.catch(() => undefined); // the source may be closed right after
  }
  return accumulator;
}

/** Which rows of a text are outliers, by its beginning; the BOS, which is one in itself, left out. */
async function boundOf(source: TextSource, contextsPerGroup: number): Promise<OutlierBound | null> {
  const { tokens, values } = await source.read(0, Math.min(contextsPerGroup, source.contexts));
  const rows = rowsOf(values, values.length / tokens.length);
  const counted = rows.filter((_, row) => tokens[row] !== source.bosTokenId);
  return counted.length === 0 ? null : outlierBound(counted);
}

/** Null when there is no state, or one that is of something else or damaged: then the pass begins anew. */
async function readState(
  size: number,
  { path, of }: { readonly path: string; readonly of: string },
): Promise<{ accumulator: FeatureAccumulator; next: number } | null> {
  let file: ColumnFile | undefined;
  try {
    file = await ColumnFile.open(path);
    const next = Number(file.metadata.get('nextContext'));
    if (file.metadata.get('of') !== of || !Number.isSafeInteger(next) || next < 0) return null;
    const accumulator = new FeatureAccumulator(size);
    await accumulator.restore(file);
    return { accumulator, next };
  } catch (thrown) {
    if (['not-found', 'invalid-file'].includes(toAppError(thrown).code)) return null;
    throw thrown;
  } finally {
    await file?.close();
  }
}
