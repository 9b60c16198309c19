// An edit: a list of operations at the features of dictionaries. Content only; no ids, no names, no time.
// Invariants: at most one operation per (site, dictionary, feature); every number is finite and fits float32. All
// operations at a site read the same x and their deltas are added, x' = x + Σᵢ (f'ᵢ − fᵢ)·dᵢ, so the order of the list
// carries no meaning: the canonical form sorts it, and equal edits have equal ids.
import * as v from 'valibot';
import type { ErrorCode } from '../../contract/base/errors.ts';
import { featureSchema, hashSchema, siteSchema } from '../../contract/base/fields.ts';
import { validate } from '../../contract/base/validate.ts';
import { canonicalJson, contentId } from './canonical.ts';

/** The positions at which an operation acts. `fromFirstFiring`: from the first position on at which `feature` (of the same dictionary) is above 0, that position included. */
export type Scope =
  | { readonly positions: 'all' | 'notBos' | 'promptOnly' | 'generatedOnly' }
  | { readonly positions: 'fromFirstFiring'; readonly feature: number };

/** Open at a position where `feature` (of the same dictionary) is strictly above `threshold`. */
export interface Gate {
  readonly feature: number;
  readonly threshold: number;
}

/** Where an operation acts. No gates: always open. Several gates: open where any of them is. */
export interface Target {
  readonly feature: number;
  /** Content hash of the dictionary: sha-256, 64 lower-case hex digits. */
  readonly dictionary: string;
  /** TransformerLens name of the site: `blocks.3.hook_resid_post`. */
  readonly site: string;
  readonly scope: Scope;
  readonly gates: readonly Gate[];
}

/** What is done with f (the feature activation), x (the activation at the site) and d (the decoder row). */
export type Action =
  | { readonly kind: 'ablate' } // f' = 0
  | { readonly kind: 'scale'; readonly factor: number } // f' = factor·f
  | { readonly kind: 'clamp'; readonly value: number } // f' = value, everywhere
  | { readonly kind: 'clampActive'; readonly value: number } // f' = value·1[f > 0]
  | { readonly kind: 'floor'; readonly value: number } // f' = max(f, value)
  | { readonly kind: 'cap'; readonly value: number } // f' = min(f, value)
  | { readonly kind: 'steer'; readonly amount: number } // x' = x + amount·d
  | { readonly kind: 'project'; readonly factor: number }; // x' = x + (factor−1)(x·d̂)d̂

export type ActionKind = Action['kind'];
export type Operation = Target & Action;

export interface Edit {
  readonly operations: readonly Operation[];
}

export const EMPTY_EDIT: Edit = { operations: [] };

export const MAX_OPERATIONS = 4096;
export const MAX_GATES = 64;
const MAX_FLOAT32 = 3.4028234663852886e38;

const amountSchema = v.pipe(
  v.number('expected a finite number'),
  v.finite('expected a finite number'),
  v.minValue(-MAX_FLOAT32, 'the number does not fit float32'),
  v.maxValue(MAX_FLOAT32, 'the number does not fit float32'),
);

const scopeSchema = v.variant(
  'positions',
  [
    v.strictObject({ positions: v.picklist(['all', 'notBos', 'promptOnly', 'generatedOnly']) }),
    v.strictObject({ positions: v.literal('fromFirstFiring'), feature: featureSchema }),
  ],
  (issue) =>
    issue.kind === 'schema' && issue.type === 'variant' ? `unknown positions ${issue.received}` : issue.message,
);

const target = {
  feature: featureSchema,
  dictionary: hashSchema,
  site: siteSchema,
  scope: scopeSchema,
  gates: v.pipe(
    v.array(v.strictObject({ feature: featureSchema, threshold: amountSchema })),
    v.maxLength(MAX_GATES, `more than ${MAX_GATES} gates`),
  ),
};

