// The models of a project: models/<name>/model.json says where a model lies and what it was when it was added. Its weights
// stay where they are.
import { mkdir, stat } from 'node:fs/promises';
import { isAbsolute, join, relative, resolve, sep } from 'node:path';
import * as v from 'valibot';
import { AppError } from '../contract/base/errors.ts';
import { hashSchema } from '../contract/base/fields.ts';
import { originSchema, type Origin } from '../contract/domain/hub.ts';
import { bosRuleSchema, type BosRule } from '../contract/domain/bosRule.ts';
import { validate } from '../contract/base/validate.ts';
import { buildFolderAtomic, writeFileAtomic } from '../core/files/atomicWrite.ts';
import type { Project } from '../storage/project/project.ts';
import { changedTextFiles, hashTextFiles, TEXT_FILES, type TextFileHashes } from '../core/models/textFiles.ts';
import { checkModelFiles, textFilesNow } from './modelFiles.ts';
import { KeptReadings } from './keptReadings.ts';
import { checkNoTwin, checkProject, existingFolder, folderOf, namesOf, readEach } from './projectFolder.ts';
import { readJson } from '../core/files/json.ts';

const MODEL_FILE = 'model.json';

const count = v.pipe(v.number(), v.safeInteger(), v.minValue(0));

/** What opening a model tells. */
const factsEntries = {
  hash: hashSchema,
  modelType: v.pipe(v.string(), v.maxLength(100)),
  layers: count,
  hiddenSize: count,
  vocabularySize: count,
  contextLength: count,
  hasTokenizer: v.boolean(),
};
export type ModelFacts = Readonly<v.InferOutput<v.ObjectSchema<typeof factsEntries, undefined>>>;

const textFilesSchema = v.pipe(v.record(v.picklist(TEXT_FILES), hashSchema), v.readonly());

const recordSchema = v.strictObject({
  format: v.literal('errata-model'),
  version: v.literal(1),
  /** Relative to the project with `/` when it lies inside, so that the project can be moved and copied; else absolute. */
  folder: v.pipe(v.string(), v.minLength(1), v.maxLength(4096)),
  added: v.string(),
  /** The repository of the Hub that it came from; `folder` is in its cache. */
  origin: v.exactOptional(originSchema),
  ...factsEntries,
  /** Left out: as its tokenizer says. */
  bos: v.exactOptional(bosRuleSchema, 'tokenizer'),
  /** What its tokenizer, template and generation config were when it was added or accepted. */
  textFiles: v.exactOptional(textFilesSchema),
  /** What they were before, the newest first. */
  earlier: v.exactOptional(
    v.array(v.strictObject({ until: v.string(), textFiles: textFilesSchema, bos: bosRuleSchema })),
  ),
});

export interface ProjectModel extends ModelFacts {
  readonly name: string;
  /** Absolute. */
  readonly folder: string;
  readonly added: string;
  readonly origin?: Origin;
  readonly bos: BosRule;
  readonly textFiles?: TextFileHashes;
  readonly earlier?: readonly { readonly until: string; readonly textFiles: TextFileHashes; readonly bos: BosRule }[];
}

/** The file where hashes of the model's weight files are remembered. */
export function hashCacheOf(project: string, name: string): string {
  return join(folderOf(project, 'models', name), 'hashes.json');
}

/**
 * What a task of the engine needs of a model.
 * @throws AppError `not-found` for a folder that has gone, `mismatch` where its tokenizer or template has changed.
 */
export async function modelInput(project: string, model: ProjectModel) {
  await checkModelFiles(model);
  if (model.textFiles === undefined) await keepTextFiles(project, model);
  return uncheckedInput(project, model);
}

/** For what only looks at a model. */
export function uncheckedInput(project: string, { folder, name, bos }: ProjectModel) {
  return { folder, hashCache: hashCacheOf(project, name), bos };
}

/** @throws AppError `not-found`. */
export async function findModelByHash(project: string, hash: string): Promise<ProjectModel> {
  const model = (await listModels(project)).find((candidate) => candidate.hash === hash);
  if (model) return model;
  throw new AppError(
    'not-found',
    `The project has no model with the hash ${hash.slice(0, 12)}…: add the model that this was made with.`,
    { details: { hash } },
  );
}

