// What the commands on labels, edits and behaviours share: an open project, whose hand it is, and how features,
// dictionaries and models are named on a command line.
import { AppError } from '../../contract/base/errors.ts';
import { MAX_FEATURE } from '../../contract/base/fields.ts';
import type { FeatureKey } from '../../contract/domain/label.ts';
import type { CatalogEntry, CatalogKind } from '../../storage/entities/catalog.ts';
import type { Authorship } from '../../storage/authorship.ts';
import { openProject, type OpenOptions } from '../../storage/project/open.ts';
import type { Project } from '../../storage/project/project.ts';
import { catalogueDictionaries } from '../../workbench/dictionaries.ts';
import { catalogueModels } from '../../workbench/models.ts';
import { withWorkbench } from '../../workbench/openWorkbench.ts';
import type { Workbench } from '../../workbench/workbench.ts';
import { defaultAuthor } from '../author.ts';
import type { CommandArguments, CommandContext, ComputeContext, Option } from './command.ts';
import { optionalText } from './values.ts';

const MOST_FEATURES = 1_000_000;

/** Opens the project for as long as `use` takes. */
export async function withProject<T>(
  context: CommandContext,
  use: (project: Project) => Promise<T> | T,
  options: Pick<OpenOptions, 'readOnly'> = {},
): Promise<T> {
  const project = await openProject(context.projectFolder, { host: 'the command line', ...options });
  try {
    for (const notice of project.notices) context.print(notice);
    if (!project.isReadOnly) {
      await catalogueModels(project);
      await catalogueDictionaries(project);
    }
    return await use(project);
  } finally {
    project.close();
  }
}

/** Opens the project's workbench for as long as `use` takes. */
export function inWorkbench<T>(
  { projectFolder, compute, computeAfresh }: ComputeContext,
  use: (workbench: Workbench) => Promise<T>,
): Promise<T> {
  return withWorkbench(projectFolder, { host: 'the command line', compute, computeAfresh }, use);
}

/** For commands that only look: they work on read-only media too, and beside whoever writes. */
export async function withProjectToRead<T>(
  context: CommandContext,
  use: (project: Project) => Promise<T> | T,
): Promise<T> {
  return await withProject(context, use, { readOnly: true });
}

export const AUTHOR_OPTION: Readonly<Record<string, Option>> = {
  author: {
    type: 'string',
    description: 'Whose work it is; ERRATA_AUTHOR, or the name of your account, when left out.',
  },
};
export const AUTHOR_OPTIONS: Readonly<Record<string, Option>> = {
  ...AUTHOR_OPTION,
  reason: { type: 'string', description: 'Why, for the history.' },
};

export function authorOf(arguments_: CommandArguments): Authorship {
  const author = optionalText(arguments_, 'author') ?? defaultAuthor();
  return { author, reason: optionalText(arguments_, 'reason') };
}

export const DICTIONARY_OPTION: Readonly<Record<string, Option>> = {
  dictionary: {
    type: 'string',
    short: 'd',
    description: 'The dictionary, by name or hash; can be left out when the project has only one.',
  },
};

/** The hash of the dictionary that is named or, without a name, of the only one. @throws AppError `not-found`, `usage`. */
export function dictionaryHash(project: Project, name: string | undefined): string {
  if (name !== undefined) return hashOf(project, 'dictionary', name);
  const [only, other] = project.catalog.list('dictionary');
  if (only !== undefined && other === undefined) return only.id;
  throw new AppError(
    'usage',
    only === undefined
      ? 'The project has no dictionary yet: name one by its hash with --dictionary.'
      : 'The project has several dictionaries: choose one with --dictionary.',
  );
}

/** A name or the beginning of a hash of what is listed; a whole hash may also be of what the project does not have. */
export function hashOf(project: Project, kind: 'model' | 'dictionary', name: string): string {
  const entry = project.catalog.find(kind, name);
  if (entry !== null) return entry.id;
  if (/^[0-9a-f]{64}$/u.test(name)) return name;
  throw unknown(project, kind, name);
}

export function dictionaryEntry(project: Project, name: string): CatalogEntry | null {
  return project.catalog.find('dictionary', name);
}

function unknown(project: Project, kind: CatalogKind, name: string): AppError {
  const names = project.catalog.list(kind).map((entry) => entry.name);
  return new AppError(
    'not-found',
    `There is no ${kind} ${JSON.stringify(name.slice(0, 100))} in the project${names.length === 0 ? '' : ` (there ${names.length === 1 ? 'is' : 'are'} ${names.slice(0, 10).join(', ')})`}.`,
  );
}

export const FEATURES = 'FEATURES are numbers and ranges, 12,15,20-29, or list:NAME.';

/** '12,15,20-22' or 'list:NAME'. @throws AppError `usage`, `not-found`. */
export function featureKeys(project: Project, text: string, dictionary: string | undefined): readonly FeatureKey[] {
  if (text.startsWith('list:')) return project.lists.members(text.slice('list:'.length));
  const hash = dictionaryHash(project, dictionary);
  const features = new Set<number>();
  for (const part of text.split(',')) {
    const match = /^\s*(\d{1,10})(?:-(\d{1,10}))?\s*$/u.exec(part);
    const first = Number(match?.[1]);
    const last = match?.[2] === undefined ? first : Number(match[2]);
    if (match === null || last > MAX_FEATURE || last < first) {
      throw new AppError('usage', `"${part.slice(0, 40)}" names no features. ${FEATURES}`);
    }
    if (features.size + last - first >= MOST_FEATURES)
      throw new AppError('usage', `More than ${MOST_FEATURES} features at once.`);
    for (let feature = first; feature <= last; feature++) features.add(feature);
  }
  return [...features].map((feature) => ({ dictionary: hash, feature }));
}

export function oneFeature(project: Project, text: string, dictionary: string | undefined): FeatureKey {
  const [key, ...more] = featureKeys(project, text, dictionary);
  if (key !== undefined && more.length === 0) return key;
  throw new AppError('usage', `"${text.slice(0, 40)}" is not one feature.`);
}

/** As people read it: 2026-11-22 20:12. */
export function shortTime(time: string): string {
  return time.slice(0, 16).replace('T', ' ');
}
