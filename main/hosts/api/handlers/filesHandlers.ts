import type { ApiHandlers } from '../../../contract/api/contract.ts';
import type { HostContext } from '../hostContext.ts';

export function filesHandlers({ files, locations }: HostContext): ApiHandlers['files'] {
  return {
    pick: ({ purpose }) => files.pick(purpose),
    roots: () => files.roots(),
    browse: ({ location }) => files.browse(locations.pathOf(location)),
    locate: ({ path }) => files.locate(path),
  };
}