/** Lists in the project's catalog what lies in its folders. */
export async function catalogueModels(project: Project): Promise<void> {
  for (const { name, hash, added, ...facts } of await listModels(project.folder)) {
    if (project.catalog.find('model', hash)) continue;
    project.catalog.put({ kind: 'model', id: hash, name, folder: `models/${name}`, manifest: facts, created: added });
  }
}

/** @throws AppError `exists` when the project has a model of that name, `usage` when it cannot be one, `not-found`. */
export async function checkNewName(project: string, name: string): Promise<string> {
  await checkProject(project);
  const folder = folderOf(project, 'models', name);
  await checkNoTwin(project, 'models', name);
  if (!(await stat(folder).catch(() => undefined))) return folder;
  throw new AppError('exists', `The project has a model "${name}" already. --name gives the new one another name.`);
}

interface NewModel {
  readonly folder: string;
  readonly name: string;
  readonly facts: ModelFacts;
  readonly origin?: Origin | undefined;
  /** Where the files are that will be in its folder; the folder itself when left out. */
  readonly source?: string;
}

/** @param folder of config.json, weights and tokenizer. @throws AppError `exists`, `not-found`, `permission`, `disk-full`. */
export async function addModel(
  project: string,
  { folder, name, facts, origin, source = folder }: NewModel,
): Promise<ProjectModel> {
  const target = await checkNewName(project, name);
  const textFiles = await hashTextFiles(source);
  const namesake = (await listModels(project)).find(({ hash }) => hash === facts.hash);
  if (namesake) throw alreadyThere(namesake, folder, textFiles);
  const record = {
    format: 'errata-model' as const,
    version: 1 as const,
    folder: folderInRecord(project, folder),
    added: new Date().toISOString(),
    ...(origin === undefined ? {} : { origin }),
    ...facts,
    textFiles,
  };
  await mkdir(join(project, 'models'), { recursive: true });
  await buildFolderAtomic(target, (partial) =>
    writeFileAtomic(join(partial, MODEL_FILE), `${JSON.stringify(record, null, 2)}\n`),
  );
  return { name, ...record, folder: resolve(folder), bos: 'tokenizer' };
}

function alreadyThere({ name, textFiles }: ProjectModel, folder: string, found: TextFileHashes): AppError {
  const changed = textFiles === undefined ? [] : changedTextFiles(textFiles, found);
  const moved = `errata model move ${name} ${folder}`;
  return new AppError(
    'exists',
    changed.length === 0
      ? `The project already has this model, as "${name}". If its folder has moved: ${moved}`
      : `The project already has these weights, as "${name}", with another ${listed(changed)}. To read texts with the files of this folder from now on: ${moved} --accept`,
  );
}

const listed = (names: readonly string[]) => new Intl.ListFormat('en-GB').format(names);

/**
 * Says where a model lies now. Its hash proves that it is the same.
 * @param accepts a tokenizer, template or generation config that has changed becomes the model's.
 * @throws AppError `not-found`, `mismatch` for another model or what is not accepted; then nothing is changed.
 */
export async function relocateModel(
  project: string,
  {
    folder,
    name,
    facts,
    accepts = false,
  }: { readonly accepts?: boolean } & Pick<NewModel, 'folder' | 'name' | 'facts'>,
): Promise<ProjectModel> {
  const known = await findModel(project, name);
  if (known.hash !== facts.hash) {
    throw new AppError(
      'mismatch',
      `${folder}: this is not ${name}: its config or weights have another hash (${facts.hash.slice(0, 12)}…, not ${known.hash.slice(0, 12)}…). errata model add adds it as another model.`,
      { details: { path: folder, expected: known.hash, actual: facts.hash } },
    );
  }
  const textFiles = await hashTextFiles(folder);
  const changed = known.textFiles === undefined ? [] : changedTextFiles(known.textFiles, textFiles);
  if (changed.length > 0 && !accepts) {
    throw new AppError(
      'mismatch',
      `${folder}: its weights are those of ${name}, but it has another ${listed(changed)}. To take them from now on: errata model move ${name} ${folder} --accept`,
      { details: { path: folder, changed } },
    );
  }
  return changeRecord(project, name, (record) => ({
    ...withTextFiles(record, textFiles),
    folder: folderInRecord(project, folder),
  }));
}

