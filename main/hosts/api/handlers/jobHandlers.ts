import type { ApiHandlers } from '../../../contract/api/contract.ts';
import type { HostContext } from '../hostContext.ts';

export function jobHandlers(host: HostContext): ApiHandlers['job'] {
  return {
    list: () => host.current()?.jobs() ?? [],
    get: ({ id }) => host.session().job(id),
    output: ({ id }) => host.session().output(id),
    pause: ({ id }) => host.session().pause(id),
    resume: ({ id }) => host.session().resume(id),
    cancel: ({ id }) => host.session().cancel(id),
    log: async ({ id, after = 0 }) => ({ lines: await host.session().logOf(id, after) }),
  };
}
