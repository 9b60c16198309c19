// References to versions: branches and tags, and what a name stands for.
import { AppError } from '../../contract/base/errors.ts';
import { paragraphSchema } from '../../contract/base/fields.ts';
import { validate } from '../../contract/base/validate.ts';
import { shortId } from '../../core/edits/version.ts';
import type { Authorship } from '../authorship.ts';
import type { VersionContext } from './context.ts';
import { allBranches, allTags, newName, refuseTaken, versionNamed, type Branch, type VersionTag } from './names.ts';
import { readWorking, requireWorking } from './workingEdit.ts';

/**
 * The id that a name stands for: `HEAD`, a branch, a tag, an id or the first four or more digits of one; each followed
 * by any of `~N` (N steps along first parents) and `^N` (the Nth parent).
 * @throws AppError `not-found`, `usage` for digits that several versions begin with.
 */
export function resolveRef(context: VersionContext, ref: string): string {
  const match = /^(?<name>[^~^]{1,100})(?<steps>(?:[~^]\d{0,4}){0,20})$/u.exec(ref);
  if (match?.groups === undefined)
    throw new AppError('usage', `${JSON.stringify(ref.slice(0, 100))} does not name a version.`);
  let id = idNamed(context, match.groups['name'] ?? '');
  for (const [, kind, digits] of (match.groups['steps'] ?? '').matchAll(/([~^])(\d*)/gu)) {
    const number = digits === '' ? 1 : Number(digits);
    const hops = kind === '~' ? Array.from({ length: number }, () => 0) : number === 0 ? [] : [number - 1];
    for (const hop of hops) {
      const parent = context.records.byId(id).parents[hop];
      if (parent === undefined) throw new AppError('not-found', `${ref}: version ${shortId(id)} has no such parent.`);
      id = parent;
    }
  }
  return id;
}

function idNamed(context: VersionContext, name: string): string {
  const { database, records } = context;
  const head = name === 'HEAD' || name === '@' ? requireWorking(context).head : undefined;
  if (head === null) throw new AppError('not-found', 'The edit has no version yet.');
  const id =
    head ??
    versionNamed(database, 'branch', name) ??
    versionNamed(database, 'tag', name) ??
    (/^[0-9a-f]{4,64}$/u.test(name) ? records.idBeginning(name) : null);
  if (id !== null) return id;
  throw new AppError('not-found', `There is no version, branch or tag ${JSON.stringify(name)}.`);
}

export function refs(context: VersionContext) {
  const { database, step, now } = context;
  return {
    resolve: (ref: string): string => resolveRef(context, ref),

    branches: (): readonly Branch[] => allBranches(database),

    /** Makes a branch at `ref` without checking it out. */
    createBranch(name: string, ref: string, write: Authorship): Branch {
      const checked = newName('branch', name);
      return step(`Make the branch ${checked}`, write, (change) => {
        refuseTaken(database, 'branch', checked);
        const version = resolveRef(context, ref);
        change('branch', checked, { version });
        return { name: checked, version };
      });
    },

    /** Its versions stay. @throws AppError `not-found`, `usage` for the branch that is checked out. */
    deleteBranch(name: string, write: Authorship): void {
      step(`Delete the branch ${name.slice(0, 100)}`, write, (change) => {
        if (readWorking(database)?.branch === name) throw new AppError('usage', `The branch ${name} is checked out.`);
        if (change('branch', name, null) === null)
          throw new AppError('not-found', `There is no branch ${JSON.stringify(name.slice(0, 100))}.`);
      });
    },

    tags: (): readonly VersionTag[] => allTags(database),

    createTag(name: string, ref: string, message: string, write: Authorship): VersionTag {
      const checked = newName('tag', name);
      const text = validate(paragraphSchema(10_000), message, 'The message');
      return step(`Tag ${checked}`, write, (change, author) => {
        refuseTaken(database, 'tag', checked);
        const tag = { version: resolveRef(context, ref), message: text, author, time: now() };
        change('tag', checked, tag);
        return { name: checked, ...tag };
      });
    },

    deleteTag(name: string, write: Authorship): void {
      step(`Delete the tag ${name.slice(0, 100)}`, write, (change) => {
        if (change('tag', name, null) === null)
          throw new AppError('not-found', `There is no tag ${JSON.stringify(name.slice(0, 100))}.`);
      });
    },
  };
}
