// The prompt that is tried, out of the suites: which suite, which case, and whether only failing cases count. One of these
// lives as long as the panel that shows it; a prompt that a person types takes its place without a word.
import { live } from '../../api/live.svelte.ts';
import type { Case } from '../../api/types.ts';
import { bySuite, failing, firstCase, nextOf, randomOf } from './casePick.ts';

interface Options {
  /** Ids of behaviours that come first. */
  readonly preferred: () => readonly string[];
  /** Which outcomes count as failing: of the model as it is, or of the edit's version where they are known. */
  readonly of: 'unedited' | 'head';
  readonly onPick: (picked: Case) => void;
}

export class PromptChoice {
  readonly #options: Options;
  #suite = $state<string | null>(null);
  index = $state<number | null>(null);
  isFailingOnly = $state(false);

  constructor(options: Options) {
    this.#options = options;
  }

  readonly #behaviours = live((api) => api.behaviour.list());
  readonly suites = $derived.by(() => bySuite(this.#behaviours.value ?? [], this.#options.preferred()));
  readonly suite = $derived.by(() => this.suites.find(({ name }) => name === this.#suite) ?? this.suites[0] ?? null);

  readonly #shown = live(async (api) => {
    const name = this.suite?.name;
    if (name === undefined) return null;
    const [{ behaviour }, outcomes] = [
      await api.behaviour.show({ ref: name }),
      await api.behaviour.outcomes({ ref: name }),
    ];
    return { name, behaviour, outcomes };
  });
  readonly #current = $derived.by(() => (this.#shown.value?.name === this.suite?.name ? this.#shown.value : null));

  readonly cases = $derived.by((): readonly Case[] => this.#current?.behaviour.cases ?? []);
  readonly behaviour = $derived.by(() => this.#current?.behaviour ?? null);
  readonly failing = $derived.by((): readonly number[] => {
    const found = this.#current;
    if (!found) return [];
    const { unedited, head } = found.outcomes;
    const isKnown = this.#options.of === 'head' && head.some((passed) => passed !== null);
    return failing(found.behaviour.aim, isKnown ? head : unedited);
  });
  /** Of the model as it is: what a first prompt should show. */
  readonly #faults = $derived.by(() =>
    this.#current ? failing(this.#current.behaviour.aim, this.#current.outcomes.unedited) : [],
  );
  readonly allowed = $derived.by((): readonly number[] => (this.isFailingOnly ? this.failing : [...this.cases.keys()]));
  /** Null: nothing is chosen yet. */
  readonly first = $derived.by(() => firstCase(this.cases, this.#faults));
  /** The project has no behaviours, or none could be read: there is nothing to wait for. */
  readonly isEmpty = $derived.by(
    () => this.#behaviours.value?.length === 0 || this.#behaviours.error !== null || this.#shown.error !== null,
  );

  chooseSuite(name: string): void {
    this.#suite = name;
    this.index = null;
    this.isFailingOnly = false;
  }

  step(step: 1 | -1): void {
    this.pick(nextOf(this.allowed, this.index, step));
  }

  random(): void {
    this.pick(randomOf(this.allowed, this.index, Math.random()));
  }

  pick(index: number | null): void {
    const picked = index === null ? undefined : this.cases[index];
    if (index === null || !picked) return;
    this.index = index;
    this.#options.onPick(picked);
  }
}
