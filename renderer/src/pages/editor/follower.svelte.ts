// An answer that follows a question which changes faster than it can be answered: one question is under way at a time, and of
// those that came meanwhile only the last is asked. So the answer is never more than two rounds behind, and nothing queues up.
import { toAppError, type AppError } from '../../../../main/contract/base/errors.ts';

export class Follower<Question, Answer> {
  readonly #ask: (question: Question, signal: AbortSignal) => Promise<Answer>;
  readonly #abort = new AbortController();
  #isBusy = false;
  #next: Question | undefined;
  #answered = $state.raw<{ readonly question: Question; readonly answer: Answer } | null>(null);
  #error = $state.raw<AppError | null>(null);

  constructor(ask: (question: Question, signal: AbortSignal) => Promise<Answer>) {
    this.#ask = ask;
  }

  /** The last answer, with the question that it answers; null where the last question failed. */
  get answered(): { readonly question: Question; readonly answer: Answer } | null {
    return this.#answered;
  }

  get error(): AppError | null {
    return this.#error;
  }

  ask(question: Question): void {
    this.#next = question;
    if (!this.#isBusy) void this.#work();
  }

  stop(): void {
    this.#next = undefined;
    this.#abort.abort();
  }

  async #work(): Promise<void> {
    this.#isBusy = true;
    while (this.#next !== undefined) {
      const question = this.#next;
      this.#next = undefined;
      try {
        const answer = await this.#ask(question, this.#abort.signal);
        this.#answered = { question, answer };
        this.#error = null;
      } catch (thrown) {
        const failed = toAppError(thrown);
        if (failed.code !== 'cancelled' && failed.code !== 'disconnected') {
          this.#answered = null;
          this.#error = failed;
        }
      }
    }
    this.#isBusy = false;
  }
}
