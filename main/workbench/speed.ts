// How fast the device computes: what plans of long work are estimated with.
import type { InputOf } from '../contract/rpc/procedure.ts';
import type { Tasks } from '../engine/tasks.ts';
import type { Compute } from './compute.ts';

export type StepSize = InputOf<Tasks['dictionary.stepTime']>;

export interface Speed {
  /** 10⁹ floating point operations per second; null when that cannot be measured. */
  gigaflops(): Promise<number | null>;
  /** Seconds of a training step; null when that cannot be measured. */
  stepSeconds(size: StepSize): Promise<number | null>;
}

/** Measures when it is asked, each figure once. */
export function measuredSpeed(compute: Compute): Speed {
  const known = new Map<string, Promise<number | null>>();
  const once = (key: string, measure: () => Promise<number>) => {
    const figure = known.get(key) ?? measure().catch(() => null);
    known.set(key, figure);
    return figure;
  };
  return {
    gigaflops: () => once('gigaflops', async () => (await compute('device.probe', {})).gigaflops),
    stepSeconds: (size) =>
      once(Object.values(size).join(), async () => (await compute('dictionary.stepTime', size)).seconds),
  };
}
