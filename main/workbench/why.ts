// What made a model say a token: the features of the project's dictionaries that raised and lowered its logit.
import type { model as contract } from '../contract/api/model.ts';
import { AppError } from '../contract/base/errors.ts';
import type { InputOf } from '../contract/rpc/procedure.ts';
import { findFinishedDictionary, listDictionaries, type ProjectDictionary } from './dictionaries.ts';
import { findModel, modelInput, type ProjectModel } from './models.ts';
import type { Workbench } from './workbench.ts';

const COUNT = 20;
const MEASURED = 5;

/** @throws AppError `usage` for a token that is not there or a text that is too long, `not-found`, `mismatch`, `diverged`. */
export async function explainToken(
  workbench: Workbench,
  { model: name, text, token, against, dictionaries: names, count = COUNT }: InputOf<(typeof contract)['why']>,
  signal: AbortSignal,
) {
  const { project, compute } = workbench;
  const model = await findModel(project.folder, name);
  const chosen = await dictionariesOf(workbench, model, names);
  const files = modelInput(project.folder, model);
  const { promptTokens, next } = await compute('model.nextTokens', { ...files, prompt: text, count: 1 }, { signal });
  const end = token ?? promptTokens.length;
  const target = token === undefined ? next[0] : promptTokens[token];
  if (!target || end === 0) {
    throw new AppError(
      'usage',
      promptTokens.length === 1
        ? 'The text is a single token, with nothing before it that could explain it.'
        : `Token ${end} cannot be explained: choose one from 1 to ${promptTokens.length - 1}.`,
    );
  }
  const found = await compute(
    'model.why',
    {
      ...files,
      ids: promptTokens.slice(0, end).map(({ id }) => id),
      target: target.id,
      ...(against === undefined ? {} : { against }),
      dictionaries: chosen.map(({ folder }) => folder),
      count,
      measured: MEASURED,
    },
    { signal },
  );
  const dictionaryAt = (of: string) => chosen.find(({ site }) => site === of);
  const { value, sites, effects } = found;
  return {
    tokens: promptTokens.slice(0, end).map((each) => each.text),
    token: { id: target.id, text: target.text },
    against: found.against,
    value,
    sites: sites.map((site) => ({ dictionary: dictionaryAt(site.site)?.name ?? '', ...site })),
    effects: effects.map((effect) => {
      const of = dictionaryAt(effect.site);
      const key = { dictionary: of?.hash ?? '', feature: effect.feature };
      return { dictionary: of?.name ?? '', ...effect, label: project.labels.get(key)?.text ?? '' };
    }),
  };
}

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
