// The operations at one slot (a dictionary at a site) as the arrays that its graph computes with; see editGraph.ts.
import { checkFeatures, foldedBias, pickRows, thresholds as thresholdsOf } from '../dictionaries/encoderGraph.ts';
import type { Dictionary } from '../dictionaries/dictionary.ts';
import { featuresOf, type Operation } from './edit.ts';
import type { Abilities, SlotArray } from './editGraph.ts';

const LARGEST = 3.4028234663852886e38; // of float32

/**
 * Every slot has at least this many rows and operations; what is missing does nothing. An empty array is more than some
 * devices can bear, and a product with one row is summed in another order than one with more: a feature's activation
 * would have other last bits alone than among others.
 */
export const FEWEST_ROWS = 2;

/** g = slope·s + offset + min(max(s, low), high) − s. */
interface Line {
  readonly slope: number;
  readonly offset: number;
  readonly low: number;
  readonly high: number;
}

const KEEP: Line = { slope: 0, offset: 0, low: -LARGEST, high: LARGEST };

function lineOf(operation: Operation): Line {
  switch (operation.kind) {
    case 'ablate': // 0 − f
      return { ...KEEP, slope: -1 };
    case 'scale': // factor·f − f
    case 'project':
      return { ...KEEP, slope: operation.factor - 1 };
    case 'clamp': // value − f
    case 'clampActive':
      return { ...KEEP, slope: -1, offset: operation.value };
    case 'floor': // max(f, value) − f
      return { ...KEEP, low: operation.value };
    case 'cap': // min(f, value) − f
      return { ...KEEP, high: operation.value };
    case 'steer':
      return { ...KEEP, offset: operation.amount };
  }
}

/** What a graph must be able to do for these operations. */
export function abilitiesFor(operations: readonly Operation[], switches: boolean): Abilities {
  const has = (...positions: readonly string[]) => operations.some(({ scope }) => positions.includes(scope.positions));
  return {
    project: operations.some(({ kind }) => kind === 'project'),
    gates: operations.some(({ gates }) => gates.length > 0),
    notBos: has('notBos'),
    promptLength: has('promptOnly', 'generatedOnly'),
    firstFiring: has('fromFirstFiring'),
    switches,
  };
}

/**
 * All arrays of a slot.
 * @param samples per sample of the batch whether each operation is on, `[batch][operations]`; null: no switches.
 * @throws AppError `usage` for a feature that the dictionary does not have.
 */
