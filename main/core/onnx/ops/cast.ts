// A value under another type or name.
import { ELEMENT_TYPES, type ElementType } from '../elementType.ts';
import type { Value } from '../graph.ts';
import { emit } from './emit.ts';

/** With `name`, the result has that name; without, a value that has the type already is returned as it is. */
export function cast(x: Value, type: ElementType, name?: string): Value {
  if (x.type === type) return name === undefined ? x : identity(x, name);
  const output = { type, shape: x.shape, ...(name === undefined ? {} : { name }) };
  return emit('Cast', [x], output, { to: { int: ELEMENT_TYPES[type].code } });
}

export function identity(x: Value, name?: string): Value {
  return emit('Identity', [x], { type: x.type, shape: x.shape, ...(name === undefined ? {} : { name }) });
}
