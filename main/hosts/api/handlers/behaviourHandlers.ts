import type { ApiHandlers } from '../../../contract/contract.ts';
import { behaviourFormatOfName, readBehaviourFile } from '../../../evaluation/behaviourFile.ts';
import { passRate } from '../../../evaluation/behaviourResult.ts';
import type { HostContext } from '../hostContext.ts';

export function behaviourHandlers(host: HostContext): ApiHandlers['behaviour'] {
  const behaviours = () => host.session().workbench.project.behaviours;
  return {
    list: () =>
      behaviours()
        .list()
        .map((stored) => {
          const { cases, description, aim, maxNewTokens } = behaviours().get(stored.id);
          return { ...stored, cases: cases.length, description, aim, maxNewTokens };
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

function contentOf(state: object | null): string | null {
  return state !== null && 'content' in state && typeof state.content === 'string' ? state.content : null;
}