export function operationArrays(
  dictionary: Dictionary,
  operations: readonly Operation[],
  samples: readonly (readonly boolean[])[] | null,
): SlotArray[] {
  const { d, decoder, architecture } = dictionary;
  const count = Math.max(operations.length, FEWEST_ROWS);
  const features = [...new Set(operations.flatMap(featuresOf))].sort((a, b) => a - b);
  checkFeatures(dictionary, features);
  // A topk feature competes with all the others, so all rows are there, each under its own number.
  const padded = [...features, ...new Array<number>(FEWEST_ROWS).fill(0)].slice(
    0,
    Math.max(features.length, FEWEST_ROWS),
  );
  const rows = architecture === 'topk' ? undefined : padded;
  const rowOf = (feature: number) => rows?.indexOf(feature) ?? feature;
  const rowCount = rows?.length ?? dictionary.size;

  const floats = (name: string, shape: readonly number[], data: Float32Array): SlotArray => ({
    name,
    type: 'float32',
    shape,
    data,
  });
  const indices = (name: string, values: readonly number[]): SlotArray => ({
    name,
    type: 'int32',
    shape: [values.length],
    data: Int32Array.from(values),
  });
  const perOperation = (name: string, valueOf: (operation: Operation) => number, otherwise = 0) =>
    floats(
      name,
      [count, 1, 1],
      Float32Array.from({ length: count }, (_, index) => {
        const operation = operations[index];
        return operation ? valueOf(operation) : otherwise;
      }),
    );
  const flag = (name: string, valueOf: (operation: Operation) => boolean): SlotArray => ({
    name,
    type: 'bool',
    shape: [count, 1, 1],
    data: Uint8Array.from({ length: count }, (_, index) => {
      const operation = operations[index];
      return operation && valueOf(operation) ? 1 : 0;
    }),
  });
  const rowOfEach = (name: string, featureOf: (operation: Operation) => number) =>
    indices(
      name,
      Array.from({ length: count }, (_, index) => {
        const operation = operations[index];
        return operation ? rowOf(featureOf(operation)) : 0;
      }),
    );

  const gates = operations.flatMap((operation, index) => operation.gates.map((gate) => ({ ...gate, index })));
  const gatesOf = new Float32Array(count * Math.max(gates.length, 1));
  for (const [gate, { index }] of gates.entries()) gatesOf[index * gates.length + gate] = 1;

  return [
    floats('encoder', [rowCount, d], pickRows(dictionary.encoder, d, rows)),
    floats('encoderBias', [rowCount, 1], foldedBias(dictionary, rows)),
    ...(architecture === 'topk' ? [] : [floats('threshold', [rowCount, 1], thresholdsOf(dictionary, rows))]),
    floats(
      'decoder',
      [count, d],
      pickRows(
        decoder,
        d,
        Array.from({ length: count }, (_, index) => operations[index]?.feature ?? 0),
      ),
    ),
    rowOfEach('row', ({ feature }) => feature),
    perOperation('slope', (operation) => lineOf(operation).slope),
    perOperation('offset', (operation) => lineOf(operation).offset),
    perOperation('low', (operation) => lineOf(operation).low, KEEP.low),
    perOperation('high', (operation) => lineOf(operation).high, KEEP.high),
    flag('onlyActive', ({ kind }) => kind === 'clampActive'),
    flag('isProjection', ({ kind }) => kind === 'project'),
    perOperation('inverseSquareNorm', ({ feature }) => inverseSquareNorm(decoder, d, feature)),
    flag('notBos', ({ scope }) => scope.positions === 'notBos'),
    flag('promptOnly', ({ scope }) => scope.positions === 'promptOnly'),
    flag('generatedOnly', ({ scope }) => scope.positions === 'generatedOnly'),
    flag('fromFirstFiring', ({ scope }) => scope.positions === 'fromFirstFiring'),
    rowOfEach('firstRow', ({ scope, feature }) => (scope.positions === 'fromFirstFiring' ? scope.feature : feature)),
    flag('isGated', (operation) => operation.gates.length > 0),
    indices('gateRow', gates.length > 0 ? gates.map(({ feature }) => rowOf(feature)) : [0]),
    floats(
      'gateThreshold',
      [Math.max(gates.length, 1), 1, 1],
      gates.length > 0 ? Float32Array.from(gates, ({ threshold }) => threshold) : Float32Array.of(LARGEST),
    ),
    floats('gatesOf', [count, Math.max(gates.length, 1)], gatesOf),
    ...(samples ? [switchArray(samples, count)] : []),
  ];
}

/** `[operations, batch, 1]` */
function switchArray(samples: readonly (readonly boolean[])[], count: number): SlotArray {
  const data = new Uint8Array(count * samples.length);
  for (const [sample, isOn] of samples.entries()) {
    for (const [operation, on] of isOn.entries()) data[operation * samples.length + sample] = on ? 1 : 0;
  }
  return { name: 'switches', type: 'bool', shape: [count, samples.length, 1], data };
}

/** 1/‖d‖², for (x·d̂)d̂ = (x·d)d/‖d‖²; a zero row has no direction to remove. */
function inverseSquareNorm(decoder: Float32Array, d: number, feature: number): number {
  let sum = 0;
  for (let j = 0; j < d; j++) sum += (decoder[feature * d + j] as number) ** 2;
  return sum > 0 ? 1 / sum : 0;
}
