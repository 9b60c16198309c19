// Edits in a graph against their definition in double precision, on a graph that is one site only. Tolerance 2e-4: amounts up
// to 5, activations up to about 5, sums of 8 products in float32.
import fc from 'fast-check';
import { Tensor } from 'onnxruntime-common';
import { describe, expect, it } from 'vitest';
import { DICTIONARY_KINDS } from '../dictionaries/kinds/index.ts';
import { randomDictionary } from '../../testing/dictionaries/randomDictionary.ts';
import { createCpuRuntime } from '../onnx/cpuRuntime.ts';
import { int64Tensor, tokenTensor } from '../models/tokenBatch.ts';
import type { Patch } from '../models/variant.ts';
import { Random } from '../numerics/random.ts';
import { GraphBuilder, type Shape } from '../onnx/graph.ts';
import type { Session } from '../onnx/runtime.ts';
import { targetKey } from '../../contract/domain/edit.ts';
import type { Action, Operation } from '../../contract/domain/operations/index.ts';
import type { Scope } from '../../contract/domain/operations/target.ts';
import { fixEdit, InteractiveEdit } from './editPatches.ts';
import { actionArbitrary } from '../../testing/edits/randomEdits.ts';
import { referenceEdit, type ReferenceSequence } from '../../testing/edits/referenceEdit.ts';

const runtime = createCpuRuntime({ threads: 1 });
const TOLERANCE = 2e-4;
const site = 'blocks.0.hook_resid_post';
const d = 8;
const size = 12;
const BOS = 1;

const dictionaries = new Map(
  DICTIONARY_KINDS.map((architecture, index) => [
    String(index).repeat(64),
    randomDictionary(new Random(index + 10), architecture, { d, size, k: 3, site }),
  ]),
);
const hashes = [...dictionaries.keys()];
const places = hashes.map((dictionary) => ({ site, dictionary }));

const feature = fc.nat({ max: size - 1 });
const amount = fc.double({ min: -5, max: 5, noNaN: true }).map((value) => Math.fround(value));
const scopes = fc.oneof(
  fc.constantFrom('all', 'notBos', 'promptOnly', 'generatedOnly').map((positions): Scope => ({ positions })),
  feature.map((first): Scope => ({ positions: 'fromFirstFiring', feature: first })),
);
const operation: fc.Arbitrary<Operation> = fc
  .record({
    feature,
    dictionary: fc.constantFrom(...hashes),
    site: fc.constant(site),
    scope: scopes,
    gates: fc.array(fc.record({ feature, threshold: amount }), { maxLength: 3 }),
    action: actionArbitrary(amount),
  })
  .map(({ action, ...target }) => ({ ...target, ...action }));
const operationList = fc.uniqueArray(operation, { selector: targetKey, maxLength: 6 });

/** A graph that is nothing but a site, in the form of a model without or with a cache. */
function siteGraph(
  patches: readonly Patch[],
  { cache = false, shape = ['batch', 'time', d] as Shape } = {},
): Uint8Array {
  const graph = new GraphBuilder('site');
  graph.output(graph.input('input_ids', 'int64', ['batch', 'time']), 'tokens');
  if (cache) {
    const past = graph.input('past', 'float32', ['batch', 'past']);
    graph.output(past, 'past_seen');
    graph.output(graph.input('left_padding', 'int64', ['batch']), 'padding_seen');
  }
  const x = graph.input('x', 'float32', shape);
  graph.output(
    patches.reduce((value, patch) => patch.apply(value), x),
    'y',
  );
  return graph.toBytes();
}

const LENGTHS = [7, 4, 5];
const WIDTH = Math.max(...LENGTHS);
const sequences: readonly ReferenceSequence[] = LENGTHS.map((length, index) => {
  const random = new Random(index + 1);
  return {
    x: Array.from({ length }, () => Float32Array.from({ length: d }, () => Math.fround(random.normal() * 1.5))),
    tokens: Array.from({ length }, (_, position) => (position === 3 ? BOS : 2 + random.below(5))),
    promptLength: 2 + index,
  };
});
const facts = { batch: sequences.length, promptLengths: sequences.map(({ promptLength }) => promptLength) };

/** Rows `[time][d]` of several sequences as one tensor, padded with numbers that would make features fire. */
function xTensor(rows: readonly (readonly ArrayLike<number>[])[], side: 'left' | 'right'): Tensor {
  const width = Math.max(...rows.map((row) => row.length));
  const data = new Float32Array(rows.length * width * d).fill(3);
  for (const [index, row] of rows.entries()) {
    const start = side === 'left' ? width - row.length : 0;
    for (const [position, vector] of row.entries()) data.set(vector, (index * width + start + position) * d);
  }
  return new Tensor('float32', data, [rows.length, width, d]);
}

