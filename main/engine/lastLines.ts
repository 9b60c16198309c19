// The last lines of a process's output: a native library says there why it gave up. Lines are cut and few, whatever it writes,
// but more than a stack trace has, since the reason stands before it. Empty ones do not count.
const KEPT_LINES = 40;
const MAX_LINE_LENGTH = 500;

export class LastLines {
  #lines: readonly string[] = [];
  #unfinished = '';

  add(text: string): void {
    const lines = (this.#unfinished + text).split('\n').map((line) => line.slice(0, MAX_LINE_LENGTH));
    this.#unfinished = lines.pop() ?? '';
    this.#lines = [...this.#lines, ...lines.filter((line) => line.trim() !== '')].slice(-KEPT_LINES);
  }

  get(): readonly string[] {
    return this.#unfinished.trim() === '' ? this.#lines : [...this.#lines, this.#unfinished];
  }
}
