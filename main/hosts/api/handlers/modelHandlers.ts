import { stat } from 'node:fs/promises';
import { basename, join } from 'node:path';
import type { ApiHandlers } from '../../../contract/api/contract.ts';
import type { model as modelContract } from '../../../contract/api/model.ts';
import { AppError } from '../../../contract/base/errors.ts';
import type { OutputOf } from '../../../contract/rpc/procedure.ts';
import {
  addModel,
  catalogueModels,
  checkNewName,
  findModel,
  listModels,
  modelInput,
  type ProjectModel,
} from '../../../workbench/models.ts';
import { nameFrom } from '../../../workbench/projectFolder.ts';
import type { HostContext } from '../hostContext.ts';

type ModelFacts = OutputOf<(typeof modelContract)['list']>[number];

export function modelHandlers(host: HostContext): ApiHandlers['model'] {
  const projectFolder = () => host.session().workbench.project.folder;
  const inputOf = async (name: string) => modelInput(projectFolder(), await findModel(projectFolder(), name));
  const { compute } = host.computing;
  return {
    list: async () => Promise.all((await listModels(projectFolder())).map(withPresence)),
    describe: async ({ model: name }) => {
      const model = await findModel(projectFolder(), name);
      const described = await compute('model.describe', modelInput(projectFolder(), model));
      return { model: await withPresence(model), ...described };
    },
    add: async ({ location, name: given }, { signal, send }) => {
      const { project } = host.session().workbench;
      const folder = host.locations.pathOf(location);
      const name = given ?? nameFrom(basename(folder));
      await checkNewName(project.folder, name); // before its weights are read
      const { sites: _, ...facts } = await compute('model.inspect', { folder }, { signal, onProgress: send });
      const model = await addModel(project.folder, { folder, name, facts });
      await catalogueModels(project);
      return withPresence(model);
    },
    generate: async ({ model, prompt, ...options }, { signal, send }) => {
      const result = await compute(
        'model.generate',
        { ...(await inputOf(model)), prompts: [prompt], ...options },
        { signal, onChunk: ({ id, text }) => send({ id, text }) },
      );
      const [generation] = result.generations;
      if (!generation) throw new AppError('internal', 'The engine generated nothing.');
      const { text, ids, promptIds, end } = generation;
      const { tokens, tokensPerSecond } = result;
      return { text, ids, promptTokens: promptIds.length, end, tokens, tokensPerSecond };
    },
    nextTokens: async ({ model, ...input }, { signal }) =>
      compute('model.nextTokens', { ...(await inputOf(model)), ...input }, { signal }),
  };
}

async function withPresence(model: ProjectModel): Promise<ModelFacts> {
  const isThere = await stat(join(model.folder, 'config.json')).then(
    () => true,
    () => false,
  );
  return { ...model, isThere };
}