function floats(tensor: Tensor | undefined): Float32Array {
  if (tensor?.data instanceof Float32Array) return tensor.data;
  throw new Error('no floats');
}

/** y of every sequence, `[sequence][time·d]`, all in one run, padded on the right. */
async function runAll(session: Session, feeds: Readonly<Record<string, Tensor>>): Promise<Float32Array[]> {
  const { y } = await session.run({
    ...feeds,
    input_ids: tokenTensor(
      sequences.map(({ tokens }) => tokens),
      'right',
    ),
    x: xTensor(
      sequences.map(({ x }) => x),
      'right',
    ),
  });
  return sequences.map(({ x }, index) => floats(y).slice(index * WIDTH * d, (index * WIDTH + x.length) * d));
}

/** The same padded on the left and cut into runs of the given lengths, as generation with a cache does it. */
async function runCached(
  session: Session,
  patches: readonly Patch[],
  feeds: Readonly<Record<string, Tensor>>,
  pieces: readonly number[],
): Promise<Float32Array[]> {
  const states = patches.flatMap((patch) => patch.states ?? []);
  let fed = { ...feeds };
  const padding = sequences.map(({ x }) => WIDTH - x.length);
  const results = sequences.map((): number[] => []);
  let done = 0;
  for (const piece of pieces) {
    const slotsOf = <T>(list: readonly T[], pad: number): T[] =>
      Array.from({ length: piece }, (_, i) => done + i - pad).flatMap((at) => (at < 0 ? [] : (list[at] ?? [])) as T[]);
    const ids = sequences.map(({ tokens }, i) => slotsOf(tokens, padding[i] ?? 0));
    const rows = sequences.map(({ x }, i) =>
      slotsOf(
        x.map((vector) => [vector]),
        padding[i] ?? 0,
      ).flat(),
    );
    const padded = (row: readonly ArrayLike<number>[]) => [
      ...Array.from({ length: piece - row.length }, () => new Float32Array(d).fill(3)),
      ...row,
    ];
    const outputs = await session.run({
      ...fed,
      input_ids: tokenTensor([...ids.map((row) => [...new Array<number>(piece - row.length).fill(0), ...row])], 'left'),
      x: xTensor(rows.map(padded), 'left'),
      past: new Tensor('float32', new Float32Array(facts.batch * done), [facts.batch, done]),
      left_padding: int64Tensor(padding),
    });
    const y = floats(outputs['y']);
    for (const [i, row] of rows.entries()) {
      results[i]?.push(...y.slice((i * piece + piece - row.length) * d, (i + 1) * piece * d));
    }
    fed = { ...fed };
    for (const { past, present } of states) {
      const state = outputs[present];
      if (!state) throw new Error(`no ${present}`);
      fed[past] = state;
    }
    done += piece;
  }
  return results.map((row) => Float32Array.from(row));
}

const reference = (operations: readonly Operation[]) =>
  sequences.map((sequence) => referenceEdit(sequence, operations, dictionaries, BOS).flatMap((row) => [...row]));

function worst(actual: readonly ArrayLike<number>[], expected: readonly ArrayLike<number>[]): number {
  let largest = 0;
  for (const [i, row] of expected.entries()) {
    for (let j = 0; j < row.length; j++) {
      largest = Math.max(largest, Math.abs((actual[i]?.[j] ?? NaN) - (row[j] ?? NaN)));
      if (Number.isNaN(actual[i]?.[j] ?? NaN)) return NaN;
    }
  }
  return largest;
}

const target = (dictionary: string) => ({ feature: 4, dictionary, site, gates: [] });
const allActions: readonly Action[] = [
  { kind: 'ablate' },
  { kind: 'scale', factor: 0.5 },
  { kind: 'clamp', value: -3 },
  { kind: 'clampActive', value: -3 },
  { kind: 'floor', value: 1.5 },
  { kind: 'cap', value: 0.4 },
  { kind: 'steer', amount: 2.5 },
  { kind: 'project', factor: 0 },
];
const allScopes: readonly Scope[] = [
  { positions: 'all' },
  { positions: 'notBos' },
  { positions: 'promptOnly' },
  { positions: 'generatedOnly' },
  { positions: 'fromFirstFiring', feature: 7 },
];

const options = { bosTokenId: BOS, promptLength: true, firstFiring: true };

