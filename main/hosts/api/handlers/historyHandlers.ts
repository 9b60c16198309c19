import type { ApiHandlers } from '../../../contract/api/contract.ts';
import type { HostContext } from '../hostContext.ts';

export function historyHandlers(host: HostContext): ApiHandlers['history'] {
  const project = () => host.session().workbench.project;
  return {
    list: ({ limit, before }) => project().steps(limit, before),
    next: () => project().nextSteps(host.author().author),
    undo: () => project().undo(host.author().author),
    redo: () => project().redo(host.author().author),
  };
}
