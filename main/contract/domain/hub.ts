// How repositories of the Hub and their revisions are named.
import * as v from 'valibot';

/** `gpt2` or `google/gemma-3-270m`, as the Hub itself allows names: no two dots or dashes in a row. */
export const repositorySchema = v.pipe(
  v.string('expected the name of a repository'),
  v.regex(
    /^(?:[A-Za-z0-9][A-Za-z0-9._-]{0,95}\/)?[A-Za-z0-9][A-Za-z0-9._-]{0,95}$/u,
    'expected the name of a repository, such as google/gemma-3-270m',
  ),
  v.check(
    (name) => !/--|\.\.|[.-](?:\/|$)/u.test(name),
    'expected the name of a repository, such as google/gemma-3-270m',
  ),
);

/** A branch, a tag, or the hash of a commit (7 digits or more). */
export const revisionSchema = v.pipe(
  v.string('expected a revision'),
  v.regex(
    /^[A-Za-z0-9][A-Za-z0-9._-]{0,99}(?:\/[A-Za-z0-9][A-Za-z0-9._-]{0,99}){0,4}$/u,
    'expected a branch, a tag or the hash of a commit',
  ),
  v.check((name) => !name.includes('..'), 'expected a branch, a tag or the hash of a commit'),
);

/** The whole hash of a commit: what a model of the Hub is pinned to. */
export const commitSchema = v.pipe(
  v.string('expected the hash of a commit'),
  v.regex(/^[0-9a-f]{40}$/u, 'expected the hash of a commit: 40 lower-case hex digits'),
);

/** Where a model of the project came from. */
export const originSchema = v.object({ repository: repositorySchema, revision: commitSchema });
export type Origin = Readonly<v.InferOutput<typeof originSchema>>;

/** Which files of a repository: `*` is any text, `?` one character, as for Python's `hf download --include`. */
export const filePatternSchema = v.pipe(
  v.string('expected a pattern of file names'),
  v.minLength(1, 'expected a pattern of file names, such as layer_7/*'),
  v.maxLength(200, 'longer than 200 characters'),
);