const operationSchema = v.variant(
  'kind',
  [
    v.strictObject({ ...target, kind: v.literal('ablate') }),
    v.strictObject({ ...target, kind: v.literal('scale'), factor: amountSchema }),
    v.strictObject({ ...target, kind: v.literal('clamp'), value: amountSchema }),
    v.strictObject({ ...target, kind: v.literal('clampActive'), value: amountSchema }),
    v.strictObject({ ...target, kind: v.literal('floor'), value: amountSchema }),
    v.strictObject({ ...target, kind: v.literal('cap'), value: amountSchema }),
    v.strictObject({ ...target, kind: v.literal('steer'), amount: amountSchema }),
    v.strictObject({ ...target, kind: v.literal('project'), factor: amountSchema }),
  ],
  (issue) => (issue.type === 'variant' ? `unknown operation ${issue.received}` : issue.message),
);

/** The canonical list of operations; refuses two operations on one feature. */
export const operationsSchema = v.pipe(
  v.array(operationSchema),
  v.maxLength(MAX_OPERATIONS, `more than ${MAX_OPERATIONS} operations`),
  v.check(
    (operations) => new Set(operations.map(targetKey)).size === operations.length,
    'two operations on one feature at one site',
  ),
  v.transform((operations): readonly Operation[] => canonicalOperations(operations)),
);

/** The name of the place an operation changes: an edit has at most one operation for each key. */
export function targetKey(operation: Pick<Operation, 'site' | 'dictionary' | 'feature'>): string {
  return `${operation.site} ${operation.dictionary} ${operation.feature}`;
}

/** Checks an edit from outside and returns its canonical form. @throws AppError(code) that names the first thing wrong. */
export function parseEdit(value: unknown, subject = 'The edit', code: ErrorCode = 'usage'): Edit {
  return validate(v.strictObject({ operations: operationsSchema }), value, subject, code);
}

/** Operations sorted by site, feature, dictionary; gates sorted, of two on one feature the one that opens first; −0 as 0. */
export function canonicalOperations(operations: readonly Operation[]): readonly Operation[] {
  return operations
    .map((operation) => positiveZeros({ ...operation, gates: canonicalGates(operation.gates) }))
    .sort((a, b) => compareText(a.site, b.site) || a.feature - b.feature || compareText(a.dictionary, b.dictionary));
}

export function canonicalEdit(edit: Edit): Edit {
  return { operations: canonicalOperations(edit.operations) };
}

/** sha-256 of the canonical content: equal edits, equal ids, on every platform. */
export function editId(edit: Edit): string {
  return contentId(canonicalEdit(edit));
}

export function sameOperation(a: Operation | undefined, b: Operation | undefined): boolean {
  if (a === undefined || b === undefined) return a === b;
  return canonicalJson(canonicalOperations([a])) === canonicalJson(canonicalOperations([b]));
}

/** Every feature an operation reads or changes: its own, its gates', its scope's. */
export function featuresOf(operation: Operation): readonly number[] {
  const features = new Set([operation.feature, ...operation.gates.map((gate) => gate.feature)]);
  if (operation.scope.positions === 'fromFirstFiring') features.add(operation.scope.feature);
  return [...features].sort((a, b) => a - b);
}

/** The open set is a union, so of two gates on one feature only the lower threshold matters. */
function canonicalGates(gates: readonly Gate[]): readonly Gate[] {
  const lowest = new Map<number, number>();
  for (const { feature, threshold } of gates) {
    lowest.set(feature, Math.min(threshold + 0, lowest.get(feature) ?? Infinity));
  }
  return [...lowest].map(([feature, threshold]) => ({ feature, threshold })).sort((a, b) => a.feature - b.feature);
}

/** −0 + 0 is 0: without this, two edits with one spelling would differ under Object.is. */
function positiveZeros(operation: Operation): Operation {
  const feature = operation.feature + 0;
  switch (operation.kind) {
    case 'ablate':
      return { ...operation, feature };
    case 'steer':
      return { ...operation, feature, amount: operation.amount + 0 };
    case 'scale':
    case 'project':
      return { ...operation, feature, factor: operation.factor + 0 };
    case 'clamp':
    case 'clampActive':
    case 'floor':
    case 'cap':
      return { ...operation, feature, value: operation.value + 0 };
  }
}

function compareText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