describe('every operation in every scope', async () => {
  const interactive = new InteractiveEdit(places, dictionaries, options);
  const session = await runtime.createSession(siteGraph(interactive.patches));
  const cached = await runtime.createSession(siteGraph(interactive.patches, { cache: true }));

  describe.each(hashes.map((hash) => [dictionaries.get(hash)?.architecture ?? '', hash] as const))('%s', (_, hash) => {
    it.each(
      allActions.flatMap((action) => allScopes.map((scope) => [action.kind, scope.positions, action, scope] as const)),
    )('%s, %s', async (_kind, _positions, action, scope) => {
      const operations = [{ ...target(hash), scope, ...action }];
      const feeds = interactive.feeds({ operations }, facts);
      const expected = reference(operations);
      expect(worst(await runAll(session, feeds), expected)).toBeLessThan(TOLERANCE);
      expect(worst(await runCached(cached, interactive.patches, feeds, [5, 1, 1]), expected)).toBeLessThan(TOLERANCE);
    });
  });

  it('any list of operations with gates, in any pieces, and the same bits when it is fixed in the graph', async () => {
    await fc.assert(
      fc.asyncProperty(operationList, fc.integer({ min: 1, max: WIDTH }), async (operations, first) => {
        const feeds = interactive.feeds({ operations }, facts);
        const expected = reference(operations);
        const actual = await runAll(session, feeds);
        expect(worst(actual, expected)).toBeLessThan(TOLERANCE);
        const pieces = [first, ...new Array<number>(WIDTH - first).fill(1)];
        const pieced = await runCached(cached, interactive.patches, feeds, pieces);
        expect(worst(pieced, expected)).toBeLessThan(TOLERANCE);

        const fixed = fixEdit({ operations }, dictionaries, BOS);
        const fixedSession = await runtime.createSession(siteGraph(fixed.patches));
        expect(await runAll(fixedSession, fixed.feeds(facts))).toEqual(actual);
        await fixedSession.release();
        const fixedCached = await runtime.createSession(siteGraph(fixed.patches, { cache: true }));
        expect(await runCached(fixedCached, fixed.patches, fixed.feeds(facts), pieces)).toEqual(pieced);
        await fixedCached.release();
      }),
      { numRuns: 25 },
    );
  });
});

