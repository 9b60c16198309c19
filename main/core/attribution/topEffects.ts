// The effects with the largest magnitude out of any number, in a bounded piece of memory.
import type { UnitKind } from './units.ts';

export interface Effect {
  readonly site: string;
  readonly kind: UnitKind;
  readonly unit: number;
  readonly position: number;
  readonly activation: number;
  readonly effect: number;
}

/** By magnitude; of equals the earlier site, position and unit, so that an order never depends on the order of adding. */
function compare(a: Effect, b: Effect): number {
  return (
    Math.abs(b.effect) - Math.abs(a.effect) || a.position - b.position || a.unit - b.unit || (a.site < b.site ? -1 : 1)
  );
}

export class TopEffects {
  readonly #count: number;
  #kept: Effect[] = [];
  /** What does not exceed it is not among the largest. */
  #bar = 0;

  constructor(count: number) {
    this.#count = count;
  }

  add(effect: Effect): void {
    if (Math.abs(effect.effect) < this.#bar) return;
    this.#kept.push(effect);
    if (this.#kept.length >= 4 * this.#count + 64) this.#prune();
  }

  sorted(): readonly Effect[] {
    this.#prune();
    return this.#kept;
  }

  #prune(): void {
    this.#kept = this.#kept.sort(compare).slice(0, this.#count);
    const last = this.#kept.at(-1);
    if (last && this.#kept.length === this.#count) this.#bar = Math.abs(last.effect);
  }
}
