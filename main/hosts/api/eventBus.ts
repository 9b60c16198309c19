// Spreads what happens to every window that watches. What changed is gathered for a moment, so that a bulk change is told
// once; everything else is told at once and in order.
import type { ErrorCode } from '../../contract/base/errors.ts';
import type { HostEvent } from '../../contract/api/events.ts';
import type { Changing } from '../../contract/base/changing.ts';

type Listener = (event: HostEvent) => void;

const GATHER_MS = 30;

export class EventBus {
  readonly #listeners = new Set<Listener>();
  readonly #changed = new Set<Changing>();

  /** @returns a function that ends it. */
  subscribe(listener: Listener): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** How many windows watch. */
  get size(): number {
    return this.#listeners.size;
  }

  emit(event: HostEvent): void {
    for (const listener of [...this.#listeners]) listener(event);
  }

  changed(...what: readonly Changing[]): void {
    if (what.length === 0) return;
    if (this.#changed.size === 0) setTimeout(() => this.#tellChanges(), GATHER_MS);
    for (const each of what) this.#changed.add(each);
  }

  #tellChanges(): void {
    const gathered = [...this.#changed];
    this.#changed.clear();
    this.emit({ type: 'changed', what: gathered });
  }

  notice(
    level: 'info' | 'warning' | 'error',
    message: string,
    code: ErrorCode | null = null,
    details: string | null = null,
  ) {
    this.emit({ type: 'notice', level, code, message, details });
  }
}
