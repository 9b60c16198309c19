// Bringing in a dictionary that was made elsewhere: what its file says, which model and site it belongs to, and the copy.
import { mkdir, stat } from 'node:fs/promises';
import { basename, dirname, extname, join } from 'node:path';
import type { Immutable } from '../contract/base/data.ts';
import { AppError } from '../contract/base/errors.ts';
import type { ImportPlan, ReadingChanges, SelfCheck } from '../contract/domain/importedDictionary.ts';
import { buildFolderAtomic } from '../core/files/atomicWrite.ts';
import type { Site } from '../core/models/sites.ts';
import type { ComputeOptions } from './compute.ts';
import { corpusPath, listCorpora } from './corpora.ts';
import { catalogueDictionaries } from './dictionaries.ts';
import { findModel, listModels, modelInput, type ProjectModel } from './models.ts';
import { checkNoTwin, folderOf, nameFrom } from './projectFolder.ts';
import type { Workbench } from './workbench.ts';

export interface ImportRequest extends ReadingChanges {
  /** A file of tensors, or a folder with one. */
  readonly path: string;
  readonly name?: string;
  /** A site of ours, or what another project calls it. */
  readonly site?: string;
  readonly model?: string;
  /** Path of the text that it is checked on. */
  readonly corpus?: string;
  /** False: it is kept without a check. */
  readonly isChecked?: boolean;
}

type Options = Pick<ComputeOptions<never>, 'signal' | 'onProgress'>;
type Sites = readonly Pick<Site, 'name' | 'width'>[];

/**
 * What will become of a file, without copying anything.
 * @throws AppError `not-found`, `invalid-file`, `unsupported` for the file; `mismatch` for a model that it does not fit;
 * `unknown-site`; `exists` for a name that is taken.
 */
export async function planImport(workbench: Workbench, request: ImportRequest, options: Options): Promise<ImportPlan> {
  const inspected = await workbench.compute('dictionary.inspect', { path: request.path, ...given(request) }, options);
  const { d, site, path } = inspected;
  const name = request.name ?? nameOf(path);
  await checkFree(workbench, name);
  const { model, sites } = await modelFor(workbench, request, inspected);
  const fitting = sites.filter(({ width }) => width === d).map((each) => each.name);
  const found =
    model === null ? null : `It is of ${model.name}${request.model === undefined ? ', whose site fits' : ''}.`;
  const conclusions = [...inspected.conclusions, ...(found === null ? [] : [found])];
  return {
    ...inspected,
    ...{ name, site, conclusions },
    model: model && { name: model.name, hash: model.hash },
    sites: fitting,
    problem: site === null ? noSite(path, d, model, fitting) : null,
  };
}

function given({ site, ...request }: ImportRequest): ReadingChanges & { readonly site?: string } {
  return { ...(site === undefined ? {} : { site }), ...changesOf(request) };
}

function changesOf({ subtractsDecoderBias, isTransposed, scale }: ReadingChanges): ReadingChanges {
  return {
    ...(subtractsDecoderBias === undefined ? {} : { subtractsDecoderBias }),
    ...(isTransposed === undefined ? {} : { isTransposed }),
    ...(scale === undefined ? {} : { scale }),
  };
}

function noSite(path: string, d: number, model: ProjectModel | null, fitting: readonly string[]): string {
  const examples = fitting.length === 0 ? '' : ` ${model?.name ?? ''} has ${fitting.length} sites of width ${d}.`;
  const example = fitting.find((name) => name.endsWith('hook_resid_post')) ?? 'blocks.5.hook_resid_post';
  return `${path}: nothing says at which site of the model it was trained.${examples} Name it: --site ${example}`;
}

/** @throws AppError `exists`, `usage` for a name that cannot be one. */
async function checkFree({ project }: Workbench, name: string): Promise<void> {
  const folder = folderOf(project.folder, 'dictionaries', name);
  await checkNoTwin(project.folder, 'dictionaries', name);
  if (!(await stat(folder).catch(() => undefined))) return;
  throw new AppError(
    'exists',
    `There is a dictionary or a run called ${name} already. --name gives this one another name.`,
  );
}

/** By the file's name; by its folder's where every file of its layout has the same name. */
const COMMON_NAMES = /^(?:ae|sae|params|sae_weights|final|dictionary|model|weights|autoencoder|checkpoint)$/u;

