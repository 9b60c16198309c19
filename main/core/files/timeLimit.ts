// Work that a stranger's file steers (its regular expressions, its template) and so can make endless. It runs on this thread,
// which nothing else can use meanwhile, so it is ended from outside when its time is up.
import { createContext, Script } from 'node:vm';

export class TimeLimitError extends Error {
  constructor(milliseconds: number) {
    super(`it did not come to an end within ${milliseconds} ms`);
    this.name = 'TimeLimitError';
  }
}

/** V8 ends whatever a script calls, in this context, too. One script and context for all: making them takes a millisecond. */
const globals: { work: () => unknown } = { work: () => undefined };
const script = new Script('work()');
const context = createContext(globals);

/**
 * Costs some tens of microseconds. Work that is ended leaves behind what it has written so far.
 * @throws TimeLimitError; what `work` throws.
 */
export function withinTime<T>(milliseconds: number, work: () => T): T {
  let result: { readonly value: T } | undefined;
  globals.work = () => {
    result = { value: work() };
  };
  try {
    script.runInContext(context, { timeout: milliseconds });
  } catch (thrown) {
    throw isTimeout(thrown) ? new TimeLimitError(milliseconds) : thrown;
  }
  return result!.value; // the script has ended
}

/** Not by instanceof: the error is of the other context. */
function isTimeout(thrown: unknown): boolean {
  const code = typeof thrown === 'object' && thrown !== null && 'code' in thrown ? thrown.code : null;
  return code === 'ERR_SCRIPT_EXECUTION_TIMEOUT';
}
