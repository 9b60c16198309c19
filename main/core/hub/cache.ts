// The cache of the Hub as it is on the disk: repositories and their revisions. Nothing in it is changed, and nothing is asked
// of the Hub. A revision that cannot be read is listed with the reason, so that one broken folder hides no other.
import { lstat, readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import * as v from 'valibot';
import { AppError, toAppError } from '../../contract/base/errors.ts';
import { commitSchema, repositorySchema } from '../../contract/domain/hub.ts';
import { pathsOf, repositoryOfFolder } from './cachePaths.ts';
import { readSnapshot } from './snapshot.ts';
import { walkFiles } from './walkFiles.ts';

/** Bytes: it holds one hash. */
const LONGEST_REF = 100;

export interface CachedRevision {
  /** The hash of the commit. */
  readonly revision: string;
  /** Branches and tags that point to it. */
  readonly refs: readonly string[];
  readonly files: number;
  readonly bytes: number;
  /** As config.json says; null where this is not a model. */
  readonly modelType: string | null;
  /** Weights of the model that are not there. */
  readonly missing: readonly string[];
  /** ISO; null where it has no files. */
  readonly changed: string | null;
  /** Why it cannot be opened; null where it can. */
  readonly problem: string | null;
}

export interface CachedRepository {
  readonly repository: string;
  /** The newest first. */
  readonly revisions: readonly CachedRevision[];
}

/** The repositories of models in the cache, by name; none where there is no cache. */
export async function listCache(cache: string): Promise<readonly CachedRepository[]> {
  const names = await readdir(cache).catch(() => []);
  const found: CachedRepository[] = [];
  for (const name of names.sort()) {
    const repository = repositoryOfFolder(name);
    if (repository === null || !v.is(repositorySchema, repository)) continue;
    const revisions = await listRevisions(cache, repository);
    if (revisions.length > 0) found.push({ repository, revisions });
  }
  return found;
}

async function listRevisions(cache: string, repository: string): Promise<readonly CachedRevision[]> {
  const refs = await readRefs(cache, repository);
  const revisions: CachedRevision[] = [];
  for (const revision of await commitsOf(cache, repository)) {
    const own = [...refs].filter(([, commit]) => commit === revision).map(([name]) => name);
    const { snapshots } = pathsOf(cache, repository);
    const shown = await readSnapshot(cache, join(snapshots, revision)).then(
      ({ files, bytes, changedMs, modelType, missing }) => ({
        ...{ files: files.length, bytes, modelType, missing, problem: null },
        changed: changedMs === 0 ? null : new Date(changedMs).toISOString(),
      }),
      (thrown: unknown) => ({
        ...{ files: 0, bytes: 0, modelType: null, missing: [], changed: null },
        problem: toAppError(thrown).message,
      }),
    );
    revisions.push({ revision, refs: own, ...shown });
  }
  return revisions.sort((a, b) => (b.changed ?? '').localeCompare(a.changed ?? ''));
}

async function commitsOf(cache: string, repository: string): Promise<readonly string[]> {
  const names = await readdir(pathsOf(cache, repository).snapshots).catch(() => []);
  return names.filter((name) => v.is(commitSchema, name)).sort();
}

/** Branches and tags, by name, with their commits. */
async function readRefs(cache: string, repository: string): Promise<ReadonlyMap<string, string>> {
  const { refs } = pathsOf(cache, repository);
  const found = new Map<string, string>();
  for (const name of await walkFiles(refs).catch(() => [])) {
    const path = join(refs, name);
    const stats = await lstat(path).catch(() => null);
    if (!stats?.isFile() || stats.size > LONGEST_REF) continue; // a link could lead anywhere
    const commit = (await readFile(path, 'utf8').catch(() => '')).trim();
    if (v.is(commitSchema, commit)) found.set(name, commit);
  }
  return found;
}

/**
 * The folder of a revision, and the commit that it is.
 * @param revision a branch, a tag, or a commit or its beginning; main, or the only one there, when left out.
 * @throws AppError `not-found`; `usage` where several could be meant; as readSnapshot; `not-found` with missing weights.
 */
export async function findSnapshot(
  cache: string,
  repository: string,
  revision?: string,
): Promise<{ readonly folder: string; readonly revision: string }> {
  const commits = await commitsOf(cache, repository);
  const commit = await commitNamed(cache, repository, commits, revision);
  const folder = join(pathsOf(cache, repository).snapshots, commit);
  const { missing } = await readSnapshot(cache, folder);
  if (missing.length === 0) return { folder, revision: commit };
  const shown = missing.slice(0, 3).join(', ');
  throw new AppError(
    'not-found',
    `${repository}: ${missing.length === 1 ? 'a file of its weights is' : `${missing.length} files of its weights are`} not in the cache (${shown}${missing.length > 3 ? ' …' : ''}). errata hub get ${repository} --revision ${commit} downloads what is missing.`,
    { details: { path: folder, missing } },
  );
}

async function commitNamed(
  cache: string,
  repository: string,
  commits: readonly string[],
  revision: string | undefined,
): Promise<string> {
  const get = `errata hub get ${repository}${revision === undefined ? '' : ` --revision ${revision}`} downloads it.`;
  const [only, ...others] = commits;
  if (only === undefined) {
    throw new AppError('not-found', `The cache has no ${repository} (${cache}). ${get}`, { details: { path: cache } });
  }
  const referred = (await readRefs(cache, repository)).get(revision ?? 'main');
  if (referred !== undefined && commits.includes(referred)) return referred;
  const list = commits.map((commit) => commit.slice(0, 12)).join(', ');
  if (revision === undefined) {
    if (others.length === 0) return only;
    throw new AppError('usage', `The cache has several revisions of ${repository}: name one of ${list}.`);
  }
  const [named, second] = revision.length < 7 ? [] : commits.filter((commit) => commit.startsWith(revision));
  if (named !== undefined && second === undefined) return named;
  throw new AppError('not-found', `The cache has no revision ${revision} of ${repository}, only ${list}. ${get}`);
}
