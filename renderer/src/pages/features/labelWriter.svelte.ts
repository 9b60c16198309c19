// Writes labels of one dictionary's features. Writes to one feature follow each other, so that each knows the revision that the
// last one made; writes to different features do not wait. A feature whose label is not here yet is asked for it first.
import { SvelteMap } from 'svelte/reactivity';
import { AppError, toAppError } from '../../../../main/contract/base/errors.ts';
import { api } from '../../api/session.svelte.ts';
import type { Label, LabelPatch } from '../../api/types.ts';
import { notices } from '../../state/notices.svelte.ts';

export class LabelWriter {
  /** Content hash. */
  readonly #dictionary: string;
  readonly #stored = new SvelteMap<number, Label | null>();
  // Looked up when something is saved, never shown.
  // eslint-disable-next-line svelte/prefer-svelte-reactivity
  readonly #tails = new Map<number, Promise<void>>();
  #shown: number | null = null;

  constructor(dictionary: string) {
    this.#dictionary = dictionary;
  }

  /** What is known to be stored; undefined: it has not come yet. */
  stored(feature: number): Label | null | undefined {
    return this.#stored.get(feature);
  }

  /** Only the label of the feature that is shown is kept up to date; others are asked for when they are written. */
  show(feature: number): void {
    const before = this.#shown;
    this.#shown = feature;
    if (before !== null && before !== feature && !this.#tails.has(before)) this.#stored.delete(before);
  }

  /** What the host says. While a write is on its way its own answer is newer. */
  learn(feature: number, label: Label | null): void {
    if (!this.#tails.has(feature)) this.#stored.set(feature, label);
  }

  save(feature: number, patch: LabelPatch): Promise<void> {
    const write = async () => {
      try {
        await this.#write(feature, patch);
      } catch (thrown) {
        notices.failed(withText(toAppError(thrown), feature, patch.text));
      }
    };
    const written = (this.#tails.get(feature) ?? Promise.resolve()).then(write).finally(() => {
      if (this.#tails.get(feature) !== written) return;
      this.#tails.delete(feature);
      if (feature !== this.#shown) this.#stored.delete(feature);
    });
    this.#tails.set(feature, written);
    return written;
  }

  async #write(feature: number, patch: LabelPatch): Promise<void> {
    const dictionary = this.#dictionary;
    const known = this.#stored.get(feature);
    const before = known === undefined ? (await api.label.get({ dictionary, feature })).label : known;
    const isSame = Object.keys(patch).length === 1 && patch.text === (before?.text ?? '');
    const saved = isSame
      ? before
      : await api.label.set({ dictionary, feature, patch, expectedRevision: before?.revision ?? 0 });
    this.#stored.set(feature, saved);
  }
}

/** The field is of another feature by now: a text that could not be saved must still be readable somewhere. */
function withText(error: AppError, feature: number, text: string | undefined): AppError {
  if (text === undefined || text === '' || error.code === 'cancelled') return error;
  return new AppError(error.code, `The label “${text}” of feature ${feature} was not saved. ${error.message}`);
}
