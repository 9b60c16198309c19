// The operations at one slot (a dictionary at a site) as the arrays that its graph computes with; see editGraph.ts.
import { MAX_FLOAT32 } from '../../contract/base/float32.ts';
import { featuresOf } from '../../contract/domain/edit.ts';
import { lineOf, OPERATIONS, type Operation } from '../../contract/domain/operations/index.ts';
import { NO_CHANGE } from '../../contract/domain/operations/operation.ts';
import { checkFeatures, encoderArrays, pickRows, rowsRead } from '../dictionaries/encoderGraph.ts';
import type { Dictionary } from '../dictionaries/dictionary.ts';
import type { Abilities, SlotArray } from './editGraph.ts';

/**
 * Every slot has at least this many rows and operations; what is missing does nothing. An empty array is more than some
 * devices can bear, and a product with one row is summed in another order than one with more: a feature's activation
 * would have other last bits alone than among others.
 */
export const FEWEST_ROWS = 2;

/** What a graph must be able to do for these operations. */
export function abilitiesFor(operations: readonly Operation[], switches: boolean): Abilities {
  const has = (...positions: readonly string[]) => operations.some(({ scope }) => positions.includes(scope.positions));
  return {
    project: operations.some(readsStream),
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
  const { d, decoder } = dictionary;
  const count = Math.max(operations.length, FEWEST_ROWS);
  const features = [...new Set(operations.flatMap(featuresOf))].sort((a, b) => a - b);
  checkFeatures(dictionary, features);
  const padded = [...features, ...new Array<number>(FEWEST_ROWS).fill(0)].slice(
    0,
    Math.max(features.length, FEWEST_ROWS),
  );
  // Of all rows, each is under its own number.
  const rows = rowsRead(dictionary, padded);
  const rowOf = (feature: number) => rows?.indexOf(feature) ?? feature;

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
    ...encoderArrays(dictionary, rows).map(({ name, shape, data }) => floats(name, shape, data())),
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
    perOperation('low', (operation) => lineOf(operation).low, NO_CHANGE.low),
    perOperation('high', (operation) => lineOf(operation).high, NO_CHANGE.high),
    flag('onlyActive', ({ kind }) => OPERATIONS[kind].onlyActive === true),
    flag('isProjection', readsStream),
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
      gates.length > 0 ? Float32Array.from(gates, ({ threshold }) => threshold) : Float32Array.of(MAX_FLOAT32),
    ),
    floats('gatesOf', [count, Math.max(gates.length, 1)], gatesOf),
    ...(samples ? [switchArray(samples, count)] : []),
  ];
}

function readsStream({ kind }: Operation): boolean {
  return OPERATIONS[kind].reads === 'stream';
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
