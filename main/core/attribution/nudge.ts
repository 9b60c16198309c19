// A patch that adds a fed tensor to a site. By it a feature is ablated at one position, and a site is led from its value to
// another in steps. What is added broadcasts: `[1, 1, …, 1]` of zeros leaves the site as it is, bit for bit.
import { Tensor } from 'onnxruntime-common';
import type { Site } from '../models/sites.ts';
import type { Patch } from '../models/variant.ts';

function nudgeName(site: string): string {
  return `nudge.${site}`;
}

export function nudgePatch(site: string): Patch {
  return {
    site,
    apply: (x) => {
      const name = nudgeName(site);
      const nudge = x.graph.input(
        name,
        x.type,
        x.shape.map((_, axis) => `${name}.${axis}`),
      );
      const [sum] = x.graph.node('Add', [x, nudge], [{ type: x.type, shape: x.shape }]);
      return sum ?? x;
    },
  };
}

/** What is added at a site: `[batch, time, width]`. */
export interface Nudge {
  readonly values: Float32Array;
  readonly batch: number;
  readonly time: number;
}

/** Feeds for every prepared site; those without a nudge stay as they are. */
export function nudgeFeeds(sites: readonly Site[], nudges: ReadonlyMap<string, Nudge>): Record<string, Tensor> {
  return Object.fromEntries(
    sites.map(({ name, shape }) => {
      const nudge = nudges.get(name);
      const inner = shape.slice(2).map(Number);
      const tensor = nudge
        ? new Tensor('float32', nudge.values, [nudge.batch, nudge.time, ...inner])
        : new Tensor(
            'float32',
            new Float32Array(1),
            shape.map(() => 1),
          );
      return [nudgeName(name), tensor];
    }),
  );
}
