// What can be asked of the exports of the project.
import type { export_ as contract } from '../contract/api/export.ts';
import type { InputOf } from '../contract/rpc/procedure.ts';
import { findForm } from '../core/export/forms/index.ts';
import type { Asker, Procedures } from './call.ts';
import {
  exportJob,
  freeFolder,
  listExports,
  planExport,
  removeExport,
  restoreExport,
  showExport,
  trashedExports,
  verifyJob,
  type ExportRequest,
  type ProjectExport,
} from './exports.ts';
import type { Workbench } from './workbench.ts';

/** The request of an export that can begin. @throws AppError `exists` for a name that is taken, `not-found`, `permission`. */
export async function prepareExport(
  workbench: Pick<Workbench, 'project'>,
  { name, version, form, text, python, calibrate = false }: InputOf<(typeof contract)['start']>,
  { pathOf }: Pick<Asker, 'pathOf'>,
): Promise<ExportRequest> {
  await freeFolder(workbench, name);
  const { id, operations, author, message } = workbench.project.versions.get(version);
  return {
    edit: { operations },
    target: name,
    form: findForm(form).name,
    calibrate,
    provenance: { version: id, author, message },
    ...(python === undefined ? {} : { python }),
    ...(text === undefined
      ? {}
      : { text: text.from === 'store' ? { store: text.store } : { corpus: pathOf(text.location) } }),
  };
}

function shown({ name, folder, artifact, problem }: ProjectExport) {
  if (!artifact) return { name, folder, artifact: null, problem };
  const { id, created, tool, form, model, dictionaries, edit, exactness, provenance, files } = artifact.manifest;
  return {
    name,
    folder,
    problem,
    artifact: {
      id,
      created,
      tool: tool.version,
      form: wordsOf(findForm(form)),
      model: { hash: model.hash, type: model.type },
      dictionaries: dictionaries.map(({ hash, architecture, site }) => ({ hash, architecture, site })),
      edit: edit.id,
      operations: edit.operations,
      exactness,
      provenance,
      files,
      report: artifact.report,
    },
  };
}

function wordsOf({ name, title, description, carries }: ReturnType<typeof findForm>) {
  return { name, title, description, carries };
}

export const export_: Procedures<'export'> = {
  list: async (workbench) => (await listExports(workbench)).map(shown),
  show: async (workbench, { name }) => {
    const { folder, manifest, report, code } = await showExport(workbench, name);
    return { ...shown({ name, folder, artifact: { manifest, report }, problem: null }), code };
  },
  plan: (workbench, { version }) => planExport(workbench, workbench.project.versions.get(version).operations),
  start: async (workbench, input, call) => call.start(exportJob, await prepareExport(workbench, input, call)),
  verify: (_, { name }, { start }) => start(verifyJob, { name }),
  trash: (workbench) => trashedExports(workbench),
  remove: (workbench, { name }) => removeExport(workbench, name),
  restore: (workbench, { id, name }) => restoreExport(workbench, id, name),
};
