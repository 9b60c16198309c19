// What made a model say a token: the features of the project's dictionaries that raised and lowered its logit.
import type { model as contract } from '../contract/api/model.ts';
import { AppError } from '../contract/base/errors.ts';
import type { InputOf } from '../contract/rpc/procedure.ts';
import { findFinishedDictionary, listDictionaries, type ProjectDictionary } from './dictionaries.ts';
import { findModel, type ProjectModel } from './models.ts';
import { triedInput } from './playground.ts';
import type { Workbench } from './workbench.ts';

const COUNT = 20;
const MEASURED = 5;

/** @throws AppError `usage` for a token that is not there or a text that is too long, `not-found`, `mismatch`, `diverged`. */
export async function explainToken(
  workbench: Workbench,
  input: InputOf<(typeof contract)['why']>,
  signal: AbortSignal,
) {
  const { project, compute } = workbench;
  const { text, token, target, against, operations = [], ablate = [], count = COUNT, estimator = 'exact' } = input;
  const model = await findModel(project.folder, input.model);
  const chosen = await dictionariesOf(workbench, model, input.dictionaries);
  const tried = await triedInput(workbench, model, operations);
  const found = await compute(
    'model.why',
    {
      ...tried.model,
      edit: tried.edit,
      editDictionaries: tried.dictionaries,
      text: typeof text === 'string' ? text : [...text],
      ...(token === undefined ? {} : { token }),
      ...(target === undefined ? {} : { target }),
      ...(against === undefined ? {} : { against }),
      dictionaries: chosen.map(({ folder }) => folder),
      estimator,
      count,
      measured: MEASURED,
      ablated: ablate.map(({ dictionary: name, feature, position = null }) => {
        const dictionary = chosen.find((each) => each.name === name);
        if (!dictionary) {
          throw new AppError('usage', `${name} is not among the dictionaries that explain: ${listOf(chosen)}.`);
        }
        if (feature < dictionary.size) return { site: dictionary.site, feature, position };
        throw new AppError('usage', `The dictionary ${name} has the features 0 to ${dictionary.size - 1}.`);
      }),
    },
    { signal },
  );
  const dictionaryAt = (of: string) => chosen.find(({ site }) => site === of);
  const labelOf = (dictionary: string, feature: number) => project.labels.get({ dictionary, feature })?.text ?? '';
  return {
    ...found,
    estimator,
    sites: found.sites.map((site) => ({ dictionary: dictionaryAt(site.site)?.name ?? '', ...site })),
    effects: found.effects.map((effect) => {
      const of = dictionaryAt(effect.site);
      const hash = of?.hash ?? '';
      return { dictionary: of?.name ?? '', hash, ...effect, label: labelOf(hash, effect.feature) };
    }),
    ablated: ablate.map(({ dictionary, feature, position = null }, index) => {
      const of = chosen.find(({ name }) => name === dictionary);
      const measured = found.ablated[index] ?? NaN;
      return { site: of?.site ?? '', dictionary, feature, position, measured, label: labelOf(of?.hash ?? '', feature) };
    }),
  };
}

const listOf = (dictionaries: readonly ProjectDictionary[]) => dictionaries.map(({ name }) => name).join(', ');

/** Those that are named; else the first of every site of the model. */
async function dictionariesOf(
  workbench: Workbench,
  model: ProjectModel,
  names: readonly string[] | undefined,
): Promise<readonly ProjectDictionary[]> {
  const given = names
    ? await Promise.all(names.map((name) => findFinishedDictionary(workbench, name)))
    : (await listDictionaries(workbench)).filter(
        ({ state, model: of }) => state === 'finished' && of.hash === model.hash,
      );
  const bySite = new Map<string, ProjectDictionary>();
  for (const dictionary of given) {
    const other = bySite.get(dictionary.site);
    if (other && names) {
      throw new AppError(
        'usage',
        `${other.name} and ${dictionary.name} are both of ${dictionary.site}: name one of them.`,
      );
    }
    if (!other) bySite.set(dictionary.site, dictionary);
  }
  if (bySite.size > 0) return [...bySite.values()];
  throw new AppError('not-found', `No site of ${model.name} has a dictionary yet. errata train makes one.`);
}
