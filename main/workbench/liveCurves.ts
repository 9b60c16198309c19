// Curves of runs while they train. The run's own file is written with its checkpoints only; what comes between is taken
// from the progress that the engine reports, and handed on to whoever watches.
import type { Progress } from '../contract/base/progress.ts';
import { readCurves } from '../core/dictionaries/curves.ts';

export interface CurvePoint {
  readonly step: number;
  readonly loss: number;
  readonly fvu: number;
  readonly l0: number;
  readonly dead: number;
}

/** Beyond, every other point is dropped: a curve is drawn on a few hundred pixels. */
const MOST_POINTS = 2000;

interface Run {
  points: CurvePoint[];
  readonly watchers: Set<(points: readonly CurvePoint[]) => void>;
}

export class LiveCurves {
  readonly #runs = new Map<string, Run>();

  /** A run has begun or goes on: points of an earlier life that lie behind its checkpoint are not valid any more. */
  begin(name: string): void {
    this.#run(name).points = [];
  }

  report(name: string, { figures }: Progress): void {
    const point = pointOf(figures);
    if (!point) return;
    const run = this.#run(name);
    const last = run.points.at(-1);
    if (last && last.step >= point.step) return;
    run.points.push(point);
    if (run.points.length > MOST_POINTS) run.points = run.points.filter((_, index) => index % 2 === 0);
    for (const watcher of run.watchers) watcher([point]);
  }

  /** What is recorded, and what came since, in order of steps. */
  async read(name: string, folder: string): Promise<readonly CurvePoint[]> {
    const recorded = await readCurves(folder);
    const live = this.#runs.get(name)?.points ?? [];
    const last = recorded.at(-1)?.step ?? 0;
    return [
      ...recorded.map(({ step, loss, fvu, l0, deadFraction }) => ({ step, loss, fvu, l0, dead: deadFraction })),
      ...live.filter(({ step }) => step > last),
    ];
  }

  /** @returns a function that ends it. */
  watch(name: string, watcher: (points: readonly CurvePoint[]) => void): () => void {
    const { watchers } = this.#run(name);
    watchers.add(watcher);
    return () => watchers.delete(watcher);
  }

  #run(name: string): Run {
    const known = this.#runs.get(name);
    if (known) return known;
    const run: Run = { points: [], watchers: new Set() };
    this.#runs.set(name, run);
    return run;
  }
}

function pointOf(figures: Progress['figures']): CurvePoint | null {
  const { step, loss, fvu, l0, dead } = figures ?? {};
  const isWhole = [step, loss, fvu, l0, dead].every((figure) => Number.isFinite(figure));
  if (!isWhole || step === undefined || loss === undefined || fvu === undefined) return null;
  return { step, loss, fvu, l0: l0 ?? 0, dead: dead ?? 0 };
}
