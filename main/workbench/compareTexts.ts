// Two versions by what the model says: the same cases of a behaviour on the model as it is, with one version and with another.
import type { edit as contract } from '../contract/api/edit.ts';
import { AppError } from '../contract/base/errors.ts';
import type { InputOf } from '../contract/rpc/procedure.ts';
import { editNamed, partsOf, WORKING } from './editParts.ts';
import { findModelByHash, modelInput } from './models.ts';
import type { Workbench } from './workbench.ts';

/**
 * @throws AppError `not-found`, `usage` for a case that the behaviour does not have, `mismatch` for versions of different
 * models, and as running a behaviour does.
 */
export async function compareTexts(
  workbench: Workbench,
  { before, after, behaviour: ref, cases }: InputOf<(typeof contract)['compareTexts']>,
  signal: AbortSignal,
) {
  const { project, compute } = workbench;
  const { behaviours, versions } = project;
  const behaviour = behaviours.get(behaviours.resolve(ref));
  const chosen = cases.map((index) => {
    const each = behaviour.cases[index];
    if (each) return { index, each };
    throw new AppError('usage', `${behaviour.name} has the cases 1 to ${behaviour.cases.length}, not ${index + 1}.`);
  });
  const edits = [...(before === null ? [] : [before]), after].map((name) => editNamed(workbench, name).edit);
  const filled = edits.filter(({ operations }) => operations.length > 0);
  const parts = await Promise.all(filled.map((each) => partsOf(workbench, each)));
  const models = new Set(parts.map(({ model }) => model.hash));
  if (models.size > 1) throw new AppError('mismatch', 'The two versions are of different models.');
  const [part] = parts;
  const unedited = after === WORKING ? versions.working() : versions.get(after);
  const model = part?.model ?? (await findModelByHash(project.folder, unedited?.model ?? ''));
  const folders = new Set(parts.flatMap(({ dictionaries }) => dictionaries.map(({ folder }) => folder)));
  const tried = await compute(
    'behaviour.tryCases',
    {
      model: await modelInput(project.folder, model),
      edits,
      dictionaries: [...folders],
      behaviour: { ...behaviour, cases: chosen.map(({ each }) => each) },
    },
    { signal },
  );
  return {
    behaviour: behaviour.name,
    aim: behaviour.aim,
    rows: chosen.map(({ index, each }, row) => {
      const { original, edited } = tried.cases[row] ?? {};
      const last = edited?.at(-1);
      if (!original || !last) throw new AppError('internal', 'A case gave no outcome.');
      const first = before === null ? null : (edited?.[0] ?? null);
      return { case: index, prompt: each.prompt, original, before: first, after: last };
    }),
  };
}