function nameOf(path: string): string {
  const own = basename(path, extname(path)).replace(/\.sae$/u, '');
  return nameFrom(COMMON_NAMES.test(own) ? basename(dirname(path)) : own);
}

/**
 * The model that it is of: the one that is named; else the only one of the project that has the site, in its width. None: the
 * dictionary opens without one.
 */
async function modelFor(
  workbench: Workbench,
  request: ImportRequest,
  { d, site, path }: { readonly d: number; readonly site: string | null; readonly path: string },
): Promise<{ readonly model: ProjectModel | null; readonly sites: Sites }> {
  const { project, compute } = workbench;
  const sitesOf = async (model: ProjectModel) =>
    (await compute('model.describe', await modelInput(project.folder, model))).sites;
  const fits = (sites: Sites) => sites.some(({ name, width }) => width === d && (site === null || name === site));
  if (request.model !== undefined) {
    const model = await findModel(project.folder, request.model);
    const sites = await sitesOf(model);
    if (fits(sites)) return { model, sites };
    throw misfit(path, d, site, model, sites);
  }
  const models = await listModels(project.folder);
  const described = await Promise.all(
    models.map(async (model) => ({ model, sites: await sitesOf(model).catch((): Sites => []) })),
  );
  const fitting = described.filter(({ sites }) => fits(sites));
  const [only, other] = fitting;
  if (only && !other) return only;
  if (only) {
    const names = fitting.map(({ model }) => model.name).join(', ');
    throw new AppError('usage', `${path}: several models of the project fit (${names}). Choose one with --model.`);
  }
  const [single, second] = described;
  if (single && !second && single.sites.length > 0) throw misfit(path, d, site, single.model, single.sites);
  return { model: null, sites: [] };
}

function misfit(path: string, d: number, site: string | null, { name }: ProjectModel, sites: Sites): AppError {
  const place = sites.find((each) => each.name === site);
  const reason = place
    ? `${name} has ${place.width} numbers per token at ${place.name}`
    : site === null || sites.every(({ width }) => width !== d)
      ? `${name} has no site of that width`
      : `${name} has no site ${site} of that width`;
  return new AppError('mismatch', `${path}: the dictionary takes ${d} numbers per token, but ${reason}.`, {
    details: { path, d, model: name },
  });
}

/**
 * Copies the dictionary into the project, and checks the copy against its model before it is kept.
 * @throws AppError as planImport; `usage` where the site is not known; `mismatch` for one that the check refuses.
 */
export async function importDictionaryFrom(workbench: Workbench, request: ImportRequest, options: Options) {
  const { project, compute } = workbench;
  const { name, site, model, claims, path, problem, conclusions } = await planImport(workbench, request, options);
  if (site === null) throw new AppError('usage', problem ?? `${path}: its site is not known.`);
  await mkdir(join(project.folder, 'dictionaries'), { recursive: true });
  const of = model ?? { name: claims.model ?? 'a model that is not known', hash: '' };
  const input = { path, site, model: of, changes: changesOf(request), conclusions: [...conclusions] };
  await buildFolderAtomic(folderOf(project.folder, 'dictionaries', name), async (folder) => {
    await compute('dictionary.import', { ...input, folder }, options);
    const corpus = request.isChecked === false ? null : (request.corpus ?? (await textForCheck(workbench)));
    if (model === null || corpus === null) return;
    const checkedBy = await modelInput(project.folder, await findModel(project.folder, model.name));
    const check = await compute(
      'dictionary.check',
      { model: checkedBy, folder, corpus, changes: changesOf(request) },
      options,
    );
    if (check.verdict === 'refused') throw refused(path, model.name, check);
  });
  await catalogueDictionaries(project);
  return name;
}

/** Text that is kept apart from training, if the project has any; null: it has no text. */
async function textForCheck(workbench: Workbench): Promise<string | null> {
  const corpora = await listCorpora(workbench);
  const chosen = corpora.find(({ isTraining }) => !isTraining) ?? corpora[0];
  return chosen ? corpusPath(workbench, chosen.name) : null;
}

function refused(path: string, model: string, { reasons, rows }: Immutable<SelfCheck>): AppError {
  return new AppError(
    'mismatch',
    `${path}: it is not a dictionary of ${model} as it stands. ${reasons.join(' ')} Nothing was kept; --unchecked keeps it all the same.`,
    { details: { path, model, fvu: rows.map(({ fvu }) => fvu) } },
  );
}
