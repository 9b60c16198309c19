// Versions out of a project as one file, and a file's into a project.
import { ancestors } from '../../core/edits/versionHistory.ts';
import { dictionariesOf, shortId } from '../../core/edits/version.ts';
import type { Authorship } from '../authorship.ts';
import type { ChangeLog } from '../changes.ts';
import type { Database } from '../database.ts';
import type { BehaviourStore } from '../entities/behaviours.ts';
import type { Catalog } from '../entities/catalog.ts';
import { checkKnown, VERSION_FILE_FORMAT, type KnownHashes, type VersionFile } from './versionFile.ts';
import type { VersionStore } from './versionStore.ts';

/** What the project holds of it. */
export interface ExchangeParts {
  readonly database: Database;
  readonly log: ChangeLog;
  readonly versions: VersionStore;
  readonly behaviours: BehaviourStore;
  readonly catalog: Catalog;
}

/** A version with all that is behind it, the behaviours it names and the results of each. */
export function versionFileOf({ versions: store, behaviours }: ExchangeParts, ref: string): VersionFile {
  const head = store.resolve(ref);
  const graph = store.graph();
  const versions = store.log([head]).toReversed();
  const behind = ancestors(graph, head);
  const model = store.get(head).model;
  const results = behaviours
    .results()
    .filter((result) => result.model === model && (result.version === null || behind.has(result.version)));
  const named = new Set([
    ...versions.flatMap((version) => version.behaviours),
    ...results.map((result) => result.behaviour),
  ]);
  return {
    format: VERSION_FILE_FORMAT,
    head,
    versions,
    behaviours: [...named].sort().map((id) => behaviours.get(id)),
    results: results.map(({ id: _, ...result }) => result),
  };
}

export interface ImportVersions extends Authorship {
  readonly branch: string;
  /** The file, for messages. */
  readonly subject: string;
  /** Models and dictionaries that the caller knows to be here besides those listed. */
  readonly vouched?: Partial<KnownHashes> | undefined;
}

/**
 * Brings in a version file that was parsed, and points `branch` at its head. All or nothing.
 * @throws AppError `mismatch` for a model or dictionary that the project does not have, `exists` for the branch.
 */
export function importVersions(
  parts: ExchangeParts,
  file: VersionFile,
  write: ImportVersions,
): { readonly added: number; readonly known: number } {
  const { log, versions, behaviours } = parts;
  const known = knownHashes(parts);
  checkKnown(
    file,
    {
      models: new Set([...known.models, ...(write.vouched?.models ?? [])]),
      dictionaries: new Set([...known.dictionaries, ...(write.vouched?.dictionaries ?? [])]),
    },
    write.subject,
  );
  return log.step({ title: `Import version ${shortId(file.head)}`, author: write.author, reason: write.reason }, () => {
    for (const behaviour of file.behaviours) {
      // One's own behaviour keeps its name; the imported one is then known by its id only.
      if (behaviours.find(behaviour.name) === null) behaviours.save(behaviour, write);
      else behaviours.insertContent(behaviour);
    }
    const added = file.versions.filter((version) => versions.insert(version)).length;
    for (const result of file.results) behaviours.addResult(result);
    versions.createBranch(write.branch, file.head, write);
    return { added, known: file.versions.length - added };
  });
}

/** Models and dictionaries that are listed here, or that labels and versions made here are about. */
export function knownHashes({ database, versions: store, catalog }: ExchangeParts): KnownHashes {
  const versions = store.log();
  const working = store.working();
  const labelled = database.query<[], { dictionary: string }>('SELECT DISTINCT dictionary FROM features').all();
  const listed = (kind: 'model' | 'dictionary') => catalog.list(kind).map(({ id }) => id);
  return {
    models: new Set([
      ...listed('model'),
      ...versions.map(({ model }) => model),
      ...(working === null ? [] : [working.model]),
    ]),
    dictionaries: new Set([
      ...listed('dictionary'),
      ...labelled.map(({ dictionary }) => dictionary),
      ...versions.flatMap(dictionariesOf),
      ...(working === null ? [] : dictionariesOf(working)),
    ]),
  };
}
