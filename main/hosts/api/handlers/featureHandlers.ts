import type { ApiHandlers } from '../../../contract/contract.ts';
import { topFeatures } from '../../../workbench/dictionaries.ts';
import type { HostContext } from '../hostContext.ts';

export function featureHandlers(host: HostContext): ApiHandlers['feature'] {
  return {
    onText: (input, { signal }) => topFeatures(host.session().workbench, input, signal),
  };
}
