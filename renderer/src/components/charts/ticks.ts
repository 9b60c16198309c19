// Scales and ticks of the charts' axes, from d3-scale. A log axis shows powers of ten, and between them where there are few.
import { scaleLinear, scaleLog } from 'd3-scale';
import { shortNumber } from '../../state/format.ts';

export interface Axis {
  (value: number): number;
  readonly ticks: readonly { readonly value: number; readonly at: number; readonly text: string }[];
  readonly invert: (at: number) => number;
}

/** @param range in pixels. Values that a log axis cannot show must be left out before. */
export function makeAxis(
  kind: 'log' | 'linear',
  [low, high]: readonly [number, number],
  range: readonly [number, number],
  count: number,
): Axis {
  const domain = widen(kind, low, high);
  const scale = kind === 'log' ? scaleLog().domain(domain).range(range) : scaleLinear().domain(domain).range(range);
  const values = kind === 'log' ? logTicks(domain, count) : linearTicks(domain, count);
  const axis = (value: number) => scale(value);
  return Object.assign(axis, {
    ticks: values.map((value) => ({ value, at: scale(value), text: shortNumber(value) })),
    invert: (at: number) => scale.invert(at),
  });
}

/** A domain of one value has no length to draw. */
function widen(kind: 'log' | 'linear', low: number, high: number): [number, number] {
  if (high > low) return [low, high];
  if (kind === 'log') return [low / 2, low * 2];
  return low === 0 ? [0, 1] : [Math.min(0, low), Math.max(0, low)];
}

/** Where the domain is a few floats wide, the steps of d3 round to values outside it, or to the same one twice. */
function linearTicks([low, high]: readonly [number, number], count: number): number[] {
  const ticks = scaleLinear().domain([low, high]).ticks(count);
  const inside = [...new Set(ticks)].filter((value) => value >= low && value <= high);
  return inside.length > 0 ? inside : [low, high];
}

function logTicks([low, high]: readonly [number, number], count: number): number[] {
  const first = Math.ceil(Math.log10(low) - 1e-9);
  const last = Math.floor(Math.log10(high) + 1e-9);
  const powers = Array.from({ length: Math.max(0, last - first + 1) }, (_, index) => 10 ** (first + index));
  if (powers.length > count) {
    const each = Math.ceil(powers.length / count);
    return powers.filter((_, index) => index % each === 0);
  }
  if (powers.length >= 3) return powers;
  const finer = [];
  for (let power = first - 1; power <= last + 1; power++) {
    for (const factor of powers.length > 1 ? [1, 3] : [1, 2, 5]) {
      const value = Number((factor * 10 ** power).toPrecision(3));
      if (value >= low && value <= high) finer.push(value);
    }
  }
  return finer.length >= 2 ? finer : linearTicks([low, high], count);
}
