// The edit under way as the editor shows it: what is saved, with values over it that are not saved yet (a slider on its way),
// and which operations are switched off for a comparison. Only `save` and `remove` change the project, each as one step that
// can be taken back.
import { SvelteMap, SvelteSet } from 'svelte/reactivity';
import { targetKey } from '../../../../main/contract/domain/edit.ts';
import { numberOf } from '../../../../main/contract/domain/operations/index.ts';
import { attempt } from '../../state/attempt.ts';
import { api } from '../../api/session.svelte.ts';
import type { EditStatus, Operation } from '../../api/types.ts';

interface Draft {
  readonly operation: Operation;
  /** The state of the edit when it was saved; null while it is not. What comes after that state holds it. */
  readonly savedOver: EditStatus | undefined;
}

/** What operations do, in one spelling: equal ones have equal signatures, whoever wrote them and in whatever order. */
export function signatureOf(operations: readonly Operation[]): string {
  return JSON.stringify(
    operations
      .map((operation) => {
        const { kind, scope, gates } = operation;
        const positions = scope.positions === 'fromFirstFiring' ? [scope.positions, scope.feature] : scope.positions;
        const thresholds = gates.map(({ feature, threshold }) => [feature, threshold] as const);
        return [
          targetKey(operation),
          kind,
          numberOf(operation),
          positions,
          thresholds.sort(([a], [b]) => a - b),
        ] as const;
      })
      .sort(([a], [b]) => (a < b ? -1 : 1)),
  );
}

export class WorkingEdit {
  readonly #status: () => EditStatus | undefined;
  readonly #drafts = new SvelteMap<string, Draft>();
  readonly #off = new SvelteSet<string>();

  constructor(status: () => EditStatus | undefined) {
    this.#status = status;
  }

  readonly status = $derived.by((): EditStatus | undefined => this.#status());

  /** As on the screen, in the order of the edit. */
  readonly operations = $derived.by((): readonly Operation[] =>
    (this.status?.working.operations ?? []).map((saved) => {
      const draft = this.#drafts.get(targetKey(saved));
      return draft && this.#isCurrent(draft) ? draft.operation : saved;
    }),
  );

  /** Those that are switched on: what is computed. */
  readonly active = $derived.by((): readonly Operation[] => this.operations.filter((one) => this.isOn(one)));

  /** Those that are switched off. */
  readonly muted = $derived.by((): readonly Operation[] => this.operations.filter((one) => !this.isOn(one)));

  readonly hasDrafts = $derived.by((): boolean => [...this.#drafts.values()].some((draft) => this.#isCurrent(draft)));

  isOn(operation: Operation): boolean {
    return !this.#off.has(targetKey(operation));
  }

  switch(operation: Operation, isOn: boolean): void {
    if (isOn) this.#off.delete(targetKey(operation));
    else this.#off.add(targetKey(operation));
  }

  /** Shows and computes a value without saving it. */
  preview(operation: Operation): void {
    this.#drafts.set(targetKey(operation), { operation, savedOver: undefined });
  }

  async save(operation: Operation): Promise<boolean> {
    const key = targetKey(operation);
    const savedOver = this.#status();
    this.#drafts.set(key, { operation, savedOver });
    const working = await attempt(() => api.edit.setOperation({ operation }));
    // What could not be saved is not shown as if it were.
    if (!working && this.#drafts.get(key)?.operation === operation) this.#drafts.delete(key);
    return working !== undefined;
  }

  async remove(operation: Operation): Promise<void> {
    const { site, dictionary, feature } = operation;
    this.#drafts.delete(targetKey(operation));
    await attempt(() => api.edit.removeOperation({ site, dictionary, feature }));
  }

  #isCurrent({ savedOver }: Draft): boolean {
    return savedOver === undefined || savedOver === this.status;
  }
}
