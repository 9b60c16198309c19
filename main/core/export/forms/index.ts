// The table of export forms, in the order of the ladder: the first that is exact for an edit is what a person is offered.
import { AppError } from '../../../contract/base/errors.ts';
import { bias } from './bias/index.ts';
import { embedded } from './embedded/index.ts';
import type { ExportForm } from './form.ts';
import { huggingface } from './huggingface/index.ts';
import { referenced } from './referenced/index.ts';
import { weights } from './weights/index.ts';

const TABLE = { embedded, referenced, bias, weights, huggingface };

export type ExportFormName = keyof typeof TABLE;
/** Each form under its own name, or this does not compile. */
export const EXPORT_FORMS: { readonly [Name in ExportFormName]: ExportForm<Name> } = TABLE;

export const EXPORT_FORM_NAMES: readonly ExportFormName[] = Object.values(EXPORT_FORMS).map(({ name }) => name);

/** @throws AppError `unsupported`: it may be of a newer version. */
export function findForm(name: string): ExportForm<ExportFormName> {
  const form = Object.values(EXPORT_FORMS).find((one) => one.name === name);
  if (form) return form;
  throw new AppError(
    'unsupported',
    `"${name}" is not a form of export. Choose one of ${EXPORT_FORM_NAMES.join(', ')}.`,
    {
      details: { form: name },
    },
  );
}
