import type { ApiHandlers } from '../../../contract/api/contract.ts';
import type { HostContext } from '../hostContext.ts';

export function servingHandlers(host: HostContext): ApiHandlers['serving'] {
  return {
    status: () => host.servedVersion.status(),
    start: (input) => host.servedVersion.start(host.session().workbench, input),
    stop: async () => {
      await host.servedVersion.stop();
      return {};
    },
  };
}