/** From now on, a model's tokenizer, template and generation config are what they are now. @throws AppError `not-found`. */
export async function acceptTextFiles(project: string, name: string): Promise<ProjectModel> {
  const { folder } = await findModel(project, name);
  const textFiles = await hashTextFiles(folder);
  return changeRecord(project, name, (record) => withTextFiles(record, textFiles));
}

type ModelRecord = v.InferOutput<typeof recordSchema>;

function withTextFiles(record: ModelRecord, textFiles: TextFileHashes): ModelRecord {
  const before = record.textFiles;
  if (before === undefined || changedTextFiles(before, textFiles).length === 0) return { ...record, textFiles };
  const until = new Date().toISOString();
  return { ...record, textFiles, earlier: [{ until, textFiles: before, bos: record.bos }, ...(record.earlier ?? [])] };
}

/** Records of older programs do not have them: what is there when the model is first used counts. */
async function keepTextFiles(project: string, { name, folder }: ProjectModel): Promise<void> {
  const textFiles = await textFilesNow(folder);
  // Nothing depends on it today, so a project that cannot be written to is used all the same.
  await changeRecord(project, name, (record) => ({ ...record, textFiles })).catch(() => undefined);
}

async function changeRecord(project: string, name: string, change: (record: ModelRecord) => ModelRecord) {
  const path = join(folderOf(project, 'models', name), MODEL_FILE);
  const { bos, ...record } = change(await readRecord(path));
  const content = bos === 'tokenizer' ? record : { ...record, bos };
  await writeFileAtomic(path, `${JSON.stringify(content, null, 2)}\n`);
  return findModel(project, name);
}

/** Says whether a BOS stands before texts of a model. @throws AppError `not-found`. */
export async function setBosRule(project: string, name: string, rule: BosRule): Promise<ProjectModel> {
  await findModel(project, name);
  return changeRecord(project, name, (record) => {
    const { bos, textFiles, earlier = [] } = record;
    if (bos === rule || textFiles === undefined) return { ...record, bos: rule };
    return { ...record, bos: rule, earlier: [{ until: new Date().toISOString(), textFiles, bos }, ...earlier] };
  });
}

function folderInRecord(project: string, folder: string): string {
  const way = relative(project, resolve(folder));
  const isInside = way !== '' && way !== '..' && !way.startsWith(`..${sep}`) && !isAbsolute(way);
  return isInside ? way.replaceAll(sep, '/') : resolve(folder);
}

/** @throws AppError `not-found`, `invalid-file`. */
export async function findModel(project: string, name: string): Promise<ProjectModel> {
  await checkProject(project);
  const path = join(await existingFolder(project, 'models', name, MODEL_FILE), MODEL_FILE);
  const { format, version, ...record } = await records.get([path], () => readRecord(path));
  return { name, ...record, folder: resolve(project, record.folder) };
}

const records = new KeptReadings<v.InferOutput<typeof recordSchema>>();

async function readRecord(path: string) {
  return validate(recordSchema, await readJson(path), path, 'invalid-file');
}

export async function readModels(project: string) {
  await checkProject(project);
  return readEach(project, 'models', MODEL_FILE, (name) => findModel(project, name));
}

/** Those that can be read. */
export async function listModels(project: string): Promise<readonly ProjectModel[]> {
  return (await readModels(project)).found;
}

/** A model that a person names: one of the project, or any folder that holds one. */
export async function resolveModel(
  project: string,
  nameOrFolder: string,
): Promise<{
  readonly folder: string;
  readonly name: string | null;
  readonly hashCache: string | null;
  readonly bos: BosRule;
}> {
  const isFolder = await stat(join(nameOrFolder, 'config.json')).catch(() => undefined);
  const names = await namesOf(project, 'models', MODEL_FILE);
  if (isFolder && !names.includes(nameOrFolder))
    return { folder: resolve(nameOrFolder), name: null, hashCache: null, bos: 'tokenizer' };
  const model = await findModel(project, nameOrFolder);
  await checkModelFiles(model);
  const { folder, name, bos } = model;
  return { folder, name, hashCache: hashCacheOf(project, name), bos };
}
