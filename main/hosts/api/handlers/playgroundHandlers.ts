import type { ApiHandlers } from '../../../contract/api/contract.ts';
import { findModelByHash } from '../../../workbench/models.ts';
import { compareNextTokens, describeOperations, generateSideBySide } from '../../../workbench/playground.ts';
import type { HostContext } from '../hostContext.ts';

export function playgroundHandlers(host: HostContext): ApiHandlers['playground'] {
  const workbench = () => host.session().workbench;
  const modelOf = (hash: string) => findModelByHash(workbench().project.folder, hash);
  return {
    describe: (input) => describeOperations(workbench(), input),
    nextTokens: async ({ model, ...input }, { signal }) =>
      compareNextTokens(workbench(), { ...input, model: await modelOf(model) }, signal),
    generate: async ({ model, ...input }, { signal, send }) =>
      generateSideBySide(workbench(), { ...input, model: await modelOf(model) }, { signal, onChunk: send }),
  };
}
