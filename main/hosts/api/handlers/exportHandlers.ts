import { stat } from 'node:fs/promises';
import type { ApiHandlers } from '../../../contract/api/contract.ts';
import { AppError } from '../../../contract/base/errors.ts';
import { findForm } from '../../../core/export/forms/index.ts';
import {
  exportJob,
  listExports,
  planExport,
  removeExport,
  restoreExport,
  showExport,
  trashedExports,
  verifyJob,
  type ProjectExport,
} from '../../../workbench/exports.ts';
import { folderOf } from '../../../workbench/projectFolder.ts';
import type { HostContext } from '../hostContext.ts';

export function exportHandlers(host: HostContext): ApiHandlers['export'] {
  const workbench = () => host.session().workbench;
  return {
    list: async () => (await listExports(workbench())).map(shown),
    show: async ({ name }) => {
      const { folder, manifest, report, code } = await showExport(workbench(), name);
      return { ...shown({ name, folder, artifact: { manifest, report }, problem: null }), code };
    },
    plan: ({ version }) => planExport(workbench(), workbench().project.versions.get(version).operations),
    start: async ({ name, version, form, text, python, calibrate = false }) => {
      const session = host.session();
      const { project } = session.workbench;
      if (await stat(folderOf(project.folder, 'exports', name)).catch(() => null)) {
        throw new AppError('exists', `There is an export called ${name} already. Choose another name.`);
      }
      const { id, operations, author, message } = project.versions.get(version);
      return session.submit(exportJob, {
        edit: { operations },
        target: name,
        form: findForm(form).name,
        calibrate,
        provenance: { version: id, author, message },
        ...(python === undefined ? {} : { python }),
        ...(text === undefined
          ? {}
          : { text: text.from === 'store' ? { store: text.store } : { corpus: host.locations.pathOf(text.location) } }),
      });
    },
    verify: ({ name }) => host.session().submit(verifyJob, { name }),
    trash: () => trashedExports(workbench()),
    remove: ({ name }) => removeExport(workbench(), name),
    restore: ({ id, name }) => restoreExport(workbench(), id, name),
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
