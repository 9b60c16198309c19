// One version as one file, for a colleague: the version, everything behind it, the behaviours it must satisfy and what
// evaluations found. On the way in every id is recomputed, and a version of a model or dictionary that the project does
// not have is refused: applied there, it would be a different edit.
import * as v from 'valibot';
import { AppError } from '../../contract/base/errors.ts';
import { hashSchema } from '../../contract/base/fields.ts';
import { validate } from '../../contract/base/validate.ts';
import { dictionariesOf, parseVersion, shortId, type Version } from '../../core/edits/version.ts';
import { logOrder } from '../../core/edits/versionHistory.ts';
import type { Behaviour } from '../../contract/domain/behaviour.ts';
import { behaviourId, parseBehaviour } from '../../core/behaviours/behaviour.ts';
import { parseResult, type BehaviourResult } from '../../core/behaviours/behaviourResult.ts';
import { writeFileAtomic } from '../../core/files/atomicWrite.ts';
import { readJson } from '../../core/files/json.ts';

export const VERSION_FILE_FORMAT = 'errata.version-file.1';
const LARGEST_FILE = 64 << 20;
const MOST_VERSIONS = 20_000;
const MOST_RESULTS = 10_000;

export interface VersionFile {
  readonly format: typeof VERSION_FILE_FORMAT;
  readonly head: string;
  /** The head and all that is behind it, parents first. */
  readonly versions: readonly Version[];
  readonly behaviours: readonly Behaviour[];
  readonly results: readonly BehaviourResult[];
}

const unchecked = (most: number, name: string) =>
  v.pipe(v.array(v.unknown()), v.maxLength(most, `more than ${most} ${name}`));
const fileSchema = v.strictObject({
  format: v.literal(VERSION_FILE_FORMAT, `expected the format ${VERSION_FILE_FORMAT}`),
  head: hashSchema,
  versions: v.pipe(unchecked(MOST_VERSIONS, 'versions'), v.minLength(1, 'no versions')),
  behaviours: unchecked(MOST_VERSIONS, 'behaviours'),
  results: unchecked(MOST_RESULTS, 'results'),
});

/**
 * Checks a version file: every id, that nothing behind the head is missing, and that nothing else is in it.
 * @throws AppError('invalid-file') that says what was altered or is missing.
 */
export function parseVersionFile(value: unknown, subject: string): VersionFile {
  const file = validate(fileSchema, value, subject, 'invalid-file');
  const versions = file.versions.map((version, index) => parseVersion(version, `${subject}: versions.${index}`));
  const behaviours = file.behaviours.map((behaviour, index) =>
    parseBehaviour(behaviour, `${subject}: behaviours.${index}`, 'invalid-file'),
  );
  const results = file.results.map((result, index) =>
    parseResult(result, `${subject}: results.${index}`, 'invalid-file'),
  );

  const byId = new Map(versions.map((version) => [version.id, version]));
  const refuse = (reason: string) =>
    new AppError('invalid-file', `${subject}: ${reason}.`, { details: { path: subject } });
  if (byId.size !== versions.length) throw refuse('a version is in it twice');
  if (!byId.has(file.head)) throw refuse(`version ${shortId(file.head)} is missing`);
  const model = byId.get(file.head)?.model;
  const behaviourById = new Map(behaviours.map((behaviour) => [behaviourId(behaviour), behaviour]));
  for (const version of versions) {
    const parent = version.parents.find((id) => !byId.has(id));
    if (parent !== undefined)
      throw refuse(`version ${shortId(parent)}, the parent of ${shortId(version.id)}, is missing`);
    const behaviour = version.behaviours.find((id) => !behaviourById.has(id));
    if (behaviour !== undefined) throw refuse(`behaviour ${shortId(behaviour)} is missing`);
    if (version.model !== model) throw refuse('its versions are of different models');
  }
  const order = logOrder(byId, [file.head]);
  if (order.length !== versions.length) throw refuse('it holds versions that are not behind its head');
  for (const result of results) {
    const measured = behaviourById.get(result.behaviour);
    if (measured === undefined) throw refuse(`behaviour ${shortId(result.behaviour)} of a result is missing`);
    if (measured.cases.length !== result.cases.length) {
      throw refuse('a result has another number of cases than its behaviour');
    }
    if (result.version !== null && !byId.has(result.version))
      throw refuse(`version ${shortId(result.version)} of a result is missing`);
    if (result.model !== model) throw refuse('a result is of another model');
  }
  const parentsFirst = order.toReversed().flatMap((id) => byId.get(id) ?? []);
  return { format: VERSION_FILE_FORMAT, head: file.head, versions: parentsFirst, behaviours, results };
}

export interface KnownHashes {
  readonly models: ReadonlySet<string>;
  readonly dictionaries: ReadonlySet<string>;
}

/** @throws AppError('mismatch') when the file's model or one of its dictionaries is not among those known here. */
export function checkKnown(file: VersionFile, known: KnownHashes, subject: string): void {
  const head = file.versions.at(-1);
  if (head === undefined) throw new AppError('internal', 'A version file has a head.');
  if (!known.models.has(head.model)) {
    throw new AppError(
      'mismatch',
      `${subject}: it edits the model ${shortId(head.model)}, which this project does not have${known.models.size === 0 ? '' : ` (it has ${[...known.models].map(shortId).slice(0, 5).join(', ')})`}. Nothing was imported.`,
      { details: { path: subject, model: head.model, known: [...known.models].slice(0, 20) } },
    );
  }
  for (const dictionary of new Set(file.versions.flatMap(dictionariesOf))) {
    if (known.dictionaries.has(dictionary)) continue;
    throw new AppError(
      'mismatch',
      `${subject}: it edits features of the dictionary ${shortId(dictionary)}, which this project does not have. Nothing was imported.`,
      { details: { path: subject, dictionary, known: [...known.dictionaries].slice(0, 20) } },
    );
  }
}

export async function writeVersionFile(path: string, file: VersionFile): Promise<void> {
  await writeFileAtomic(path, `${JSON.stringify(file, null, 1)}\n`);
}

/** Whether a file says of itself that it is one of these; what it says is not checked. */
export async function isVersionFile(path: string): Promise<boolean> {
  const value = await readJson(path, LARGEST_FILE);
  return typeof value === 'object' && value !== null && 'format' in value && value.format === VERSION_FILE_FORMAT;
}

export async function readVersionFile(path: string): Promise<VersionFile> {
  return parseVersionFile(await readJson(path, LARGEST_FILE), path);
}
