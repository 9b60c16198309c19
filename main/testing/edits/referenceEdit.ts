// What edit.ts says an edit does, in plain double precision, one position after the other. Only tests import this file.
import type { Dictionary } from '../../core/dictionaries/dictionary.ts';
import { referenceActivations } from '../dictionaries/randomDictionary.ts';
import type { Operation } from '../../contract/domain/operations/index.ts';
import type { Dictionaries } from '../../core/edits/editPatches.ts';

export interface ReferenceSequence {
  /** `[time][d]` */
  readonly x: readonly ArrayLike<number>[];
  readonly tokens: readonly number[];
  readonly promptLength: number;
}

/** x' of one sequence at one site, `[time][d]`; the operations are all at that site. */
export function referenceEdit(
  { x, tokens, promptLength }: ReferenceSequence,
  operations: readonly Operation[],
  dictionaries: Dictionaries,
  bosTokenId: number | null,
): Float64Array[] {
  const fired = new Set<Operation>();
  return x.map((row, position) => {
    const result = Float64Array.from(row);
    for (const operation of operations) {
      const dictionary = dictionaries.get(operation.dictionary);
      if (!dictionary) throw new Error('no dictionary');
      const activations = referenceActivations(dictionary, row);
      const { scope } = operation;
      if (scope.positions === 'fromFirstFiring' && (activations[scope.feature] ?? 0) > 0) fired.add(operation);
      const isBos = position === 0 || tokens[position] === bosTokenId;
      const isInScope = {
        all: true,
        notBos: !isBos,
        promptOnly: position < promptLength,
        generatedOnly: position >= promptLength,
        fromFirstFiring: fired.has(operation),
      }[scope.positions];
      const isOpen =
        operation.gates.length === 0 ||
        operation.gates.some(({ feature, threshold }) => (activations[feature] ?? 0) > threshold);
      if (!isInScope || !isOpen) continue;
      addChange(result, row, operation, activations[operation.feature] ?? 0, dictionary);
    }
    return result;
  });
}

/** Adds (f' − f)·d, or what steer and project add instead. */
function addChange(
  result: Float64Array,
  x: ArrayLike<number>,
  operation: Operation,
  f: number,
  { d, decoder }: Dictionary,
): void {
  const direction = Float64Array.from(decoder.subarray(operation.feature * d, (operation.feature + 1) * d));
  const squareNorm = direction.reduce((sum, value) => sum + value * value, 0);
  const product = direction.reduce((sum, value, j) => sum + value * (x[j] ?? 0), 0);
  const gain = (): number => {
    switch (operation.kind) {
      case 'ablate':
        return 0 - f;
      case 'scale':
        return operation.factor * f - f;
      case 'clamp':
        return operation.value - f;
      case 'clampActive':
        return (f > 0 ? operation.value : 0) - f;
      case 'floor':
        return Math.max(f, operation.value) - f;
      case 'cap':
        return Math.min(f, operation.value) - f;
      case 'steer':
        return operation.amount;
      case 'project':
        return ((operation.factor - 1) * product) / squareNorm;
    }
  };
  const g = gain();
  for (let j = 0; j < d; j++) result[j] = (result[j] ?? 0) + g * (direction[j] ?? 0);
}
