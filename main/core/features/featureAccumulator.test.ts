import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { writeSafetensors } from '../formats/safetensors.ts';
import { Random } from '../numerics/random.ts';
import { ColumnFile } from './columnFile.ts';
import { FeatureAccumulator, HISTOGRAM_BINS } from './featureAccumulator.ts';
import { Firings } from './featureEncoder.ts';
import { referenceStatistics } from '../../testing/features/referenceStatistics.ts';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'errata-accumulator-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const BOS = 0;

interface Text {
  readonly tokens: Int32Array;
  /** `[size, rows]` */
  readonly activations: Float32Array;
  readonly size: number;
  readonly contextLength: number;
}

/** Few different tokens, so that texts repeat; few different activations, so that there are ties. */
function randomText(
  seed: number,
  { size, contexts, contextLength }: Record<'size' | 'contexts' | 'contextLength', number>,
): Text {
  const random = new Random(seed);
  const vocabulary = 1 + random.below(3);
  const tokens = Int32Array.from({ length: contexts * contextLength }, (_, row) =>
    row % contextLength === 0 || random.uniform() < 0.1 ? BOS : 1 + random.below(vocabulary),
  );
  const activations = new Float32Array(size * tokens.length);
  for (let feature = 0; feature < size; feature++) {
    const rate = random.uniform() ** 4;
    const levels = 1 + random.below(30);
    for (let row = 0; row < tokens.length; row++) {
      if (random.uniform() < rate) activations[feature * tokens.length + row] = (1 + random.below(levels)) * 0.37;
    }
  }
  return { tokens, activations, size, contextLength };
}

/** Gives the contexts to the accumulator in groups of the given sizes, in turn. */
function feed(
  accumulator: FeatureAccumulator,
  text: Text,
  groups: readonly number[],
  from = 0,
  until = Infinity,
): void {
  const { tokens, activations, size, contextLength } = text;
  const contexts = tokens.length / contextLength;
  let turn = 0;
  for (let first = from; first < Math.min(contexts, until);) {
    const count = Math.min(groups[turn++ % groups.length]!, Math.min(contexts, until) - first);
    const [begin, end] = [first * contextLength, (first + count) * contextLength];
    const group = tokens.subarray(begin, end);
    const firings = new Firings();
    const dense = new Float32Array(size * group.length);
    for (let feature = 0; feature < size; feature++) {
      const of = feature * tokens.length;
      dense.set(activations.subarray(of + begin, of + end), feature * group.length);
    }
    firings.add(
      dense,
      group.length,
      0,
      Uint8Array.from(group, (token) => (token === BOS ? 1 : 0)),
    );
    accumulator.take({
      firstContext: first,
      contextLength,
      tokens: group,
      bosTokenId: BOS,
      firings: firings.byFeature(size),
    });
    first += count;
  }
}

function expectReference(accumulator: FeatureAccumulator, text: Text): void {
  const rows = text.tokens.length;
  for (let feature = 0; feature < text.size; feature++) {
    const own = text.activations.subarray(feature * rows, (feature + 1) * rows);
    const { rate: _, ...expected } = referenceStatistics({ ...text, bosTokenId: BOS }, feature, own);
    const first = feature * HISTOGRAM_BINS;
    expect({
      firings: accumulator.firings[feature],
      max: accumulator.max[feature],
      lastFirings: accumulator.lastFirings[feature],
      histogram: [...accumulator.histogram.subarray(first, first + HISTOGRAM_BINS)],
      top: accumulator.top.kept(feature),
      sample: accumulator.sample.kept(feature),
      // The same numbers are added, in double precision, in another grouping.
      sum: expect.closeTo(accumulator.sums[feature]!, 9) as number,
      squares: expect.closeTo(accumulator.squares[feature]!, 9) as number,
      lastSum: expect.closeTo(accumulator.lastSums[feature]!, 9) as number,
    }).toEqual(expected);
  }
}

