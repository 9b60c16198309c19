// A value that follows another one as soon as the window has painted, and while that changes fast, once it rests: what is large
// and follows what is chosen must not keep the choice itself from being seen.

export interface Followed<T> {
  readonly value: T;
  /** Does not wait. */
  catchUp(): void;
}

/** Two changes within so many milliseconds are fast: a key that is held repeats about every 30. */
const FAST_MS = 150;
/** What does not change for so long rests. */
const REST_MS = 100;

/** To be called while a component is set up. */
export function followed<T>(leader: () => T): Followed<T> {
  let value = $state.raw(leader());
  let changedAt = -Infinity;

  $effect(() => {
    const next = leader();
    if (next === value) return;
    const now = performance.now();
    const isFast = now - changedAt < FAST_MS;
    changedAt = now;
    const follow = () => (value = next);
    if (isFast) {
      const timer = setTimeout(follow, REST_MS);
      return () => clearTimeout(timer);
    }
    // A task of its own behind the frame. A window that is hidden has no frames, and nobody waits for them there.
    let timer: ReturnType<typeof setTimeout> | undefined;
    const frame = requestAnimationFrame(() => (timer = setTimeout(follow)));
    return () => {
      cancelAnimationFrame(frame);
      clearTimeout(timer);
    };
  });

  return {
    get value() {
      return value;
    },
    catchUp: () => (value = leader()),
  };
}
