// Ends a text before the first of some strings, while the text is being written: what might be the beginning of one is held
// back until it is clear.

export class StopText {
  readonly #stops: readonly string[];
  #held = '';
  #isStopped = false;

  constructor(stops: readonly string[]) {
    this.#stops = stops.filter((stop) => stop !== '');
  }

  get isStopped(): boolean {
    return this.#isStopped;
  }

  /** @returns what is certain to be part of the text, and whether the text ends with it. */
  add(piece: string): { readonly certain: string; readonly isStopped: boolean } {
    if (this.#isStopped) return { certain: '', isStopped: true };
    const text = this.#held + piece;
    const places = this.#stops.map((stop) => text.indexOf(stop)).filter((place) => place >= 0);
    if (places.length > 0) {
      this.#isStopped = true;
      this.#held = '';
      return { certain: text.slice(0, Math.min(...places)), isStopped: true };
    }
    const held = Math.max(0, ...this.#stops.map((stop) => overlap(text, stop)));
    this.#held = text.slice(text.length - held);
    return { certain: text.slice(0, text.length - held), isStopped: false };
  }

  /** What was held back, of a text that ended for another reason. */
  rest(): string {
    const held = this.#held;
    this.#held = '';
    return held;
  }
}

/** How many characters at the end of `text` are a beginning of `stop`. */
function overlap(text: string, stop: string): number {
  for (let length = Math.min(text.length, stop.length - 1); length > 0; length--) {
    if (text.endsWith(stop.slice(0, length))) return length;
  }
  return 0;
}
