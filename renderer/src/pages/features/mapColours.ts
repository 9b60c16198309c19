// What the points of the map are coloured by. Statistics run along a ramp from their 1st to their 99th percentile, those that
// span powers of ten on a log scale; what is undefined, or lies at zero on a log scale, has a colour of its own.
import type { Statistic } from './featureQuery.ts';

/** Those that every feature has. */
export const MAP_STATISTICS = [
  'rate',
  'impact',
  'max',
  'mean',
  'lastRate',
  'entropy',
  'topEffect',
  'nearest',
] as const satisfies readonly Statistic[];

export type MapColour =
  | { readonly by: 'statistic'; readonly statistic: (typeof MAP_STATISTICS)[number] }
  | { readonly by: 'state' }
  | { readonly by: 'tag' | 'list'; readonly name: string };

/** 'rate', 'state', 'tag:safety'; the firing rate for what is not understood. */
export function parseMapColour(text: string): MapColour {
  const [by = '', ...rest] = text.split(':');
  const name = rest.join(':');
  if (by === 'state') return { by };
  if ((by === 'tag' || by === 'list') && name !== '') return { by, name };
  return { by: 'statistic', statistic: MAP_STATISTICS.find((each) => each === by) ?? 'rate' };
}

export function formatMapColour(colour: MapColour): string {
  if (colour.by === 'statistic') return colour.statistic;
  return colour.by === 'state' ? 'state' : `${colour.by}:${colour.name}`;
}

export type Colour = readonly [red: number, green: number, blue: number];

/** '#1d57a0' → [29, 87, 160] */
export function parseColour(hex: string): Colour {
  const digits = /^#([0-9a-f]{6})$/iu.exec(hex.trim())?.[1] ?? '808080';
  const byte = (at: number) => Number.parseInt(digits.slice(at, at + 2), 16);
  return [byte(0), byte(2), byte(4)];
}

export interface Ramp {
  readonly low: Colour;
  readonly middle: Colour;
  readonly high: Colour;
}

export interface Scale {
  readonly least: number;
  readonly most: number;
  readonly isLog: boolean;
  /** 0 to 1; NaN: undefined. */
  readonly at: (value: number) => number;
}

const LOG = new Set(['rate', 'mean', 'max', 'lastRate', 'impact']);

/** @param values NaN where undefined */
export function scaleOf(statistic: string, values: Float32Array): Scale {
  const isLog = LOG.has(statistic);
  const defined = values.filter((value) => Number.isFinite(value) && (!isLog || value > 0)).sort();
  if (defined.length === 0) return { least: NaN, most: NaN, isLog, at: () => NaN };
  const quantile = (share: number) => defined[Math.min(defined.length - 1, Math.floor(share * defined.length))]!;
  const [least, most] = [quantile(0.01), quantile(0.99)];
  const [from, to] = isLog ? [Math.log(least), Math.log(most)] : [least, most];
  const at = (value: number) => {
    if (!Number.isFinite(value) || (isLog && value <= 0)) return NaN;
    if (to === from) return 0.5;
    return Math.max(0, Math.min(1, ((isLog ? Math.log(value) : value) - from) / (to - from)));
  };
  return { least, most, isLog, at };
}

export function onRamp({ low, middle, high }: Ramp, at: number): Colour {
  const [from, to, share] = at < 0.5 ? [low, middle, at * 2] : [middle, high, at * 2 - 1];
  const mix = (index: 0 | 1 | 2) => Math.round(from[index] + (to[index] - from[index]) * share);
  return [mix(0), mix(1), mix(2)];
}
