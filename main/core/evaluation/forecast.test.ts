import { describe, expect, it } from 'vitest';
import { randomDictionary } from '../../testing/dictionaries/randomDictionary.ts';
import { gainOf, OPERATIONS, type Action, type Operation } from '../../contract/domain/operations/index.ts';
import { EXAMPLE_ACTIONS } from '../../testing/edits/randomEdits.ts';
import { Random } from '../numerics/random.ts';
import { forecastEdit, statesOf, type ForecastStatistics } from './forecast.ts';

const SITE = 'blocks.0.hook_resid_post';
const hash = 'd'.repeat(64);
const SIZE = 24;
const TOKENS = 5000;

const random = new Random(5);
const dictionary = randomDictionary(random, 'jumprelu', { d: 16, size: SIZE, site: SITE });
const statistics: ForecastStatistics = {
  tokens: TOKENS,
  firings: Uint32Array.from({ length: SIZE }, (_, feature) => (feature === 7 ? 0 : 10 + random.below(2000))),
  means: Float64Array.from({ length: SIZE }, (_, feature) => (feature === 7 ? NaN : 0.5 + random.uniform())),
  cofiring: new Map([[3, [{ feature: 4, cosine: 0.6 }]]]),
  logits: new Map([[3, { top: [{ id: 1, token: ' yes', effect: 2 }], bottom: [{ id: 2, token: ' no', effect: -1 }] }]]),
};

const operation = (feature: number, action: Action, gates: Operation['gates'] = []): Operation => ({
  ...{ feature, dictionary: hash, site: SITE, gates, scope: { positions: 'notBos' } },
  ...action,
});

describe('what an operation does', () => {
  const draws = 200_000;
  const mean = statistics.means[3] ?? NaN;
  const rate = (statistics.firings[3] ?? NaN) / TOKENS;
  const after: Record<string, (f: number) => number> = {
    ablate: () => 0,
    scale: (f) => 3 * f,
    clamp: () => 2,
    clampActive: (f) => (f > 0 ? -1 : 0),
    floor: (f) => Math.max(f, 0.8),
    cap: (f) => Math.min(f, 0.8),
  };
  const actions: readonly Action[] = [
    { kind: 'ablate' },
    { kind: 'scale', factor: 3 },
    { kind: 'clamp', value: 2 },
    { kind: 'clampActive', value: -1 },
    { kind: 'floor', value: 0.8 },
    { kind: 'cap', value: 0.8 },
  ];

  // The mean of so many draws is right to about 0.2% of the spread: 0.02 is far above it.
  it.each(actions)('by $kind is on average what a simulation of exponential activations gives', (action) => {
    const drawing = new Random(11);
    let total = 0;
    for (let draw = 0; draw < draws; draw++) {
      const f = drawing.uniform() < rate ? -mean * Math.log(1 - drawing.uniform()) : 0;
      total += (after[action.kind]?.(f) ?? NaN) - f;
    }
    const forecast = statesOf(operation(3, action), statistics).reduce(
      (sum, { share, delta }) => sum + share * delta,
      0,
    );
    expect(Math.abs(forecast - total / draws)).toBeLessThan(0.02);
  });

  const forecastable = EXAMPLE_ACTIONS.filter(({ kind }) => OPERATIONS[kind].reads !== 'stream');
  it.each(forecastable)('by the definition of $kind is on average what a simulation of it gives', (action) => {
    const drawing = new Random(12);
    let total = 0;
    for (let draw = 0; draw < draws; draw++) {
      total += gainOf(action, drawing.uniform() < rate ? -mean * Math.log(1 - drawing.uniform()) : 0);
    }
    const states = statesOf(operation(3, action), statistics);
    const forecast = states.reduce((sum, { share, delta }) => sum + share * delta, 0);
    expect(Math.abs(forecast - total / draws)).toBeLessThan(0.02);
  });

  it('behind gates happens on the share of tokens where any of them is open', () => {
    const gates = [
      { feature: 8, threshold: 0 },
      { feature: 9, threshold: 0.5 },
    ];
    const [state] = statesOf(operation(3, { kind: 'ablate' }, gates), statistics);
    const open = (feature: number, threshold: number) =>
      ((statistics.firings[feature] ?? NaN) / TOKENS) * Math.exp(-threshold / (statistics.means[feature] ?? NaN));
    expect(state?.share).toBeCloseTo(rate * (1 - (1 - open(8, 0)) * (1 - open(9, 0.5))), 12);
    expect(statesOf(operation(3, { kind: 'ablate' }, [{ feature: 8, threshold: -1 }]), statistics)[0]?.share).toBe(
      rate,
    );
  });
});

