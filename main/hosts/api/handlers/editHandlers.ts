import type { ApiHandlers } from '../../../contract/api/contract.ts';
import { AppError } from '../../../contract/base/errors.ts';
import { targetKey } from '../../../core/edits/edit.ts';
import type { MergeConflict, Resolution } from '../../../core/edits/versionMerge.ts';
import { readVersionFile } from '../../../storage/versions/versionFile.ts';
import type { BisectState } from '../../../storage/versions/bisection.ts';
import type { Decide } from '../../../storage/versions/merges.ts';
import { bisectJob } from '../../../workbench/bisection.ts';
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

  /** By model and edit: an evaluation says as much of every version with the same operations. */
  function latestEvaluations() {
    const latest = new Map<string, { readonly id: string; readonly passes: boolean | null; readonly time: string }>();
    for (const { id, passes, time, model, edit } of project().evaluations.list()) {
      const key = `${model} ${edit}`;
      if (!latest.has(key)) latest.set(key, { id, passes, time });
    }
    return latest;
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
    log: ({ from, all = false, limit = 1000 }) => {
      const names = headsByName();
      const evaluations = latestEvaluations();
      return versions()
        .log(from ?? (all ? undefined : [...names.keys()]))
        .slice(0, limit)
        .map((version) => ({
          ...version,
          names: names.get(version.id) ?? [],
          evaluation: evaluations.get(`${version.model} ${version.edit}`) ?? null,
        }));
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
    preview: ({ action, ref, resolutions, mainline }) => {
      const shown = versions().preview(action, ref, { ...decider(resolutions), mainline });
      return { ...shown, conflicts: shown.conflicts.map(({ base, ...rest }) => ({ ...rest, base: base ?? null })) };
    },
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
    runBisect: ({ behaviour: ref, bound, passRate }) => {
      if (versions().bisection() === null) throw new AppError('usage', 'Begin a bisection first.');
      const { behaviours } = project();
      const behaviour = behaviours.resolve(ref);
      const { name } = behaviours.get(behaviour);
      const { author } = host.author();
      return host.session().submit(bisectJob, { behaviour, name, bound, passRate, author });
    },
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
