import type { ApiHandlers } from '../../../contract/contract.ts';
import { targetKey } from '../../../edits/edit.ts';
import type { MergeConflict, Resolution } from '../../../edits/versionMerge.ts';
import { readVersionFile } from '../../../storage/versionFile.ts';
import type { BisectState, Decide } from '../../../storage/versionStore.ts';
import type { HostContext } from '../hostContext.ts';

export function editHandlers(host: HostContext): ApiHandlers['edit'] {
  const project = () => host.session().workbench.project;
  const versions = () => project().versions;

  function headsByName(): ReadonlyMap<string, readonly string[]> {
    const names = new Map<string, readonly string[]>();
    const add = (version: string, name: string) => names.set(version, [...(names.get(version) ?? []), name]);
    const head = versions().working()?.head;
    if (head) add(head, 'HEAD');
    for (const { name, version } of versions().branches()) add(version, name);
    for (const { name, version } of versions().tags()) add(version, name);
    return names;
  }

  return {
    status: () => {
      const working = versions().working();
      const pending = versions().pending();
      return working && pending && { working, pending };
    },
    begin: ({ branch, model, discard, ...why }) => versions().begin(branch, model, { ...host.author(why), discard }),
    setOperation: ({ operation, ...why }) => versions().setOperation(operation, host.author(why)),
    removeOperation: ({ site, dictionary, feature, ...why }) =>
      versions().removeOperation(targetKey({ site, dictionary, feature }), host.author(why)),
    setOperations: ({ operations, ...why }) => versions().setOperations(operations, host.author(why)),
    setBehaviours: ({ behaviours, ...why }) => versions().setBehaviours(behaviours, host.author(why)),
    commit: ({ message, ...why }) => versions().commit(message, host.author(why)),
    log: ({ from, limit = 1000 }) => {
      const names = headsByName();
      return versions()
        .log(from ?? [...names.keys()])
        .slice(0, limit)
        .map((version) => ({ ...version, names: names.get(version.id) ?? [] }));
    },
    names: () => ({
      head: versions().working()?.head ?? null,
      branches: versions().branches(),
      tags: versions().tags(),
    }),
    show: ({ ref }) => versions().get(ref),
    diff: ({ before, after }) => versions().diff(before, after),
    checkout: ({ ref, discard, ...why }) => versions().checkout(ref, { ...host.author(why), discard }),
    revert: ({ ref, resolutions, mainline, ...why }) =>
      versions().revert(ref, { ...host.author(why), ...decider(resolutions), mainline }),
    cherryPick: ({ ref, resolutions, mainline, ...why }) =>
      versions().cherryPick(ref, { ...host.author(why), ...decider(resolutions), mainline }),
    rollBack: ({ ref, ...why }) => versions().rollBack(ref, host.author(why)),
    conflicts: ({ ref }) =>
      versions()
        .mergeConflicts(ref)
        .map(({ base, ...conflict }) => ({ ...conflict, base: base ?? null })),
    merge: ({ ref, message, resolutions, ...why }) =>
      versions().merge(ref, { ...host.author(why), ...decider(resolutions), message }),
    createBranch: ({ name, ref, ...why }) => versions().createBranch(name, ref, host.author(why)),
    deleteBranch: ({ name, ...why }) => {
      versions().deleteBranch(name, host.author(why));
      return {};
    },
    createTag: ({ name, ref, message, ...why }) => versions().createTag(name, ref, message, host.author(why)),
    deleteTag: ({ name, ...why }) => {
      versions().deleteTag(name, host.author(why));
      return {};
    },
    bisection: () => {
      const state = versions().bisection();
      return state && showBisection(state);
    },
    startBisect: ({ bad, good, ...why }) => showBisection(versions().startBisect(bad, good, host.author(why))),
    markBisect: ({ verdict, ref, ...why }) => showBisection(versions().markBisect(verdict, ref, host.author(why))),
    endBisect: (why) => {
      versions().endBisect(host.author(why));
      return {};
    },
    importFile: async ({ location, branch, ...why }) => {
      const path = host.locations.pathOf(location);
      const file = await readVersionFile(path);
      return project().importVersionFile(file, { ...host.author(why), branch, subject: path });
    },
  };
}

function decider(resolutions: Readonly<Record<string, Resolution>> | undefined): Pick<Decide, 'decide'> {
  if (!resolutions) return {};
  return { decide: ({ key }: MergeConflict) => (Object.hasOwn(resolutions, key) ? resolutions[key] : undefined) };
}

function showBisection({ marks, next }: BisectState) {
  return { ...marks, next };
}
