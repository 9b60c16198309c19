import { describe, expect, it } from 'vitest';
import { formatMapColour, onRamp, parseColour, parseMapColour, scaleOf } from './mapColours.ts';

describe('colours of the map', () => {
  it('run from the 1st to the 99th percentile; what is undefined has none', () => {
    const values = Float32Array.from({ length: 1000 }, (_, index) => (index === 7 ? NaN : index));
    const { least, most, at, isLog } = scaleOf('nearest', values);
    expect([least, most, isLog]).toEqual([10, 990, false]);
    expect([at(500), at(-5), at(5000)]).toEqual([0.5, 0, 1]);
    expect(at(NaN)).toBeNaN();
  });

  it('of rates are on a log scale, and dead features have none', () => {
    const scale = scaleOf('rate', Float32Array.of(0, 0, 0.001, 0.01, 0.1));
    expect(scale.at(0)).toBeNaN();
    expect(scale.at(0.01)).toBeCloseTo(0.5, 5);
    expect(scaleOf('rate', new Float32Array(4)).at(0)).toBeNaN();
    expect(scaleOf('max', Float32Array.of(2, 2)).at(2)).toBe(0.5);
  });

  it('come from the tokens of the page', () => {
    expect(parseColour(' #1d57a0')).toEqual([29, 87, 160]);
    expect(parseColour('red')).toEqual([128, 128, 128]);
    const ramp = { low: [0, 0, 0], middle: [100, 0, 0], high: [200, 100, 0] } as const;
    expect([onRamp(ramp, 0), onRamp(ramp, 0.5), onRamp(ramp, 1)]).toEqual([ramp.low, ramp.middle, ramp.high]);
    expect(onRamp(ramp, 0.75)).toEqual([150, 50, 0]);
  });

  it('are chosen in the address', () => {
    for (const text of ['rate', 'nearest', 'state', 'tag:a:b', 'list:to check']) {
      expect(formatMapColour(parseMapColour(text))).toBe(text);
    }
    expect(parseMapColour('confidence')).toEqual({ by: 'statistic', statistic: 'rate' });
    expect(parseMapColour('tag:')).toEqual({ by: 'statistic', statistic: 'rate' });
  });
});
