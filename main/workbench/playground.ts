// Edits being tried on a model of the project. Nothing here is saved.
import { AppError } from '../contract/base/errors.ts';
import type { ChunkOf } from '../contract/rpc/procedure.ts';
import type { Tasks } from '../engine/tasks.ts';
import { featuresOf } from '../contract/domain/edit.ts';
import type { Operation } from '../contract/domain/operations/index.ts';
import { graphExactness } from '../core/edits/exactness.ts';
import type { Procedures } from './call.ts';
import { noDictionary, readDictionaries, type ProjectDictionary } from './dictionaries.ts';
import type { BrokenFolder } from './projectFolder.ts';
import { findModelByHash, modelInput, type ProjectModel } from './models.ts';
import type { ComputeOptions } from './compute.ts';
import type { Workbench } from './workbench.ts';

export interface TriedEdit {
  readonly model: ProjectModel;
  readonly operations: readonly Operation[];
  /** Text, or token ids as they are. */
  readonly prompt: string | number[];
  /** As it stands, also where the model has a chat template. */
  readonly raw: boolean;
}

export interface NextTokensRequest extends TriedEdit {
  readonly continuation: readonly number[];
  readonly position?: number;
  readonly count: number;
}

export interface SideBySideRequest extends TriedEdit {
  readonly instruction?: string;
  readonly maxNewTokens: number;
  readonly temperature?: number;
  readonly topK?: number;
  readonly topP?: number;
  readonly seed?: number;
  readonly ignoreStops?: boolean;
}

/** @throws AppError `not-found` for a dictionary the project lacks, `mismatch` for one of another model, `diverged`. */
export async function compareNextTokens(workbench: Workbench, request: NextTokensRequest, signal: AbortSignal) {
  const { model, operations, continuation, ...rest } = request;
  const input = { ...(await triedInput(workbench, model, operations)), continuation: [...continuation], ...rest };
  return workbench.compute('playground.nextTokens', input, { signal });
}

/** @throws AppError as above, and `cancelled`. */
export async function generateSideBySide(
  workbench: Workbench,
  { model, operations, ...rest }: SideBySideRequest,
  options: ComputeOptions<ChunkOf<Tasks['playground.generate']>>,
) {
  const input = { ...(await triedInput(workbench, model, operations)), ...rest };
  return workbench.compute('playground.generate', input, options);
}

/** A model and operations as tasks take them. @throws AppError as above. */
export async function triedInput(workbench: Workbench, model: ProjectModel, operations: readonly Operation[]) {
  const { found: known, broken } = await readDictionaries(workbench.project.folder);
  const hashes = [...new Set(operations.map(({ dictionary }) => dictionary))];
  return {
    model: await modelInput(workbench.project.folder, model),
    edit: { operations },
    dictionaries: hashes.map((hash) => {
      const found = known.find((each) => each.hash === hash);
      const problem = problemOf(hash, found, broken, model);
      if (found && problem === null) return found.folder;
      throw new AppError(found ? 'mismatch' : 'not-found', problem ?? 'There is no such dictionary.', {
        details: { dictionary: hash },
      });
    }),
  };
}

/** Why a dictionary cannot be edited with in this model; null: it can. */
function problemOf(
  hash: string,
  dictionary: ProjectDictionary | undefined,
  broken: readonly BrokenFolder[],
  model: Pick<ProjectModel, 'hash' | 'name'>,
): string | null {
  if (!dictionary) return noDictionary(hash, broken);
  if (dictionary.model.hash === model.hash) return null;
  return `The dictionary ${dictionary.name} is of the model ${dictionary.model.name}, not of ${model.name}: its features mean nothing there.`;
}

/** What stands beside operations where they are shown: exactness, problems, and facts of the features that they name. */
export async function describeOperations(
  workbench: Pick<Workbench, 'project'>,
  { model: hash, operations }: { readonly model: string; readonly operations: readonly Operation[] },
) {
  const { project } = workbench;
  const model = await findModelByHash(project.folder, hash);
  const { found: known, broken } = await readDictionaries(project.folder);
  const dictionaryOf = (of: string) => known.find(({ hash }) => hash === of);
  const features = new Map<string, { readonly dictionary: string; readonly feature: number }>();
  for (const operation of operations) {
    const { dictionary } = operation;
    for (const feature of featuresOf(operation)) features.set(`${dictionary} ${feature}`, { dictionary, feature });
  }
  return {
    operations: operations.map((operation) => {
      const dictionary = dictionaryOf(operation.dictionary);
      const problem =
        problemOf(operation.dictionary, dictionary, broken, model) ??
        (dictionary && featuresOf(operation).some((feature) => feature >= dictionary.size)
          ? `The dictionary ${dictionary.name} has the features 0 to ${dictionary.size - 1}.`
          : null);
      const exactness = dictionary && graphExactness(operation, dictionary);
      return { badge: exactness?.badge ?? null, reason: exactness?.reason ?? '', problem };
    }),
    features: [...features.values()].map((key) => {
      const { dictionary, feature } = key;
      const row = project.features.set(dictionary)
        ? project.features.list({ dictionary, features: [feature] }, { limit: 1 }).rows[0]
        : undefined;
      return {
        ...key,
        name: dictionaryOf(dictionary)?.name ?? null,
        label: project.labels.get(key)?.text ?? '',
        max: row?.max ?? null,
        mean: row?.mean ?? null,
        rate: row?.rate ?? null,
      };
    }),
  };
}

export const playground: Procedures<'playground'> = {
  describe: describeOperations,
  nextTokens: async (workbench, { model, ...input }, { signal }) =>
    compareNextTokens(workbench, { ...input, model: await findModelByHash(workbench.project.folder, model) }, signal),
  generate: async (workbench, { model, ...input }, { signal, send }) =>
    generateSideBySide(
      workbench,
      { ...input, model: await findModelByHash(workbench.project.folder, model) },
      { signal, onChunk: send },
    ),
};
