// Where NaN and Infinity stood in JSON that Python wrote. They are read as numbers; where a sound number is needed instead, the
// refusal names the place in the file. The places are kept apart from the values, which stay plain JSON.

export interface JsonPlace {
  readonly line: number;
  readonly column: number;
  /** As the file has it: NaN, Infinity, -Infinity. */
  readonly word: string;
}

const places = new WeakMap<object, Map<string | number, JsonPlace>>();

export function rememberPlace(container: object, key: string | number, place: JsonPlace): void {
  const known = places.get(container) ?? new Map<string | number, JsonPlace>();
  places.set(container, known.set(key, place));
}

/** `line 4, column 12: NaN`, where the member of a value that was read from a file is such a word. */
export function nonFinitePlace(container: unknown, key: unknown): string | undefined {
  if (typeof container !== 'object' || container === null) return undefined;
  if (typeof key !== 'string' && typeof key !== 'number') return undefined;
  const place = places.get(container)?.get(key);
  return place && `line ${place.line}, column ${place.column}: ${place.word}`;
}
