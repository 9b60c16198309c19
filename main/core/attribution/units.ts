// What a site's activations are taken apart into: the features of a dictionary and what they leave over; without a dictionary
// the neurons of an MLP, and elsewhere the activation as one direction. Every unit that is active at a position
// contributes activation·direction to the site.
import { AppError } from '../../contract/base/errors.ts';
import type { Dictionary } from '../dictionaries/dictionary.ts';
import { FeatureEncoder, Firings } from '../features/featureEncoder.ts';
import type { Site } from '../models/sites.ts';
import type { Runtime } from '../onnx/runtime.ts';

export const UNIT_KINDS = ['feature', 'neuron', 'direction'] as const;
export type UnitKind = (typeof UNIT_KINDS)[number];

/** Active units of one site and text: entry e is units[e], active by values[e] at positions[e]. */
export interface ActiveUnits {
  readonly count: number;
  readonly units: ArrayLike<number>;
  readonly positions: ArrayLike<number>;
  readonly values: ArrayLike<number>;
}

export interface SiteUnits {
  readonly site: Site;
  readonly kind: UnitKind;
  readonly dictionary: Dictionary | null;
  /** @param x `[time, width]` */
  active(x: Float32Array): Promise<ActiveUnits>;
  /** Adds scale·direction of a unit to `to[at …]`; x is the site's activation at the same position. */
  addDirection(to: Float64Array | Float32Array, at: number, unit: number, scale: number, x: Float32Array): void;
  /** ⟨direction, gradient[at …]⟩ in double precision. */
  along(gradient: ArrayLike<number>, at: number, unit: number, x: Float32Array): number;
  release(): Promise<void>;
}

/** @throws AppError `mismatch` for a dictionary that is not as wide as the site. */
export async function openUnits(runtime: Runtime, site: Site, dictionary: Dictionary | null): Promise<SiteUnits> {
  if (dictionary) return openFeatures(runtime, site, dictionary);
  return site.name.endsWith('.mlp.hook_post') ? neurons(site) : direction(site);
}

async function openFeatures(runtime: Runtime, site: Site, dictionary: Dictionary): Promise<SiteUnits> {
  const { d, decoder } = dictionary;
  if (d !== site.width) {
    throw new AppError(
      'mismatch',
      `A dictionary for ${d} numbers per token does not fit the site ${site.name}, which has ${site.width}.`,
    );
  }
  const encoder = await FeatureEncoder.open(runtime, dictionary);
  return {
    site,
    kind: 'feature',
    dictionary,
    active: async (x) => {
      const firings = new Firings();
      const positions = x.length / d;
      const none = new Uint8Array(positions);
      for (let first = 0; first < positions; first += encoder.positionsPerRun) {
        const end = Math.min(positions, first + encoder.positionsPerRun);
        firings.add(await encoder.encode(x.slice(first * d, end * d)), end - first, first, none);
      }
      return { count: firings.count, units: firings.features, positions: firings.rows, values: firings.values };
    },
    addDirection: (to, at, unit, scale) => {
      for (let j = 0; j < d; j++) to[at + j]! += scale * decoder[unit * d + j]!;
    },
    along: (gradient, at, unit) => {
      let sum = 0;
      for (let j = 0; j < d; j++) sum += decoder[unit * d + j]! * gradient[at + j]!;
      return sum;
    },
    release: () => encoder.release(),
  };
}

function neurons(site: Site): SiteUnits {
  return {
    site,
    kind: 'neuron',
    dictionary: null,
    active: async (x) => {
      const places = [...x.keys()].filter((index) => x[index] !== 0);
      return {
        count: places.length,
        units: places.map((index) => index % site.width),
        positions: places.map((index) => Math.floor(index / site.width)),
        values: places.map((index) => x[index]!),
      };
    },
    addDirection: (to, at, unit, scale) => {
      to[at + unit]! += scale;
    },
    along: (gradient, at, unit) => gradient[at + unit]!,
    release: () => Promise.resolve(),
  };
}

/** One unit a position: the activation itself, 1 times. */
function direction(site: Site): SiteUnits {
  const { width } = site;
  return {
    site,
    kind: 'direction',
    dictionary: null,
    active: async (x) => {
      const positions = Array.from({ length: x.length / width }, (_, position) => position);
      return { count: positions.length, units: positions.map(() => 0), positions, values: positions.map(() => 1) };
    },
    addDirection: (to, at, _unit, scale, x) => {
      for (let j = 0; j < width; j++) to[at + j]! += scale * x[at + j]!;
    },
    along: (gradient, at, _unit, x) => {
      let sum = 0;
      for (let j = 0; j < width; j++) sum += x[at + j]! * gradient[at + j]!;
      return sum;
    },
    release: () => Promise.resolve(),
  };
}
