// What can be asked of the models of the project.
import { basename } from 'node:path';
import type { model as contract } from '../contract/api/model.ts';
import { AppError } from '../contract/base/errors.ts';
import type { Origin } from '../contract/domain/hub.ts';
import type { BosRule } from '../contract/domain/bosRule.ts';
import type { InputOf, OutputOf } from '../contract/rpc/procedure.ts';
import type { Procedures } from './call.ts';
import type { ComputeOptions } from './compute.ts';
import { changedFilesOf, isModelThere } from './modelFiles.ts';
import {
  acceptTextFiles,
  addModel,
  catalogueModels,
  checkNewName,
  findModel,
  listModels,
  relocateModel,
  setBosRule,
  modelInput,
  uncheckedInput,
  type ProjectModel,
} from './models.ts';
import { nameFrom } from './projectFolder.ts';
import { explainToken } from './why.ts';
import type { Workbench } from './workbench.ts';

type Shown = OutputOf<(typeof contract)['list']>[number];

async function withPresence(model: ProjectModel): Promise<Shown> {
  const isThere = await isModelThere(model);
  return { ...model, isThere, changedFiles: isThere ? await changedFilesOf(model) : [] };
}

/** The models of a project, and whether their files are there. */
export async function shownModels(project: string): Promise<readonly Shown[]> {
  return Promise.all((await listModels(project)).map(withPresence));
}

const inputOf = async ({ project }: Workbench, name: string) =>
  await modelInput(project.folder, await findModel(project.folder, name));

/** A model, its architecture and its sites. @throws AppError `not-found`. */
export async function describeModel(workbench: Workbench, { model: name }: { readonly model: string }) {
  const { project, compute } = workbench;
  const model = await findModel(project.folder, name);
  const described = await compute('model.describe', uncheckedInput(project.folder, model));
  return { model: await withPresence(model), ...described };
}

/** Adds the model of a folder, and tells its sites. @throws AppError `exists`, `invalid-file`, `unsupported`. */
export async function addModelFrom(
  { project, compute }: Workbench,
  folder: string,
  given: string | undefined,
  options: Pick<ComputeOptions<never>, 'signal' | 'onProgress'>,
  origin?: Origin,
) {
  const name = given ?? nameFrom(basename(folder));
  await checkNewName(project.folder, name); // before its weights are read
  const { sites, ...facts } = await compute('model.inspect', { folder }, options);
  const model = await addModel(project.folder, { folder, name, facts, origin });
  await catalogueModels(project);
  return { model: await withPresence(model), sites };
}

/** Says where a model of the project lies now. @throws AppError `not-found`, `mismatch` for another model. */
export async function moveModel(
  { project, compute }: Workbench,
  name: string,
  folder: string,
  { accepts, ...options }: Pick<ComputeOptions<never>, 'signal' | 'onProgress'> & { readonly accepts: boolean },
) {
  await findModel(project.folder, name); // before weights are read
  const { sites: _, ...facts } = await compute('model.inspect', { folder }, options);
  return withPresence(await relocateModel(project.folder, { folder, name, facts, accepts }));
}

/** From now on, the text files of a model are what they are now. @throws AppError `not-found`. */
export async function acceptModel(project: string, name: string) {
  return withPresence(await acceptTextFiles(project, name));
}

/** Says whether a BOS stands before texts of a model. @throws AppError `not-found`. */
export async function setBosOf(project: string, name: string, rule: BosRule) {
  return withPresence(await setBosRule(project, name, rule));
}

/** The likeliest next tokens of a prompt. @throws AppError `not-found`. */
export async function predictNextTokens(
  workbench: Workbench,
  { model, ...input }: InputOf<(typeof contract)['nextTokens']>,
  signal: AbortSignal,
) {
  return workbench.compute('model.nextTokens', { ...(await inputOf(workbench, model)), ...input }, { signal });
}

export const model: Procedures<'model'> = {
  list: ({ project }) => shownModels(project.folder),
  describe: describeModel,
  add: async (workbench, { location, name }, { pathOf, signal, send }) =>
    (await addModelFrom(workbench, pathOf(location), name, { signal, onProgress: send })).model,
  move: async (workbench, { model: name, location, accepts = false }, { pathOf, signal, send }) =>
    moveModel(workbench, name, pathOf(location), { accepts, signal, onProgress: send }),
  accept: ({ project }, { model: name }) => acceptModel(project.folder, name),
  setBos: ({ project }, { model: name, rule }) => setBosOf(project.folder, name, rule),
  generate: async (workbench, { model: name, prompt, ...options }, { signal, send }) => {
    const result = await workbench.compute(
      'model.generate',
      { ...(await inputOf(workbench, name)), prompts: [prompt], ...options },
      { signal, onChunk: ({ id, text }) => send({ id, text }) },
    );
    const [generation] = result.generations;
    if (!generation) throw new AppError('internal', 'The engine generated nothing.');
    const { text, ids, promptIds, end } = generation;
    const { tokens, tokensPerSecond } = result;
    return { text, ids, promptTokens: promptIds.length, end, tokens, tokensPerSecond };
  },
  nextTokens: (workbench, input, { signal }) => predictNextTokens(workbench, input, signal),
  why: (workbench, input, { signal }) => explainToken(workbench, input, signal),
};
