import type { ApiHandlers } from '../../../contract/api/contract.ts';
import type { HostContext } from '../hostContext.ts';

export function listHandlers(host: HostContext): ApiHandlers['list'] {
  const lists = () => host.session().workbench.project.lists;
  return {
    all: () => lists().all(),
    members: ({ name }) => lists().members(name),
    containing: (key) => lists().containing(key),
    save: ({ name, description, ...why }) => ({ name: lists().save(name, description, host.author(why)) }),
    remove: ({ name, ...why }) => {
      lists().remove(name, host.author(why));
      return {};
    },
    add: ({ name, features, makes, ...why }) => {
      lists().add(name, features, host.author(why), { makes });
      return {};
    },
    take: ({ name, features, ...why }) => {
      lists().take(name, features, host.author(why));
      return {};
    },
  };
}
