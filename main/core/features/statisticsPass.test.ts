// Tokens of extreme norm in a text: left out of what is counted, and counted themselves, however the text is cut.
import { describe, expect, it } from 'vitest';
import { randomDictionary, referenceActivations } from '../../testing/dictionaries/randomDictionary.ts';
import { Random } from '../numerics/random.ts';
import { createCpuRuntime } from '../onnx/cpuRuntime.ts';
import { FeatureEncoder } from './featureEncoder.ts';
import { runPass } from './statisticsPass.ts';
import type { TextSource } from './textSource.ts';

const [contexts, contextLength, d, size, BOS] = [64, 128, 8, 24, 0];

/** Ordinary rows, and a tenth that lie as far away as they like, all on one side. */
function text(isPlanted: (row: number) => boolean): TextSource & { readonly rows: readonly Float32Array[] } {
  const random = new Random(5);
  const rows = Array.from({ length: contexts * contextLength }, (_, row) => {
    const values = Float32Array.from({ length: d }, () => 1 + random.normal());
    return isPlanted(row) ? values.fill(1e4) : values;
  });
  const tokens = Int32Array.from(rows, (_, row) => (row % contextLength === 0 ? BOS : 1 + (row % 50)));
  return {
    rows,
    contexts,
    contextLength,
    bosTokenId: BOS,
    read: (first, count) => {
      const [from, end] = [first * contextLength, (first + count) * contextLength];
      const values = Float32Array.from(rows.slice(from, end).flatMap((row) => [...row]));
      return Promise.resolve({ tokens: tokens.slice(from, end), values });
    },
    close: () => Promise.resolve(),
  };
}

describe('statistics of a text with tokens of extreme norm', () => {
  it('leave a tenth of them out, name how many, and count the rest as if they were not there', async () => {
    const dictionary = randomDictionary(new Random(3), 'relu', { d, size, site: 'blocks.0.hook_resid_pre' });
    const isPlanted = (row: number) => row % 10 === 3;
    const source = text(isPlanted);
    const encoder = await FeatureEncoder.open(createCpuRuntime(), dictionary);
    const accumulator = await runPass({ encoder, source, checkpoint: null });
    const counted = [...source.rows.entries()].filter(([row]) => row % contextLength !== 0);
    const kept = counted.filter(([row]) => !isPlanted(row));
    expect(accumulator.outliers).toBe(counted.length - kept.length);
    expect(accumulator.outliers).toBeGreaterThan(500);
    expect(accumulator.tokens).toBe(kept.length);
    const firings = new Uint32Array(size);
    for (const [, x] of kept) {
      for (const [feature, value] of referenceActivations(dictionary, x).entries())
        if (value > 0) firings[feature]! += 1;
    }
    expect(accumulator.firings).toEqual(firings);
    await encoder.release();
  });

  it('leave none out of an ordinary one', async () => {
    const dictionary = randomDictionary(new Random(3), 'relu', { d, size, site: 'blocks.0.hook_resid_pre' });
    const encoder = await FeatureEncoder.open(createCpuRuntime(), dictionary);
    const accumulator = await runPass({ encoder, source: text(() => false), checkpoint: null });
    expect(accumulator.outliers).toBe(0);
    expect(accumulator.tokens).toBe(contexts * (contextLength - 1));
    await encoder.release();
  });
});
