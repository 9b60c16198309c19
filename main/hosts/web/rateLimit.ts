// A bucket that fills at a steady rate: whoever takes more than it holds has to wait.

export interface RateLimit {
  /** Whether one more is allowed now. */
  take(): boolean;
}

/** @param now milliseconds of a clock that never goes back. */
export function rateLimit(
  { burst, perSecond }: { readonly burst: number; readonly perSecond: number },
  now: () => number = () => performance.now(),
): RateLimit {
  let left = burst;
  let at = now();
  return {
    take: () => {
      const time = now();
      left = Math.min(burst, left + ((time - at) / 1000) * perSecond);
      at = time;
      if (left < 1) return false;
      left -= 1;
      return true;
    },
  };
}
