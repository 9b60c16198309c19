// An edit: a list of operations at the features of dictionaries. Content only; no ids, no names, no time.
// Invariants: at most one operation per (site, dictionary, feature); every number is finite and fits float32. All
// operations at a site read the same x and their deltas are added, x' = x + Σᵢ gᵢ·dᵢ, so the order of the list carries no
// meaning: the canonical form sorts it, and equal edits have equal ids.
import * as v from 'valibot';
import type { ErrorCode } from '../base/errors.ts';
import { validate } from '../base/validate.ts';
import { makeOperation, numberOf, OPERATION_SCHEMAS, type Operation } from './operations/index.ts';
import type { Gate } from './operations/target.ts';

export interface Edit {
  readonly operations: readonly Operation[];
}

export const EMPTY_EDIT: Edit = { operations: [] };

export const MAX_OPERATIONS = 4096;

/** One change to one feature at one site. */
export const operationSchema = v.variant('kind', OPERATION_SCHEMAS, (issue) =>
  issue.type === 'variant' ? `unknown operation ${issue.received}` : issue.message,
);

/** Operations as they stand, in their order. */
export const operationListSchema = v.pipe(
  v.array(operationSchema),
  v.maxLength(MAX_OPERATIONS, `more than ${MAX_OPERATIONS} operations`),
);

/** The canonical list of operations; refuses two operations on one feature. */
export const operationsSchema = v.pipe(
  operationListSchema,
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
    .map((operation) => canonicalOperation(operation))
    .sort((a, b) => compareText(a.site, b.site) || a.feature - b.feature || compareText(a.dictionary, b.dictionary));
}

export function canonicalEdit(edit: Edit): Edit {
  return { operations: canonicalOperations(edit.operations) };
}

/** Every feature an operation reads or changes: its own, its gates', its scope's. */
export function featuresOf(operation: Operation): readonly number[] {
  const features = new Set([operation.feature, ...operation.gates.map((gate) => gate.feature)]);
  if (operation.scope.positions === 'fromFirstFiring') features.add(operation.scope.feature);
  return [...features].sort((a, b) => a - b);
}

/** −0 + 0 is 0: without this, two edits with one spelling would differ under Object.is. */
function canonicalOperation(operation: Operation): Operation {
  const target = { ...operation, feature: operation.feature + 0, gates: canonicalGates(operation.gates) };
  return makeOperation(operation.kind, (numberOf(operation) ?? 0) + 0, target);
}

/** The open set is a union, so of two gates on one feature only the lower threshold matters. */
function canonicalGates(gates: readonly Gate[]): readonly Gate[] {
  const lowest = new Map<number, number>();
  for (const { feature, threshold } of gates) {
    lowest.set(feature, Math.min(threshold + 0, lowest.get(feature) ?? Infinity));
  }
  return [...lowest].map(([feature, threshold]) => ({ feature, threshold })).sort((a, b) => a.feature - b.feature);
}

function compareText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
