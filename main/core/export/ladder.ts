// The ladder of exports: for an edit, which forms can carry it, which of them are exact, and why the others are not. The first
// rung that is exact is what a person is offered.
import { graphExactness, type Exactness } from '../edits/exactness.ts';
import type { Operation } from '../edits/edit.ts';
import type { Dictionary } from '../dictionaries/dictionary.ts';
import type { Model } from '../models/model.ts';
import { planHook } from './forms/huggingface/hookPlan.ts';
import { planWeights } from './checkpoints/weightPlan.ts';

/** In the order of the ladder. */
export const EXPORT_FORMS = ['embedded', 'referenced', 'bias', 'weights', 'huggingface'] as const;
export type ExportForm = (typeof EXPORT_FORMS)[number];

/** Forms that are graphs for ONNX Runtime; the others are folders in the layout of the Hub. */
export type OnnxForm = 'embedded' | 'referenced';

export function isOnnx(form: ExportForm): form is OnnxForm {
  return form === 'embedded' || form === 'referenced';
}

export interface Rung {
  readonly form: ExportForm;
  /** False: the edit cannot be exported in this form, and `reason` says why. */
  readonly applies: boolean;
  /** What the form is for this edit as a whole; null where it does not apply. */
  readonly badge: Exactness['badge'] | null;
  readonly reason: string;
}

export interface Ladder {
  readonly rungs: readonly Rung[];
  /** The first exact rung. */
  readonly default: ExportForm;
}

export type DictionaryFacts = Pick<Dictionary, 'architecture' | 'size' | 'k'>;

/** @param dictionaryOf facts of the dictionary that an operation names. */
export function exportLadder(
  model: Pick<Model, 'writers' | 'sites' | 'config' | 'modules'>,
  operations: readonly Operation[],
  dictionaryOf: (operation: Operation) => DictionaryFacts,
): Ladder {
  const rungs = EXPORT_FORMS.map((form): Rung => ({ form, ...rungOf(form, model, operations, dictionaryOf) }));
  return { rungs, default: rungs.find(({ badge }) => badge === 'exact')?.form ?? 'embedded' };
}

function rungOf(
  form: ExportForm,
  model: Pick<Model, 'writers' | 'sites' | 'config' | 'modules'>,
  operations: readonly Operation[],
  dictionaryOf: (operation: Operation) => DictionaryFacts,
): Omit<Rung, 'form'> {
  if (form === 'bias' || form === 'weights') {
    const plan = planWeights(model, operations, form);
    if ('refused' in plan) return { applies: false, badge: null, reason: plan.refused };
    return { applies: true, ...compiledExactness(form, plan.isExact) };
  }
  if (form === 'huggingface') {
    const plan = planHook(model, operations);
    if ('refused' in plan) return { applies: false, badge: null, reason: plan.refused };
  }
  const worst = worstOf(operations.map((operation) => graphExactness(operation, dictionaryOf(operation))));
  return { applies: true, badge: worst.badge, reason: `${HOW[form]} ${worst.reason}`.trim() };
}

const HOW: Readonly<Record<OnnxForm | 'huggingface', string>> = {
  embedded: 'The edit is spliced into the graph at its site.',
  referenced: 'The edit is spliced into the graph at its site.',
  huggingface: 'A hook computes the edit at its site.',
};

/** Of every operation of an edit that is compiled into weights. */
export function compiledExactness(form: 'bias' | 'weights', isExact: boolean): Exactness {
  if (form === 'bias') return { badge: 'exact', reason: 'A bias that is added at the site carries the constant.' };
  if (isExact) return { badge: 'exact', reason: 'Nothing reads the stream between what is projected and the site.' };
  return {
    badge: 'approximate',
    reason:
      'It projects everything that is written to the stream up to the site, so the blocks before the site see the projected ' +
      'stream, too. By how much the model then differs from the edit at the site alone is measured and reported.',
  };
}

const ORDER: readonly Exactness['badge'][] = ['exact', 'calibrated', 'approximate'];

function worstOf(all: readonly Exactness[]): Exactness {
  const sorted = all.toSorted((a, b) => ORDER.indexOf(b.badge) - ORDER.indexOf(a.badge));
  return { badge: sorted[0]?.badge ?? 'exact', reason: sorted[0]?.badge === 'exact' ? '' : (sorted[0]?.reason ?? '') };
}
