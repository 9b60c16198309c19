// The queues of the engine: in each lane but the shared one tasks run one after another, in the order they came. One that is
// cancelled while it waits leaves the queue at once and never starts.
import type { Lane } from './task.ts';

class Queue {
  readonly #waiting: (() => Promise<void>)[] = [];
  #isBusy = false;

  run<T>(signal: AbortSignal, work: () => Promise<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      const turn = () => {
        signal.removeEventListener('abort', leave);
        return work().then(resolve, reject);
      };
      const leave = () => {
        this.#waiting.splice(this.#waiting.indexOf(turn), 1);
        reject(signal.reason);
      };
      signal.addEventListener('abort', leave, { once: true });
      this.#waiting.push(turn);
      void this.#drain();
    });
  }

  async #drain(): Promise<void> {
    if (this.#isBusy) return;
    this.#isBusy = true;
    for (let turn = this.#waiting.shift(); turn; turn = this.#waiting.shift()) await turn();
    this.#isBusy = false;
  }
}

/** Runs work in its lane. */
export type RunInLane = <T>(lane: Lane, signal: AbortSignal, work: () => Promise<T>) => Promise<T>;

export function createLanes(): RunInLane {
  const queues: Readonly<Record<Exclude<Lane, 'shared'>, Queue>> = {
    long: new Queue(),
    quick: new Queue(),
    live: new Queue(),
    network: new Queue(),
  };
  return (lane, signal, work) => (lane === 'shared' ? work() : queues[lane].run(signal, work));
}
