import type { ApiHandlers } from '../../../contract/api/contract.ts';
import { createProjectIn, describePlace, projectFacts, sampleProject } from '../../../workbench/projects.ts';
import type { HostContext } from '../hostContext.ts';
import type { ProjectSession } from '../projectSession.ts';

export function projectHandlers(host: HostContext): ApiHandlers['project'] {
  const { locations, settings, thread } = host;
  const factsOf = ({ workbench, isSample }: ProjectSession) => projectFacts(workbench, isSample);
  const openAt = async (folder: string, isSample = false) => factsOf(await host.open(folder, { isSample }));
  return {
    current: async () => {
      const session = host.current();
      return session && factsOf(session);
    },
    recent: () =>
      Promise.all(
        settings.recent.map(async ({ folder, opened }) => ({
          location: locations.grant(folder),
          ...(await describePlace(folder)),
          opened,
        })),
      ),
    forget: async ({ location }) => {
      await settings.forget(locations.pathOf(location));
      return {};
    },
    create: async ({ name, parent }) =>
      openAt(await createProjectIn(parent === undefined ? parent : locations.pathOf(parent), name, host)),
    open: ({ location }) => openAt(locations.pathOf(location), settings.isSample(locations.pathOf(location))),
    openSample: async () => openAt(await sampleProject({ ...host, compute: host.computing.compute }), true),
    close: async () => {
      await host.close();
      return {};
    },
    check: () => thread('check', host.session().workbench.project.folder),
    backup: () => thread('backup', host.session().workbench.project.folder),
  };
}
