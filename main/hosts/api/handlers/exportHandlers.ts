import { stat } from 'node:fs/promises';
import type { ApiHandlers } from '../../../contract/contract.ts';
import { AppError } from '../../../contract/errors.ts';
import { EXPORT_JOB, listExports } from '../../../workbench/exports.ts';
import { folderOf } from '../../../workbench/projectFolder.ts';
import type { HostContext } from '../hostContext.ts';

export function exportHandlers(host: HostContext): ApiHandlers['export'] {
  return {
    list: async () =>
      (await listExports(host.session().workbench)).map(({ name, folder, manifest }) => {
        const { id, created, form, edit, exactness, provenance, files } = manifest;
        return {
          name,
          folder,
          id,
          created,
          form,
          edit: edit.id,
          operations: edit.operations,
          exactness,
          provenance,
          files,
        };
      }),
    start: async ({ name, version, form, text }) => {
      const session = host.session();
      const { project } = session.workbench;
      if (await stat(folderOf(project.folder, 'exports', name)).catch(() => null)) {
        throw new AppError('exists', `There is an export called ${name} already. Choose another name.`);
      }
      const { id, operations, author, message } = project.versions.get(version);
      return session.submit(EXPORT_JOB, {
        edit: { operations },
        target: name,
        form,
        provenance: { version: id, author, message },
        ...(text === undefined
          ? {}
          : { text: text.from === 'store' ? { store: text.store } : { corpus: host.locations.pathOf(text.location) } }),
      });
    },
    verify: ({ name }) => host.session().submit('verify', { name }),
  };
}
