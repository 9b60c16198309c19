// What can be asked of the behaviours of the project.
import type { behaviour as contract } from '../contract/api/behaviour.ts';
import { AppError } from '../contract/base/errors.ts';
import type { InputOf } from '../contract/rpc/procedure.ts';
import type { Case } from '../contract/domain/behaviour.ts';
import { behaviourFormatOfName, readBehaviourFile } from '../core/behaviours/behaviourFile.ts';
import { passRate } from '../core/behaviours/behaviourResult.ts';
import { parseEdit } from '../contract/domain/edit.ts';
import { caseOutcomes } from './caseOutcomes.ts';
import type { Asker, Procedures } from './call.ts';
import { editNamed } from './editParts.ts';
import { behaviourJob } from './evaluationJobs.ts';
import { behaviourProblems, tryCase } from './tryBehaviour.ts';
import type { Workbench } from './workbench.ts';

type Stored = Pick<Workbench, 'project'>;

/** Each with its cases counted, and how the model and the working edit's version did on it last. */
export function listBehaviours({ project: { behaviours, versions } }: Stored) {
  const head = versions.working()?.head ?? null;
  return behaviours.list().map((stored) => {
    const { cases, description, aim, maxNewTokens } = behaviours.get(stored.id);
    return {
      ...stored,
      ...{ cases: cases.length, description, aim, maxNewTokens },
      choose: cases.filter(({ split }) => split === 'choose').length,
      report: cases.filter(({ split }) => split === 'report').length,
      heldOut: cases.filter(({ isHeldOut }) => isHeldOut).length,
      checks: countKinds(cases),
      unedited: behaviours.lastPassRate(stored.id, null),
      head: head === null ? null : behaviours.lastPassRate(stored.id, head),
    };
  });
}

function countKinds(cases: readonly Case[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const { kind } of cases.flatMap(({ checks }) => checks)) counts[kind] = (counts[kind] ?? 0) + 1;
  return counts;
}

/** @throws AppError `not-found`. */
export function showBehaviour({ project: { behaviours } }: Stored, { ref }: { readonly ref: string }) {
  const id = behaviours.resolve(ref);
  const stored = behaviours.list().find((each) => each.id === id);
  return { id, behaviour: behaviours.get(id), stored: stored ?? null };
}

/** The request of a run that can begin. @throws AppError `not-found`. */
export function prepareBehaviourRun(
  { project: { behaviours, versions } }: Stored,
  { name, version, model }: InputOf<(typeof contract)['run']>,
  { author }: Pick<Asker, 'author'>,
) {
  const { name: stored } = behaviours.find(name) ?? { name: '' };
  if (stored === '') throw new AppError('not-found', `There is no behaviour ${JSON.stringify(name)}.`);
  return {
    name: stored,
    version: version === null ? null : versions.resolve(version),
    ...(model === undefined ? {} : { model }),
    author: author().author,
  };
}

function contentOf(state: object | null): string | null {
  return state !== null && 'content' in state && typeof state.content === 'string' ? state.content : null;
}

export const behaviour: Procedures<'behaviour'> = {
  list: listBehaviours,
  show: showBehaviour,
  save: ({ project }, { behaviour: value, expectedRevision, ...why }, { author }) =>
    project.behaviours.save(value, { ...author(why), expectedRevision }),
  problems: (_, { behaviour: value }) => ({ problems: behaviourProblems(value) }),
  outcomes: ({ project }, { ref }) => caseOutcomes(project, ref),
  tryCase: (workbench, { edit, operations, case: each, maxNewTokens, model }, { signal }) => {
    const treatment =
      operations !== undefined
        ? { edit: parseEdit({ operations }), version: null }
        : edit === undefined
          ? null
          : editNamed(workbench, edit);
    return tryCase(
      workbench,
      { case: each, maxNewTokens, treatment, ...(model === undefined ? {} : { model }) },
      signal,
    );
  },
  run: (workbench, input, call) => call.start(behaviourJob, prepareBehaviourRun(workbench, input, call)),
  import: async ({ project }, { location, name, maxNewTokens, ...why }, { author, pathOf }) => {
    const path = pathOf(location);
    const read = await readBehaviourFile(path, behaviourFormatOfName(path), { name, maxNewTokens });
    return project.behaviours.save(read, author(why));
  },
  remove: ({ project }, { name, ...why }, { author }) => {
    project.behaviours.remove(name, author(why));
    return {};
  },
  history: ({ project }, { name }) =>
    project.behaviours.history(name).map(({ id, step, after }) => ({ change: id, step, content: contentOf(after) })),
  results: ({ project: { behaviours } }, { behaviour: ref, version }) =>
    behaviours
      .results({ behaviour: ref === undefined ? undefined : behaviours.resolve(ref), version })
      .map((result) => ({ ...result, passRate: passRate(result) })),
};
