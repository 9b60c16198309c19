// What errata_edit.py computes, once more in plain double precision, one position after the other, from the exported files alone:
// the independent check of a Hugging Face folder, on machines without Python. Slow on purpose.
import { OPERATIONS } from '../../../../contract/domain/operations/index.ts';
import { kindOf } from '../../../dictionaries/kinds/index.ts';
import type { Hook, HookDictionary, HookOperation, HookRows } from './hookFile.ts';

export interface HookSequence {
  /** What flows in at the site, `[time][d]`. */
  readonly x: readonly ArrayLike<number>[];
  readonly tokens: ArrayLike<number>;
  readonly promptLength: number;
}

export interface HookResult {
  /** `[time][d]` */
  readonly x: readonly Float64Array[];
  /**
   * Positions at which something is decided by less than rounding: a feature at its threshold or gate, or two that compete for
   * the last place. From there on, fromFirstFiring may differ too.
   */
  readonly isUndecided: readonly boolean[];
}

/** How close to a threshold float32 sums may lie on either side, as a share of the size of what is summed. */
const ROUNDING = 1e-5;

/** @throws nothing: the hook has been checked when it was read. */
export function hookFormula(hook: Hook, site: string, { x, tokens, promptLength }: HookSequence): HookResult {
  const place = hook.description.places.find((one) => one.site === site);
  const fired = new Set<HookOperation>();
  const isUndecided: boolean[] = [];
  let isLost = false;
  const changed = x.map((row, position) => {
    const result = Float64Array.from(row);
    const isBos = position === 0 || tokens[position] === hook.description.bos_token_id;
    let isClose = isLost;
    for (const dictionary of place?.dictionaries ?? []) {
      const rows = hook.rows.get(dictionary.name);
      if (!rows) continue;
      const features = activations(row, dictionary, rows);
      for (const [index, operation] of dictionary.operations.entries()) {
        const { positions, first_row: first, gates } = operation;
        if (first !== null && (features.values[first] ?? 0) > 0) fired.add(operation);
        if (first !== null && features.isClose(first, 0)) isLost = true;
        const isInScope = {
          all: true,
          notBos: !isBos,
          promptOnly: position < promptLength,
          generatedOnly: position >= promptLength,
          fromFirstFiring: fired.has(operation),
        }[positions];
        const isOpen = gates.length === 0 || gates.some((gate) => (features.values[gate.row] ?? 0) > gate.threshold);
        isClose ||= isLost || gates.some((gate) => features.isClose(gate.row, gate.threshold));
        if (OPERATIONS[operation.kind].reads === 'feature') isClose ||= features.isClose(operation.row, 0);
        if (isInScope && isOpen)
          addChange(
            result,
            row,
            operation,
            features.values[operation.row] ?? 0,
            rows.decoder.subarray(index * rows.d, (index + 1) * rows.d),
          );
      }
    }
    isUndecided.push(isClose);
    return result;
  });
  return { x: changed, isUndecided };
}

interface Activations {
  readonly values: Float64Array;
  /** Whether rounding decides if the feature is above `level`; 0: whether it fires at all. */
  isClose(row: number, level: number): boolean;
}

function activations(x: ArrayLike<number>, dictionary: HookDictionary, rows: HookRows): Activations {
  const { d, encoder, encoderBias, perFeature } = rows;
  const sizes = new Float64Array(encoderBias.length);
  const pre = Float64Array.from(encoderBias, (bias, row) => {
    let sum = bias;
    let size = Math.abs(bias);
    for (let j = 0; j < d; j++) {
      const product = encoder[row * d + j]! * x[j]!;
      sum += product;
      size += Math.abs(product);
    }
    sizes[row] = size;
    return sum;
  });
  const { values, bar } = kindOf(dictionary).selectSlowly(pre, perFeature, dictionary.k ?? 0);
  return { values, isClose: closeTo(pre, values, sizes, bar) };
}

function closeTo(
  pre: Float64Array,
  values: Float64Array,
  sizes: Float64Array,
  bar: (row: number) => number,
): Activations['isClose'] {
  const within = (distance: number, row: number) => Math.abs(distance) <= ROUNDING * sizes[row]!;
  return (row, level) => within(pre[row]! - bar(row), row) || (level !== 0 && within(values[row]! - level, row));
}

/** Adds g·d. */
function addChange(
  result: Float64Array,
  x: ArrayLike<number>,
  { kind, number }: HookOperation,
  f: number,
  direction: Float32Array,
): void {
  let product = 0;
  let squares = 0;
  for (const [j, dj] of direction.entries()) {
    product += dj * x[j]!;
    squares += dj * dj;
  }
  const { reads, gain } = OPERATIONS[kind];
  const projection = squares > 0 ? product / squares : 0;
  const g = gain(reads === 'stream' ? projection : f, number ?? 0);
  for (const [j, dj] of direction.entries()) result[j] = result[j]! + g * dj;
}