describe('what is kept of a stream of activations', () => {
  it('is what a full sort and plain sums over all of it give, however the stream is cut', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 0, max: 1e6 }),
        fc.array(fc.integer({ min: 1, max: 7 }), { minLength: 1, maxLength: 5 }),
        (seed, groups) => {
          const text = randomText(seed, { size: 5, contexts: 60, contextLength: 11 });
          const accumulator = new FeatureAccumulator(5);
          feed(accumulator, text, groups);
          expectReference(accumulator, text);
        },
      ),
      { numRuns: 60 },
    );
  });

  it('has the activations of the 128 tokens around the peak where contexts are longer', () => {
    const text = randomText(3, { size: 4, contexts: 40, contextLength: 200 });
    const accumulator = new FeatureAccumulator(4);
    feed(accumulator, text, [3]);
    expectReference(accumulator, text);
  });

  it('goes on from a saved state as if nothing had happened', async () => {
    const text = randomText(5, { size: 6, contexts: 90, contextLength: 9 });
    const unbroken = new FeatureAccumulator(6);
    feed(unbroken, text, [4]);
    const before = new FeatureAccumulator(6);
    feed(before, text, [4], 0, 48);
    const path = join(folder, 'state');
    await writeSafetensors(path, before.stateTensors());
    const file = await ColumnFile.open(path);
    const after = new FeatureAccumulator(6);
    await after.restore(file);
    await file.close();
    feed(after, text, [4], 48);
    expectReference(after, text);
    const [a, b] = [join(folder, 'a'), join(folder, 'b')];
    expect(await writeSafetensors(a, after.stateTensors())).toBe(await writeSafetensors(b, unbroken.stateTensors()));
    expect(await after.sketches.neighbours(after.firings, 3)).toEqual(
      await unbroken.sketches.neighbours(unbroken.firings, 3),
    );
  });

  it('counts tokens and ends of documents, BOS left out', () => {
    const accumulator = new FeatureAccumulator(1);
    const tokens = Int32Array.of(BOS, 5, 6, BOS, 7, 8, BOS, 5, BOS, 5, 6, 7);
    feed(accumulator, { tokens, activations: new Float32Array(12).fill(2), size: 1, contextLength: 6 }, [1]);
    // 6 ends before a BOS, and so does the 5 of the second context; 8 and the last 7 stand at the end of a context.
    expect([accumulator.tokens, accumulator.documentEnds]).toEqual([8, 2]);
    expect([accumulator.firings[0], accumulator.lastFirings[0]]).toEqual([8, 2]);
  });

  it('takes no more memory for a longer text', () => {
    const bytesAfter = (contexts: number) => {
      const accumulator = new FeatureAccumulator(50);
      const text = randomText(8, { size: 50, contexts: 50, contextLength: 64 });
      const random = new Random(9);
      for (let first = 0; first < contexts; first += 50) {
        // Other words and activations each time, so that examples go on being replaced.
        const tokens = text.tokens.map((token) => (token === BOS ? BOS : 1 + random.below(1000)));
        const activations = text.activations.map((value) => value * random.uniform() * (1 + first));
        const firings = new Firings();
        firings.add(
          activations,
          tokens.length,
          0,
          Uint8Array.from(tokens, (token) => (token === BOS ? 1 : 0)),
        );
        const group = { firstContext: first, contextLength: 64, tokens, bosTokenId: BOS };
        accumulator.take({ ...group, firings: firings.byFeature(50) });
      }
      return accumulator.top.activationBytes + accumulator.sample.activationBytes;
    };
    // All slots are taken after some hundred contexts; from then on blocks are used again.
    expect(bytesAfter(3000)).toBeLessThan(1.6 * bytesAfter(500));
  });

  it('refuses activations that are no numbers one can count with', () => {
    const text = {
      tokens: Int32Array.of(BOS, 1),
      activations: Float32Array.of(0, Infinity),
      size: 1,
      contextLength: 2,
    };
    expect(() => feed(new FeatureAccumulator(1), text, [1])).toThrow(/not a finite number/u);
  });
});

describe('features that fire together', () => {
  /** |A∩B| / √(|A|·|B|) */
  const cosine = (a: ReadonlySet<number>, b: ReadonlySet<number>) =>
    [...a].filter((token) => b.has(token)).length / Math.sqrt(a.size * b.size);

  function sketched(rates: readonly number[], rows: number) {
    const random = new Random(2);
    const sets = rates.map(() => new Set<number>());
    for (let row = 0; row < rows; row++) {
      const common = random.uniform();
      for (const [feature, rate] of rates.entries()) {
        if ((feature % 2 === 0 ? common : random.uniform()) < rate) sets[feature]!.add(row);
      }
    }
    const tokens = Int32Array.from({ length: rows }, () => 1);
    const activations = new Float32Array(rates.length * rows);
    for (const [feature, set] of sets.entries()) for (const row of set) activations[feature * rows + row] = 1;
    const accumulator = new FeatureAccumulator(rates.length);
    feed(accumulator, { tokens, activations, size: rates.length, contextLength: 50 }, [7]);
    return { sets, accumulator };
  }

  it('are found exactly where they fire on few tokens', async () => {
    const { sets, accumulator } = sketched([0.01, 0.02, 0.015, 0.01, 0.02, 0], 5000);
    const { features, cosines } = await accumulator.sketches.neighbours(accumulator.firings, 4);
    for (const [feature, own] of sets.entries()) {
      const expected = sets
        .map((other, partner) => ({ partner, cosine: own.size === 0 ? 0 : cosine(own, other) }))
        .filter(({ partner, cosine: similarity }) => partner !== feature && similarity > 0)
        .sort((a, b) => b.cosine - a.cosine || a.partner - b.partner);
      const found = [...features.subarray(4 * feature, 4 * feature + 4)].filter((partner) => partner >= 0);
      expect(found).toEqual(expected.slice(0, 4).map(({ partner }) => partner));
      for (const [place, { cosine: similarity }] of expected.slice(0, 4).entries()) {
        expect(cosines[4 * feature + place]).toBeCloseTo(similarity, 6);
      }
    }
    expect([...features.subarray(20, 24)]).toEqual([-1, -1, -1, -1]);
  });

  it('are estimated from a sample where they fire on many', async () => {
    const { sets, accumulator } = sketched([0.1, 0.1, 0.12, 0.11, 0.2, 0.3], 40_000);
    const { features, cosines } = await accumulator.sketches.neighbours(accumulator.firings, 2);
    // Features 0, 2 and 4 fire on nested sets. Two samples of 128 tokens give a share of them within 15% (three standard
    // deviations of a share of a half, 3 · √(0.25 / 128) = 0.13).
    for (const feature of [0, 2, 4]) {
      for (const place of [0, 1]) {
        const partner = features[2 * feature + place]!;
        expect([0, 2, 4]).toContain(partner);
        expect(Math.abs(cosines[2 * feature + place]! - cosine(sets[feature]!, sets[partner]!))).toBeLessThan(0.15);
      }
    }
  });
});
