import { describe, expect, it } from 'vitest';
import { exponential, percent } from './figures.ts';

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

it('a small number has the minus sign in its exponent, too', () => {
  expect([exponential(1.23e-6, 1), exponential(-4.5e-3, 2), exponential(0, 1)]).toEqual([
    '1.2e−6',
    '−4.50e−3',
    '0.0e+0',
  ]);
});
