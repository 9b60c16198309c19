// What can be asked of the labels of features, and of files of labels.
import type { LabelFileFormat } from '../contract/domain/label.ts';
import { formatOfName, readLabelFile } from '../core/labels/labelsFile.ts';
import type { LabelImport } from '../storage/entities/labelImport.ts';
import type { Asker, Procedures } from './call.ts';
import type { Workbench } from './workbench.ts';

interface ImportInput {
  readonly location: string;
  readonly format?: LabelFileFormat;
  readonly dictionary?: string;
}

/** Reads the file beside the project's tables; `use` sees what it would change, or changes it. */
async function withImport<T>(
  { project }: Workbench,
  { location, format, dictionary }: ImportInput,
  { pathOf, signal }: Asker,
  use: (staged: LabelImport) => T,
): Promise<T> {
  const path = pathOf(location);
  const rows = readLabelFile(path, format ?? formatOfName(path), { dictionary });
  const staged = await project.importLabels(rows, signal);
  try {
    return use(staged);
  } finally {
    staged.close();
  }
}

/** How many features are in each state, and the tags in use; of one dictionary, or of all. */
export function summarizeLabels(
  { project: { features, labels } }: Pick<Workbench, 'project'>,
  { dictionary }: { readonly dictionary?: string },
) {
  // The rows of a list repeat the labels, and are counted many times faster.
  const tags = dictionary === undefined ? null : features.tags(dictionary);
  if (dictionary === undefined || tags === null) {
    return { counts: labels.counts(dictionary), tags: labels.tags(dictionary) };
  }
  return { counts: features.states(dictionary), tags };
}

export const label: Procedures<'label'> = {
  get: ({ project: { labels } }, key) => ({ label: labels.get(key), comments: labels.comments(key) }),
  list: ({ project }, { limit, after, ...filter }) => project.labels.list(filter, limit, after ?? null),
  summary: summarizeLabels,
  agreement: ({ project }, { dictionary }, { author }) => project.labels.agreement(dictionary, author().author),
  search: ({ project }, { query, ...options }) => project.search(query, options),
  set: ({ project }, { dictionary, feature, patch, expectedRevision, ...why }, { author }) =>
    project.labels.set({ dictionary, feature }, patch, { ...author(why), expectedRevision }),
  setMany: ({ project }, { dictionary, features, patch, addTags, removeTags, ...why }, { author }) => {
    const keys = features.map((feature) => ({ dictionary, feature }));
    return { changed: project.labels.setMany(keys, patch, author(why), { addTags, removeTags }).length };
  },
  remove: ({ project }, { dictionary, feature, expectedRevision, ...why }, { author }) => {
    project.labels.remove({ dictionary, feature }, { ...author(why), expectedRevision });
    return {};
  },
  history: ({ project }, key) => project.labels.history(key),
  restore: ({ project }, { dictionary, feature, change, side, ...why }, { author }) =>
    project.labels.restore({ dictionary, feature }, change, { ...author(why), side }),
  comment: ({ project }, { dictionary, feature, body }, { author }) =>
    project.labels.addComment({ dictionary, feature }, body, author()),
  removeComment: ({ project }, { id }, { author }) => {
    project.labels.removeComment(id, author());
    return {};
  },
  previewImport: (workbench, { rule, ...input }, asker) =>
    withImport(workbench, input, asker, (staged) => staged.preview(rule)),
  import: (workbench, { rule, reason, ...input }, asker) =>
    withImport(workbench, input, asker, (staged) =>
      staged.apply(rule, asker.author(reason === undefined ? {} : { reason })),
    ),
};
