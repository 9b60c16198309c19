// Versions, operations and differences as commands print them.
import { numberOf, type Operation } from '../../contract/domain/operations/index.ts';
import { shortId, type Version } from '../../core/edits/version.ts';
import type { LabelledChange, VersionDifference } from '../../contract/domain/versionDifference.ts';
import type { Project } from '../../storage/project/project.ts';
import type { CommandContext } from './command.ts';
import { shortTime } from './openProject.ts';

/** As it is typed, with what else decides where it acts. */
export function describe(operation: Operation): string {
  const number = numberOf(operation);
  const amount = number === null ? '' : `:${number}`;
  const { scope, gates } = operation;
  const positions =
    scope.positions === 'all'
      ? ''
      : scope.positions === 'fromFirstFiring'
        ? ` fromFirstFiring:${scope.feature}`
        : ` ${scope.positions}`;
  const open =
    gates.length === 0 ? '' : ` where ${gates.map(({ feature, threshold }) => `${feature}>${threshold}`).join(' or ')}`;
  return `${operation.kind}:${operation.feature}${amount}${positions}${open} at ${operation.site}`;
}

function printChange({ before, after, labelBefore, labelAfter }: LabelledChange, context: CommandContext): void {
  const quoted = (label: string | null) => (label === null ? '' : `  "${label}"`);
  if (before !== null) context.print(`- ${describe(before)}${quoted(labelBefore)}`);
  if (after !== null) context.print(`+ ${describe(after)}${quoted(labelAfter)}`);
}

export function printDifference(difference: VersionDifference, context: CommandContext): void {
  for (const change of difference.operations) printChange(change, context);
  for (const id of difference.behavioursRemoved) context.print(`- must satisfy behaviour ${shortId(id)}`);
  for (const id of difference.behavioursAdded) context.print(`+ must satisfy behaviour ${shortId(id)}`);
}

export function isEmpty({ operations, behavioursAdded, behavioursRemoved }: VersionDifference): boolean {
  return operations.length + behavioursAdded.length + behavioursRemoved.length === 0;
}

export function printVersion(
  version: Version,
  names: ReadonlyMap<string, readonly string[]>,
  context: CommandContext,
  verdict?: string,
): void {
  const refs = names.get(version.id) ?? [];
  context.print(
    `${shortId(version.id)}${refs.length > 0 ? ` (${refs.join(', ')})` : ''}  ${shortTime(version.time)}  ${version.author}  ${version.message.split('\n', 1)[0] ?? ''}${verdict === undefined ? '' : `  [${verdict}]`}`,
  );
}

/** Branches, tags and HEAD by the version they name. */
export function namesByVersion(project: Project): ReadonlyMap<string, readonly string[]> {
  const names = new Map<string, string[]>();
  const add = (version: string, name: string) => names.set(version, [...(names.get(version) ?? []), name]);
  const head = project.versions.working()?.head;
  if (head) add(head, 'HEAD');
  for (const { name, version } of project.versions.branches()) add(version, name);
  for (const { name, version } of project.versions.tags()) add(version, `tag ${name}`);
  return names;
}
