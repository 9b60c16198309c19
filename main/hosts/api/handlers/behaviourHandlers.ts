import type { ApiHandlers } from '../../../contract/api/contract.ts';
import { AppError } from '../../../contract/base/errors.ts';
import type { Case } from '../../../core/behaviours/behaviour.ts';
import { behaviourFormatOfName, readBehaviourFile } from '../../../core/behaviours/behaviourFile.ts';
import { passRate } from '../../../core/behaviours/behaviourResult.ts';
import { behaviourProblems, tryCase } from '../../../workbench/behaviours.ts';
import { editNamed } from '../../../workbench/editParts.ts';
import { behaviourJob } from '../../../workbench/evaluationJobs.ts';
import type { HostContext } from '../hostContext.ts';

export function behaviourHandlers(host: HostContext): ApiHandlers['behaviour'] {
  const project = () => host.session().workbench.project;
  const behaviours = () => project().behaviours;
  return {
    list: () =>
      behaviours()
        .list()
        .map((stored) => {
          const { cases, description, aim, maxNewTokens } = behaviours().get(stored.id);
          const head = project().versions.working()?.head ?? null;
          return {
            ...stored,
            ...{ cases: cases.length, description, aim, maxNewTokens },
            choose: cases.filter(({ split }) => split === 'choose').length,
            report: cases.filter(({ split }) => split === 'report').length,
            heldOut: cases.filter(({ isHeldOut }) => isHeldOut).length,
            checks: countKinds(cases),
            unedited: behaviours().lastPassRate(stored.id, null),
            head: head === null ? null : behaviours().lastPassRate(stored.id, head),
          };
        }),
    show: ({ ref }) => {
      const id = behaviours().resolve(ref);
      const stored = behaviours()
        .list()
        .find((each) => each.id === id);
      return { id, behaviour: behaviours().get(id), stored: stored ?? null };
    },
    save: ({ behaviour, expectedRevision, ...why }) =>
      behaviours().save(behaviour, { ...host.author(why), expectedRevision }),
    problems: ({ behaviour }) => ({ problems: behaviourProblems(behaviour) }),
    tryCase: ({ edit, case: each, maxNewTokens, model }, { signal }) => {
      const { workbench } = host.session();
      const treatment = edit === undefined ? null : editNamed(workbench, edit);
      return tryCase(
        workbench,
        { case: each, maxNewTokens, treatment, ...(model === undefined ? {} : { model }) },
        signal,
      );
    },
    run: ({ name, version, model }) => {
      const session = host.session();
      const { name: stored } = behaviours().find(name) ?? { name: '' };
      if (stored === '') throw new AppError('not-found', `There is no behaviour ${JSON.stringify(name)}.`);
      return session.submit(behaviourJob, {
        name: stored,
        version: version === null ? null : project().versions.resolve(version),
        ...(model === undefined ? {} : { model }),
        author: host.author().author,
      });
    },
    import: async ({ location, name, maxNewTokens, ...why }) => {
      const path = host.locations.pathOf(location);
      const behaviour = await readBehaviourFile(path, behaviourFormatOfName(path), { name, maxNewTokens });
      return behaviours().save(behaviour, host.author(why));
    },
    remove: ({ name, ...why }) => {
      behaviours().remove(name, host.author(why));
      return {};
    },
    history: ({ name }) =>
      behaviours()
        .history(name)
        .map(({ id, step, after }) => ({ change: id, step, content: contentOf(after) })),
    results: ({ behaviour, version }) =>
      behaviours()
        .results({
          behaviour: behaviour === undefined ? undefined : behaviours().resolve(behaviour),
          version,
        })
        .map((result) => ({ ...result, passRate: passRate(result) })),
  };
}

function countKinds(cases: readonly Case[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const { kind } of cases.flatMap(({ checks }) => checks)) counts[kind] = (counts[kind] ?? 0) + 1;
  return counts;
}

function contentOf(state: object | null): string | null {
  return state !== null && 'content' in state && typeof state.content === 'string' ? state.content : null;
}
