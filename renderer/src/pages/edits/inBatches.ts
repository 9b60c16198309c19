// A list in pieces of a given size, the last one shorter.

/** @throws RangeError for a size below 1. */
export function inBatches<T>(all: readonly T[], size: number): T[][] {
  if (size < 1) throw new RangeError(`A batch cannot have the size ${size}.`);
  return Array.from({ length: Math.ceil(all.length / size) }, (_, index) =>
    all.slice(index * size, (index + 1) * size),
  );
}
