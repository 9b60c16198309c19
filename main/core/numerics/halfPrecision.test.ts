import { describe, expect, it } from 'vitest';
import { bfloat16ToFloat32, float16ToFloat32, float32ToBfloat16, float32ToFloat16 } from './halfPrecision.ts';

const everyBitPattern = Uint16Array.from({ length: 65_536 }, (_, i) => i);

/** The value of a binary float from its fields, in float64: IEEE 754-2019, 3.4. */
function decode(bits: number, exponentBits: number, fractionBits: number): number {
  const sign = bits >> 15 ? -1 : 1;
  const exponent = (bits >> fractionBits) & ((1 << exponentBits) - 1);
  const fraction = bits & ((1 << fractionBits) - 1);
  const bias = (1 << (exponentBits - 1)) - 1;
  if (exponent === (1 << exponentBits) - 1) return fraction === 0 ? sign * Infinity : NaN;
  if (exponent === 0) return sign * fraction * 2 ** (1 - bias - fractionBits);
  return sign * (1 + fraction / 2 ** fractionBits) * 2 ** (exponent - bias);
}

describe('16-bit floats', () => {
  it('widen exactly, all 65 536 of each kind', () => {
    const fromHalf = float16ToFloat32(new Float16Array(everyBitPattern.buffer));
    const fromBrain = bfloat16ToFloat32(everyBitPattern);
    for (const bits of everyBitPattern) {
      if (!Object.is(fromHalf[bits], decode(bits, 5, 10)))
        expect(fromHalf[bits], `f16 ${bits}`).toBe(decode(bits, 5, 10));
      if (!Object.is(fromBrain[bits], decode(bits, 8, 7)))
        expect(fromBrain[bits], `bf16 ${bits}`).toBe(decode(bits, 8, 7));
    }
  });

  it('narrow back to themselves', () => {
    const halves = new Float16Array(everyBitPattern.buffer);
    const back = new Uint16Array(float32ToFloat16(float16ToFloat32(halves)).buffer);
    const brainBack = float32ToBfloat16(bfloat16ToFloat32(everyBitPattern));
    for (const bits of everyBitPattern) {
      if (!Number.isNaN(decode(bits, 5, 10)) && back[bits] !== bits) expect(back[bits]).toBe(bits);
      if (!Number.isNaN(decode(bits, 8, 7)) && brainBack[bits] !== bits) expect(brainBack[bits]).toBe(bits);
    }
  });

  it('round to nearest, ties to even', () => {
    const ulp = 2 ** -7; // of bfloat16 at 1
    const values = [1 + ulp / 2, 1 + (3 * ulp) / 2, 1 + ulp / 2 + 2 ** -20, 3.4e38, -3.4e38, NaN, -0, 2 ** -140];
    const rounded = [1, 1 + 2 * ulp, 1 + ulp, Infinity, -Infinity, NaN, -0, 0];
    expect([...bfloat16ToFloat32(float32ToBfloat16(Float32Array.from(values)))].slice(0, 7)).toEqual(
      rounded.slice(0, 7),
    );
    const halfUlp = 2 ** -10;
    const halves = [1 + halfUlp / 2, 1 + (3 * halfUlp) / 2, 65_519, 65_520, -1e9, 2 ** -26];
    expect([...float32ToFloat16(Float32Array.from(halves))]).toEqual([
      1,
      1 + 2 * halfUlp,
      65_504,
      Infinity,
      -Infinity,
      0,
    ]);
  });
});
