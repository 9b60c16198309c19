import type { ApiHandlers } from '../../../contract/api/contract.ts';
import { formatOfName, readLabelFile, type LabelFileFormat } from '../../../core/labels/labelsFile.ts';
import type { LabelImport } from '../../../storage/entities/labelImport.ts';
import type { HostContext } from '../hostContext.ts';

interface ImportInput {
  readonly location: string;
  readonly format?: LabelFileFormat;
  readonly dictionary?: string;
}

export function labelHandlers(host: HostContext): ApiHandlers['label'] {
  const project = () => host.session().workbench.project;
  const labels = () => project().labels;

  /** Reads the file beside the project's tables; `use` sees what it would change, or changes it. */
  async function withImport<T>(input: ImportInput, signal: AbortSignal, use: (staged: LabelImport) => T): Promise<T> {
    const path = host.locations.pathOf(input.location);
    const { dictionary } = input;
    const rows = readLabelFile(path, input.format ?? formatOfName(path), { dictionary });
    const staged = await project().importLabels(rows, signal);
    try {
      return use(staged);
    } finally {
      staged.close();
    }
  }

  return {
    get: (key) => ({ label: labels().get(key), comments: labels().comments(key) }),
    list: ({ limit, after, ...filter }) => labels().list(filter, limit, after ?? null),
    summary: ({ dictionary }) => {
      // The rows of a list repeat the labels, and are counted many times faster.
      const { features } = project();
      const tags = dictionary === undefined ? null : features.tags(dictionary);
      if (dictionary === undefined || tags === null) {
        return { counts: labels().counts(dictionary), tags: labels().tags(dictionary) };
      }
      return { counts: features.states(dictionary), tags };
    },
    agreement: ({ dictionary }) => labels().agreement(dictionary, host.author().author),
    search: ({ query, ...options }) => project().search(query, options),
    set: ({ dictionary, feature, patch, expectedRevision, ...why }) =>
      labels().set({ dictionary, feature }, patch, { ...host.author(why), expectedRevision }),
    setMany: ({ dictionary, features, patch, addTags, removeTags, ...why }) => {
      const keys = features.map((feature) => ({ dictionary, feature }));
      return { changed: labels().setMany(keys, patch, host.author(why), { addTags, removeTags }).length };
    },
    remove: ({ dictionary, feature, expectedRevision, ...why }) => {
      labels().remove({ dictionary, feature }, { ...host.author(why), expectedRevision });
      return {};
    },
    history: (key) => labels().history(key),
    restore: ({ dictionary, feature, change, side, ...why }) =>
      labels().restore({ dictionary, feature }, change, { ...host.author(why), side }),
    comment: ({ dictionary, feature, body }) => labels().addComment({ dictionary, feature }, body, host.author()),
    removeComment: ({ id }) => {
      labels().removeComment(id, host.author());
      return {};
    },
    previewImport: ({ rule, ...input }, { signal }) => withImport(input, signal, (staged) => staged.preview(rule)),
    import: ({ rule, reason, ...input }, { signal }) =>
      withImport(input, signal, (staged) => staged.apply(rule, host.author(reason === undefined ? {} : { reason }))),
  };
}
