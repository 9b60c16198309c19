// How an edit is named on a command line: by operations, by a file, or as a version of the project.
import { AppError } from '../../contract/base/errors.ts';
import { FIXED_POSITIONS } from '../../contract/domain/operations/target.ts';
import { editFromArguments, OPERATION_FORMS, readEdit } from '../../core/edits/editArguments.ts';
import type { Edit } from '../../contract/domain/edit.ts';
import { isVersionFile, readVersionFile } from '../../storage/versions/versionFile.ts';
import { placeOf } from '../../workbench/exports.ts';
import type { Workbench } from '../../workbench/workbench.ts';
import type { CommandArguments, Option } from './command.ts';
import { given, optionalText, requiredText, texts } from './values.ts';

/** What an operation looks like. */
export const OPERATION_HELP = `${OPERATION_FORMS.join(', ')}; F is the number of a feature.`;

export const WHERE_OPTIONS: Readonly<Record<'scope' | 'gate', Option>> = {
  scope: {
    type: 'string',
    description: `${FIXED_POSITIONS.map((one) => (one === 'all' ? 'all (default)' : one)).join(', ')} or fromFirstFiring:F.`,
  },
  gate: {
    type: 'string',
    multiple: true,
    description: 'F>T: act only where feature F is above T; several: where any is.',
  },
};

export const EDIT_OPTIONS: Readonly<Record<string, Option>> = {
  dictionary: { type: 'string', short: 'd', description: 'The dictionary whose features --op changes.' },
  op: { type: 'string', multiple: true, description: OPERATION_HELP },
  ...WHERE_OPTIONS,
  edit: { type: 'string', description: 'A file with operations, or a version as it was exported.' },
  version: { type: 'string', description: 'A committed version: its id, branch or tag.' },
};

export interface NamedEdit {
  readonly edit: Edit;
  /** Where it comes from: the version, its author and message. */
  readonly provenance: Readonly<Record<string, string>>;
}

export function namesEdit(arguments_: CommandArguments): boolean {
  return texts(arguments_, 'op').length > 0 || ['edit', 'version'].some((name) => optionalText(arguments_, name));
}

/** Exactly one of --op, --edit and --version says what the edit is. */
export async function editOf(arguments_: CommandArguments, workbench: Workbench, command: string): Promise<NamedEdit> {
  const [operations, file, version] = [
    texts(arguments_, 'op'),
    optionalText(arguments_, 'edit'),
    optionalText(arguments_, 'version'),
  ];
  const ways = [operations.length > 0, file !== undefined, version !== undefined].filter(Boolean).length;
  if (ways !== 1) {
    throw new AppError('usage', `errata ${command}: say what to ${command} with one of --op, --edit and --version.`);
  }
  if (file !== undefined) return editOfFile(file);
  if (version !== undefined) {
    const { id, operations: committed, author, message } = workbench.project.versions.get(version);
    return { edit: { operations: committed }, provenance: { version: id, author, message } };
  }
  const place = await placeOf(workbench, requiredText(arguments_, 'dictionary', command));
  const gates = texts(arguments_, 'gate');
  const scope = optionalText(arguments_, 'scope');
  return { edit: editFromArguments({ ...place, operations, gates, ...given('scope', scope) }), provenance: {} };
}

/** The edit in a file: operations alone, a version, or a version with all that is behind it (errata edit export). */
async function editOfFile(path: string): Promise<NamedEdit> {
  if (!(await isVersionFile(path))) return { edit: await readEdit(path), provenance: {} };
  const { head, versions } = await readVersionFile(path);
  const version = versions.find(({ id }) => id === head);
  if (!version) throw new AppError('invalid-file', `${path}: its head is missing.`);
  const { id, operations, author, message } = version;
  return { edit: { operations }, provenance: { version: id, author, message } };
}
