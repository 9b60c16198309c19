// What tasks leave open for the next one, because opening it takes far longer than using it: sessions of a model, say. The few
// used last are kept for a while; what is in use is never released under a task.

interface Releasable {
  release(): Promise<void>;
}

interface Kept<T> {
  readonly opened: Promise<T>;
  users: number;
  isWanted: boolean;
}

export class SessionCache<T extends Releasable> {
  readonly #most: number;
  readonly #idleMs: number;
  /** The one used last at the end. */
  readonly #kept = new Map<string, Kept<T>>();
  #timer: NodeJS.Timeout | undefined;

  constructor({ most, idleMs }: { readonly most: number; readonly idleMs: number }) {
    this.#most = most;
    this.#idleMs = idleMs;
  }

  /** Uses what is open under `key`; else opens it. What failed to open is tried again the next time. */
  async use<R>(key: string, open: () => Promise<T>, work: (opened: T) => Promise<R>): Promise<R> {
    const kept = this.#kept.get(key) ?? { opened: this.#makeRoom().then(open), users: 0, isWanted: true };
    this.#kept.delete(key);
    this.#kept.set(key, kept);
    kept.users++;
    clearTimeout(this.#timer);
    try {
      return await work(await kept.opened);
    } catch (thrown) {
      await kept.opened.catch(() => this.#kept.delete(key));
      throw thrown;
    } finally {
      kept.users--;
      if (!kept.isWanted) await this.#release(kept);
      clearTimeout(this.#timer);
      this.#timer = setTimeout(() => void this.releaseAll(), this.#idleMs).unref();
    }
  }

  /** What is in use is released by its last user. */
  async releaseAll(): Promise<void> {
    for (const key of [...this.#kept.keys()]) await this.#drop(key);
  }

  /** Before another is opened, so that memory never holds one too many. */
  async #makeRoom(): Promise<void> {
    let tooMany = this.#kept.size + 1 - this.#most;
    for (const [oldest, { users }] of [...this.#kept]) {
      if (tooMany <= 0) return;
      if (users > 0) continue;
      tooMany--;
      await this.#drop(oldest);
    }
  }

  async #drop(key: string): Promise<void> {
    const kept = this.#kept.get(key);
    this.#kept.delete(key);
    if (!kept) return;
    kept.isWanted = false;
    await this.#release(kept);
  }

  async #release(kept: Kept<T>): Promise<void> {
    if (kept.users > 0) return;
    const opened = await kept.opened.catch(() => null); // whoever asked for it has seen the error
    await opened?.release();
  }
}
