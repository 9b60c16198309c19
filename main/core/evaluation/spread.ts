// Choosing from lists: evenly, and by an index that must be there.
import { AppError } from '../../contract/base/errors.ts';

/** So many of the values, evenly from first to last; all where there are fewer. */
export function spread<T>(values: readonly T[], count: number): T[] {
  if (values.length <= count) return [...values];
  return Array.from({ length: count }, (_, index) => at(values, Math.floor((index * values.length) / count)));
}

export function at<T>(values: readonly T[], index: number): T {
  if (index < 0 || index >= values.length) throw new AppError('internal', `There is no entry ${index}.`);
  return values[index] as T;
}