describe('the forecast', () => {
  const edit = { operations: [operation(3, { kind: 'clampActive', value: -4 }), operation(11, { kind: 'ablate' })] };
  const [whole] = forecastEdit(edit, new Map([[hash, dictionary]]), new Map([[hash, statistics]]));
  if (!whole) throw new Error('There is a forecast.');

  it('is what the formula in the file says, feature by feature, in double precision', () => {
    const row = (rows: Float32Array, feature: number) => Array.from(rows.subarray(feature * 16, (feature + 1) * 16));
    const dot = (a: readonly number[], b: readonly number[]) =>
      a.reduce((sum, value, at) => sum + value * (b[at] ?? NaN), 0);
    const excess = (feature: number) =>
      Math.max(
        (statistics.means[feature] ?? NaN) - Math.max(0, dictionary.perFeature['threshold']?.[feature] ?? 0),
        0.05 * (statistics.means[feature] ?? NaN),
      );
    const known = Array.from({ length: SIZE }, (_, feature) => feature)
      .filter((feature) => feature !== 7)
      .map(excess)
      .sort((a, b) => a - b);
    const median = known[Math.floor(known.length / 2)] ?? NaN;
    for (let j = 0; j < SIZE; j++) {
      let expected = 0;
      for (const { feature: i, kind } of edit.operations) {
        const mean = statistics.means[i] ?? NaN;
        const delta = kind === 'ablate' ? -mean : -4 - mean;
        const firings = statistics.firings[i] ?? NaN;
        const given =
          i === 3 && j === 4
            ? Math.min(1, 0.6 * Math.sqrt((statistics.firings[j] ?? NaN) / firings))
            : ((statistics.firings[j] ?? NaN) + 0.5) / (TOKENS + 1);
        const shift = delta * dot(row(dictionary.encoder, j), row(dictionary.decoder, i));
        const after = Math.min(1, given * Math.exp(shift / (j === 7 ? median : excess(j))));
        expected += (firings / TOKENS) * (after - given);
      }
      expect(whole.changes[j]).toBeCloseTo(expected, 10);
    }
  });

  it('lists the largest changes, tells what it rests on, and leaves the edited features out', () => {
    const { forecast } = whole;
    const sizes = forecast.strongest.map(({ change }) => Math.abs(change));
    expect(sizes).toEqual([...sizes].sort((a, b) => b - a));
    expect(forecast.strongest.map(({ feature }) => feature)).not.toContain(3);
    expect(forecast.strongest.find(({ feature }) => feature === 4)?.cofiring).toBe(0.6);
    // Activation taken away: what it raised falls.
    expect(forecast.raised.map(({ token }) => token)).toEqual([' no']);
    expect(forecast.lowered.map(({ token }) => token)).toEqual([' yes']);
  });

  it('names tokens however little they are raised or lowered, none on both sides', () => {
    const faint = { top: [{ id: 1, token: ' a', effect: 1e-3 }], bottom: [{ id: 2, token: ' b', effect: -1e-3 }] };
    const logits = new Map([[3, faint]]);
    const [made] = forecastEdit(edit, new Map([[hash, dictionary]]), new Map([[hash, { ...statistics, logits }]]));
    expect(made?.forecast.raised.map(({ token }) => token)).toEqual([' b']);
    expect(made?.forecast.lowered.map(({ token }) => token)).toEqual([' a']);
  });

  it('is made place by place: of the operations on one dictionary at one site alone', () => {
    const [other, elsewhere] = ['e'.repeat(64), 'blocks.1.hook_resid_post'];
    const dictionaries = new Map([
      [hash, dictionary],
      [other, dictionary],
    ]);
    const both = new Map([
      [hash, statistics],
      [other, statistics],
    ]);
    const operations = [
      ...edit.operations,
      { ...operation(12, { kind: 'ablate' }), dictionary: other },
      { ...operation(13, { kind: 'ablate' }), site: elsewhere },
    ];
    const places = forecastEdit({ operations }, dictionaries, both);
    const alone = (one: Operation) => forecastEdit({ operations: [one] }, dictionaries, both)[0]?.changes;
    expect(places.map(({ changes }) => changes)).toEqual([whole.changes, alone(operations[2]!), alone(operations[3]!)]);
  });

  it('says nothing of projections, and nothing at all without statistics', () => {
    const projection = { operations: [operation(3, { kind: 'project', factor: 0 })] };
    const [silent] = forecastEdit(projection, new Map([[hash, dictionary]]), new Map([[hash, statistics]]));
    expect(silent?.forecast).toMatchObject({ unforecast: [3], strongest: [], shareOfFirings: 0 });
    expect(forecastEdit(edit, new Map([[hash, dictionary]]), new Map())).toEqual([]);
  });
});
