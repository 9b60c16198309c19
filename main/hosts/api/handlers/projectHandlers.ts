import { stat } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { AppError } from '../../../contract/base/errors.ts';
import type { ApiHandlers } from '../../../contract/api/contract.ts';
import type { project as projectContract } from '../../../contract/api/project.ts';
import type { OutputOf } from '../../../contract/rpc/procedure.ts';
import { DATABASE_FILE } from '../../../storage/project/layout.ts';
import { listStores } from '../../../workbench/activations.ts';
import { listDictionaries } from '../../../workbench/dictionaries.ts';
import { listExports } from '../../../workbench/exports.ts';
import { listModels } from '../../../workbench/models.ts';
import { makeSampleProject } from '../../../workbench/sample.ts';
import type { HostContext } from '../hostContext.ts';
import type { ProjectSession } from '../projectSession.ts';

type ProjectFacts = NonNullable<OutputOf<(typeof projectContract)['current']>>;

export function projectHandlers(host: HostContext): ApiHandlers['project'] {
  const openAt = async (folder: string, isSample = false) => factsOf(await host.open(folder, { isSample }));
  return {
    current: async () => {
      const session = host.current();
      return session && factsOf(session);
    },
    recent: () =>
      Promise.all(
        host.settings.recent.map(async ({ folder, opened }) => ({
          location: host.locations.grant(folder),
          name: basename(folder),
          folder,
          opened,
          isThere: await isProject(folder),
        })),
      ),
    forget: async ({ location }) => {
      await host.settings.forget(host.locations.pathOf(location));
      return {};
    },
    create: async ({ name, parent }) => {
      const folder = join(
        parent === undefined ? join(host.dataFolder, 'projects') : host.locations.pathOf(parent),
        name,
      );
      const found = await stat(folder).catch(() => null);
      if (found) throw new AppError('exists', `${folder}: it exists already. Choose another name.`);
      await host.thread('create', folder);
      return openAt(folder);
    },
    open: ({ location }) => {
      const folder = host.locations.pathOf(location);
      const isSample = host.settings.recent.some((recent) => recent.folder === folder && recent.isSample);
      return openAt(folder, isSample);
    },
    openSample: async () => {
      if (host.sampleFolder === null) throw new AppError('not-found', 'This build of Errata comes without the sample.');
      const folder = join(host.dataFolder, 'sample');
      if (!(await isProject(folder))) {
        await makeSampleProject(folder, {
          sample: host.sampleFolder,
          compute: host.computing.compute,
          thread: host.thread,
        });
      }
      return openAt(folder, true);
    },
    close: async () => {
      await host.close();
      return {};
    },
    check: () => host.thread('check', host.session().workbench.project.folder),
    backup: () => host.thread('backup', host.session().workbench.project.folder),
  };
}

async function isProject(folder: string): Promise<boolean> {
  return stat(join(folder, DATABASE_FILE)).then(
    (found) => found.isFile(),
    () => false,
  );
}

async function factsOf({ workbench, isSample }: ProjectSession): Promise<ProjectFacts> {
  const { project } = workbench;
  const labels = project.labels.counts();
  const others = project.otherHolders().map((holder) => `Also open in ${holder}.`);
  return {
    name: basename(project.folder),
    folder: project.folder,
    isSample,
    counts: {
      models: (await listModels(project.folder)).length,
      activations: (await listStores(workbench)).length,
      dictionaries: (await listDictionaries(workbench)).length,
      labels: labels.draft + labels.labelled + labels.uninterpretable,
      behaviours: project.behaviours.list().length,
      versions: project.versions.graph().size,
      exports: (await listExports(workbench)).length,
    },
    notices: [...project.notices, ...others],
  };
}
