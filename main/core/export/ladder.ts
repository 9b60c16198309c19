// The ladder of exports: for an edit, which forms can carry it, which of them are exact, and why the others are not. The first
// rung that is exact is what a person is offered.
import type * as v from 'valibot';
import type { rungSchema } from '../../contract/domain/exportForms.ts';
import type { Operation } from '../../contract/domain/operations/index.ts';
import { EXPORT_FORM_NAMES, EXPORT_FORMS, type ExportFormName } from './forms/index.ts';
import type { PlanFacts } from './forms/form.ts';

type Rung = v.InferOutput<typeof rungSchema> & { readonly form: ExportFormName };

export interface Ladder {
  readonly rungs: readonly Rung[];
  /** The first exact rung; where none is, the first that can carry the edit. */
  readonly default: ExportFormName;
}

/** @param dictionaryOf facts of the dictionary that an operation names. */
export function exportLadder(
  model: PlanFacts['model'],
  operations: readonly Operation[],
  dictionaryOf: PlanFacts['dictionaryOf'],
): Ladder {
  const rungs = EXPORT_FORM_NAMES.map((form): Rung => {
    const { title, description, carries, calibrates, pythonNeeds } = EXPORT_FORMS[form];
    const { applies, badge, reason } = EXPORT_FORMS[form].plan({ model, operations, dictionaryOf });
    return { form, title, description, carries, calibrates, pythonNeeds, applies, badge, reason };
  });
  return { rungs, default: defaultForm(rungs) };
}

/** What a person is offered first. */
export function defaultForm<Name extends string>(
  rungs: readonly { readonly form: Name; readonly badge: Rung['badge']; readonly applies: boolean }[],
): Name {
  const found = rungs.find(({ badge }) => badge === 'exact') ?? rungs.find(({ applies }) => applies) ?? rungs[0];
  if (found) return found.form;
  throw new RangeError('there are no forms');
}
