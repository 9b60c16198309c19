// What can be asked of edits and their versions.
import type { edit as contract } from '../contract/api/edit.ts';
import { AppError } from '../contract/base/errors.ts';
import type { InputOf } from '../contract/rpc/procedure.ts';
import { targetKey } from '../contract/domain/edit.ts';
import type { MergeConflict, Resolution } from '../core/edits/versionMerge.ts';
import type { BisectState } from '../storage/versions/bisection.ts';
import type { Decide } from '../storage/versions/merges.ts';
import { readVersionFile } from '../storage/versions/versionFile.ts';
import { bisectJob } from './bisection.ts';
import type { Asker, Procedures } from './call.ts';
import { compareTexts } from './compareTexts.ts';
import type { Workbench } from './workbench.ts';

type Stored = Pick<Workbench, 'project'>;

/** The working edit and what in it is not committed; null before one was begun. */
export function editStatus({ project: { versions } }: Stored) {
  const working = versions.working();
  const pending = versions.pending();
  return working && pending && { working, pending };
}

/** HEAD, branches and tags by the version that they name. */
function namesByVersion({ project: { versions } }: Stored): ReadonlyMap<string, readonly string[]> {
  const names = new Map<string, readonly string[]>();
  const add = (version: string, name: string) => names.set(version, [...(names.get(version) ?? []), name]);
  const head = versions.working()?.head;
  if (head) add(head, 'HEAD');
  for (const { name, version } of versions.branches()) add(version, name);
  for (const { name, version } of versions.tags()) add(version, name);
  return names;
}

/** By model and edit: an evaluation says as much of every version with the same operations. */
function latestEvaluations({ project }: Stored) {
  const latest = new Map<string, { readonly id: string; readonly passes: boolean | null; readonly time: string }>();
  for (const { id, passes, time, model, edit: of } of project.evaluations.list()) {
    const key = `${model} ${of}`;
    if (!latest.has(key)) latest.set(key, { id, passes, time });
  }
  return latest;
}

/** Versions, the newest first, each with its names and its latest evaluation. @throws AppError `not-found`. */
export function versionLog(workbench: Stored, { from, all = false, limit = 1000 }: InputOf<(typeof contract)['log']>) {
  const names = namesByVersion(workbench);
  const evaluations = latestEvaluations(workbench);
  return workbench.project.versions
    .log(from ?? (all ? undefined : [...names.keys()]))
    .slice(0, limit)
    .map((version) => ({
      ...version,
      names: names.get(version.id) ?? [],
      evaluation: evaluations.get(`${version.model} ${version.edit}`) ?? null,
    }));
}

/** What an action would make of the working edit, and its conflicts. @throws AppError `not-found`, `mismatch`, `usage`. */
export function previewAction(
  { project: { versions } }: Stored,
  { action, ref, resolutions, mainline }: InputOf<(typeof contract)['preview']>,
) {
  const shown = versions.preview(action, ref, { ...decider(resolutions), mainline });
  return { ...shown, conflicts: shown.conflicts.map(({ base, ...rest }) => ({ ...rest, base: base ?? null })) };
}

function decider(resolutions: Readonly<Record<string, Resolution>> | undefined): Pick<Decide, 'decide'> {
  if (!resolutions) return {};
  return { decide: ({ key }: MergeConflict) => (Object.hasOwn(resolutions, key) ? resolutions[key] : undefined) };
}

/** The request of a bisection that can run. @throws AppError `usage` when none was begun, `not-found`. */
export function prepareBisection(
  { project: { behaviours, versions } }: Stored,
  { behaviour: ref, ...judged }: InputOf<(typeof contract)['runBisect']>,
  { author }: Pick<Asker, 'author'>,
) {
  if (versions.bisection() === null) throw new AppError('usage', 'Begin a bisection first.');
  const behaviour = behaviours.resolve(ref);
  const { name } = behaviours.get(behaviour);
  return { behaviour, name, ...judged, author: author().author };
}

function showBisection({ marks, next }: BisectState) {
  return { ...marks, next };
}

export const edit: Procedures<'edit'> = {
  status: editStatus,
  begin: ({ project }, { branch, model, discard, ...why }, { author }) =>
    project.versions.begin(branch, model, { ...author(why), discard }),
  setOperation: ({ project }, { operation, ...why }, { author }) =>
    project.versions.setOperation(operation, author(why)),
  removeOperation: ({ project }, { site, dictionary, feature, ...why }, { author }) =>
    project.versions.removeOperation(targetKey({ site, dictionary, feature }), author(why)),
  setOperations: ({ project }, { operations, ...why }, { author }) =>
    project.versions.setOperations(operations, author(why)),
  setBehaviours: ({ project }, { behaviours, ...why }, { author }) =>
    project.versions.setBehaviours(behaviours, author(why)),
  commit: ({ project }, { message, ...why }, { author }) => project.versions.commit(message, author(why)),
  log: versionLog,
  names: ({ project: { versions } }) => ({
    head: versions.working()?.head ?? null,
    branches: versions.branches(),
    tags: versions.tags(),
  }),
  show: ({ project }, { ref }) => project.versions.get(ref),
  diff: ({ project }, { before, after }) => project.versions.diff(before, after),
  compareTexts: (workbench, input, { signal }) => compareTexts(workbench, input, signal),
  checkout: ({ project }, { ref, discard, ...why }, { author }) =>
    project.versions.checkout(ref, { ...author(why), discard }),
  revert: ({ project }, { ref, resolutions, mainline, ...why }, { author }) =>
    project.versions.revert(ref, { ...author(why), ...decider(resolutions), mainline }),
  cherryPick: ({ project }, { ref, resolutions, mainline, ...why }, { author }) =>
    project.versions.cherryPick(ref, { ...author(why), ...decider(resolutions), mainline }),
  rollBack: ({ project }, { ref, ...why }, { author }) => project.versions.rollBack(ref, author(why)),
  preview: previewAction,
  merge: ({ project }, { ref, message, resolutions, ...why }, { author }) =>
    project.versions.merge(ref, { ...author(why), ...decider(resolutions), message }),
  createBranch: ({ project }, { name, ref, ...why }, { author }) =>
    project.versions.createBranch(name, ref, author(why)),
  deleteBranch: ({ project }, { name, ...why }, { author }) => {
    project.versions.deleteBranch(name, author(why));
    return {};
  },
  createTag: ({ project }, { name, ref, message, ...why }, { author }) =>
    project.versions.createTag(name, ref, message, author(why)),
  deleteTag: ({ project }, { name, ...why }, { author }) => {
    project.versions.deleteTag(name, author(why));
    return {};
  },
  bisection: ({ project }) => {
    const state = project.versions.bisection();
    return state && showBisection(state);
  },
  startBisect: ({ project }, { bad, good, ...why }, { author }) =>
    showBisection(project.versions.startBisect(bad, good, author(why))),
  markBisect: ({ project }, { verdict, ref, ...why }, { author }) =>
    showBisection(project.versions.markBisect(verdict, ref, author(why))),
  runBisect: (workbench, input, call) => call.start(bisectJob, prepareBisection(workbench, input, call)),
  endBisect: ({ project }, why, { author }) => {
    project.versions.endBisect(author(why));
    return {};
  },
  importFile: async ({ project }, { location, branch, ...why }, { author, pathOf }) => {
    const path = pathOf(location);
    return project.importVersionFile(await readVersionFile(path), { ...author(why), branch, subject: path });
  },
};