describe('an edit', async () => {
  const interactive = new InteractiveEdit(places, dictionaries, options);
  const session = await runtime.createSession(siteGraph(interactive.patches));
  const untouched = sequences.map(({ x }) => Float32Array.from(x.flatMap((row) => Array.from(row))));
  const [hash] = hashes as [string];

  it('that is empty, or whose features are silent, changes no bit', async () => {
    expect(await runAll(session, interactive.feeds({ operations: [] }, facts))).toEqual(untouched);
    // A gate that nothing opens, on an operation that would act everywhere.
    const operations = [
      { ...target(hash), gates: [{ feature: 2, threshold: 1e6 }], scope: allScopes[0] as Scope, ...clamp(5) },
    ];
    expect(await runAll(session, interactive.feeds({ operations }, facts))).toEqual(untouched);
  });

  it('of several operations, a projection among them, changes no bit at strength 0', async () => {
    // A projection alone would hide a NaN, since NaN is not above 0 and counts as unchanged; after another operation it shows.
    const operations = [
      { ...target(hash), scope: allScopes[0] as Scope, kind: 'project' as const, factor: 0 },
      { ...target(hash), feature: 3, scope: allScopes[0] as Scope, kind: 'steer' as const, amount: 2.5 },
    ];
    expect(await runAll(session, interactive.feeds({ operations }, { ...facts, strength: 0 }))).toEqual(untouched);
  });

  it.each(allActions)(
    'of the kind $kind at strength 0 changes no bit, and at strength -1 is its mirror image',
    async (action) => {
      const operations = [{ ...target(hash), scope: allScopes[0] as Scope, ...action }];
      const at = (strength: number) => runAll(session, interactive.feeds({ operations }, { ...facts, strength }));
      const [none, whole, mirrored] = [await at(0), await at(1), await at(-1)];
      expect(none).toEqual(untouched);
      expect(whole).not.toEqual(untouched);
      const opposite = untouched.map((x, i) => x.map((value, j) => 2 * value - (whole[i]?.[j] ?? NaN)));
      expect(worst(mirrored, opposite)).toBeLessThan(TOLERANCE);
    },
  );

  it('changes no bit at positions where its features are silent, negative zeros included', async () => {
    const operations = [{ ...target(hash), scope: allScopes[0] as Scope, kind: 'ablate' as const }];
    const zeros = sequences.map((sequence) => ({
      ...sequence,
      x: sequence.x.map((row) => Float32Array.from(row, (value, j) => (j === 0 ? -0 : value))),
    }));
    const run = async (feeds: Record<string, Tensor>) => {
      const x = xTensor(
        zeros.map((sequence) => sequence.x),
        'right',
      );
      const ids = tokenTensor(
        zeros.map(({ tokens }) => tokens),
        'right',
      );
      return floats((await session.run({ ...feeds, input_ids: ids, x }))['y']);
    };
    const patched = await run(interactive.feeds({ operations }, facts));
    let changed = 0;
    for (const [i, sequence] of zeros.entries()) {
      const expected = referenceEdit(sequence, operations, dictionaries, BOS);
      for (const [t, row] of sequence.x.entries()) {
        const actual = patched.slice((i * WIDTH + t) * d, (i * WIDTH + t + 1) * d);
        const isSilent = (expected[t] as Float64Array).every((value, j) => value === row[j]);
        if (isSilent) expect(new Uint8Array(actual.buffer)).toEqual(new Uint8Array(Float32Array.from(row).buffer));
        else changed++;
      }
    }
    expect(changed).toBeGreaterThan(2);
    expect(changed).toBeLessThan(LENGTHS.reduce((sum, length) => sum + length, 0) - 2);
  });

  it('for each sample of a batch gives the bits that separate runs give', async () => {
    const perSample = new InteractiveEdit(places, dictionaries, { ...options, perSample: true });
    const perSampleSession = await runtime.createSession(siteGraph(perSample.patches));
    await fc.assert(
      fc.asyncProperty(fc.tuple(operationList, operationList, operationList), async (lists) => {
        const edits = lists.map((operations) => ({ operations }));
        const together = await runAll(perSampleSession, perSample.feeds(edits, facts));
        for (const [index, edit] of edits.entries()) {
          const apart = await runAll(session, interactive.feeds(edit, facts));
          expect(together[index]).toEqual(apart[index]);
        }
        expect(await runAll(perSampleSession, perSample.feeds(edits[0] ?? { operations: [] }, facts))).toEqual(
          await runAll(session, interactive.feeds(edits[0] ?? { operations: [] }, facts)),
        );
      }),
      { numRuns: 25 },
    );
  });

  it('acts at a site with heads as on the same numbers in one row', async () => {
    const operations = [{ ...target(hash), scope: allScopes[1] as Scope, ...clamp(2) }];
    const headed = await runtime.createSession(siteGraph(interactive.patches, { shape: ['batch', 'time', 2, d / 2] }));
    const x = xTensor(
      sequences.map((sequence) => sequence.x),
      'right',
    );
    const ids = tokenTensor(
      sequences.map(({ tokens }) => tokens),
      'right',
    );
    const feeds = interactive.feeds({ operations }, facts);
    const flat = await session.run({ ...feeds, input_ids: ids, x });
    const heads = await headed.run({ ...feeds, input_ids: ids, x: x.reshape([facts.batch, WIDTH, 2, d / 2]) });
    expect(floats(heads['y'])).toEqual(floats(flat['y']));
  });

  it('is refused, with the reason, where it cannot be done', () => {
    const plain = new InteractiveEdit(places.slice(0, 1), dictionaries, { bosTokenId: BOS });
    const at = (scope: Scope, dictionary = hash) => ({
      operations: [{ ...target(dictionary), scope, kind: 'ablate' as const }],
    });
    expect(() => plain.feeds(at({ positions: 'promptOnly' }), { batch: 1 })).toThrow(
      /not prepared for the scope promptOnly/,
    );
    expect(() => plain.feeds(at({ positions: 'fromFirstFiring', feature: 1 }), { batch: 1 })).toThrow(
      /fromFirstFiring/,
    );
    expect(() => plain.feeds(at({ positions: 'all' }, hashes[1]), { batch: 1 })).toThrow(/not prepared for edits at/);
    expect(() => interactive.feeds(at({ positions: 'promptOnly' }), { batch: 3 })).toThrow(/where each prompt ends/);
    expect(() => interactive.feeds(at({ positions: 'promptOnly' }), { batch: 3, promptLengths: [2, 3] })).toThrow(
      /where each prompt ends/,
    );
    expect(() => fixEdit(at({ positions: 'all' }, 'f'.repeat(64)), dictionaries, BOS)).toThrow(
      /needs the dictionary ffffffffff/,
    );
    const tooHigh = { operations: [{ ...target(hash), feature: size, scope: allScopes[0] as Scope, ...clamp(1) }] };
    expect(() => fixEdit(tooHigh, dictionaries, BOS)).toThrow(/features 0 to 11, but not 12/);
    const narrow = new GraphBuilder('narrow').input('x', 'float32', ['batch', 'time', 4]);
    expect(() => plain.patches[0]?.apply(narrow)).toThrow(/8 numbers per token does not fit/);
  });
});

function clamp(value: number): Action {
  return { kind: 'clamp', value };
}
