import { describe, expect, it } from 'vitest';
import { percent } from './figures.ts';

describe('a share', () => {
  it('has one decimal, and two significant digits where it is tiny', () => {
    expect([0.1234, 1, 0.00042, 0, 4.2e-10].map(percent)).toEqual(['12.3%', '100.0%', '0.042%', '0.0%', '4.2e−8%']);
  });

  it('that is not quite all does not read as all of it', () => {
    expect([0.9996, 0.9994, 1.0004].map(percent)).toEqual(['≈100%', '99.9%', '100.0%']);
  });

  it('below zero has the minus sign, which a line through it does not hide', () => {
    expect([-0.25, -0.0004].map(percent)).toEqual(['−25.0%', '−0.04%']);
  });
});
