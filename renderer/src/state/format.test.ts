import { describe, expect, it } from 'vitest';
import { byteSize, duration, figure, percent, shortNumber, wholeNumber } from './format.ts';

describe('figures as people read them', () => {
  it('keep three digits where there is little room', () => {
    expect([0, 1, 999, 999.6, 1000, 1234567, 0.5, 0.00001, -2500].map(shortNumber)).toEqual([
      '0',
      '1',
      '999',
      '1k',
      '1k',
      '1.23M',
      '0.5',
      '1e−5',
      '−2.5k',
    ]);
    expect([1e15, NaN, 1e-4, 0.0123456].map(shortNumber)).toEqual(['1e15', 'NaN', '0.0001', '0.0123']);
  });

  it('keep four where they are compared', () => {
    expect([0.022812, 1, 123456, 0.00001234, 0].map(figure)).toEqual(['0.02281', '1', '123500', '1.23e−5', '0']);
  });

  it('have their units', () => {
    expect([0.1234, 1, 0.00042, 0].map(percent)).toEqual(['12.3%', '100.0%', '0.042%', '0.0%']);
    expect([5, 65, 3725, 90061].map(duration)).toEqual(['5 s', '1 min 5 s', '1 h 2 min', '1 d 1 h']);
    expect([12, 1536, 5 * 2 ** 30].map(byteSize)).toEqual(['12 B', '1.5 KiB', '5 GiB']);
    expect(wholeNumber(1234567)).toBe('1\u202f234\u202f567');
  });
});
