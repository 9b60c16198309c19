import { toAppError } from '../../../main/contract/base/errors.ts';
import { notices } from './notices.svelte.ts';

/** Does something that a person asked for; what goes wrong becomes a notice. @returns undefined then. */
export async function attempt<T>(work: () => Promise<T>): Promise<T | undefined> {
  try {
    return await work();
  } catch (thrown) {
    notices.failed(toAppError(thrown));
    return undefined;
  }
}
