// An operation in words. f is the feature's activation, d its decoder row, x the activation of the site.
import type { Operation } from '../../api/types.ts';
import { figure } from '../../state/format.ts';

export const OPERATION_KINDS = ['ablate', 'scale', 'clamp', 'clampActive', 'floor', 'cap', 'steer', 'project'] as const;
export type OperationKind = (typeof OPERATION_KINDS)[number];

export const KIND_HINTS: Record<OperationKind, string> = {
  ablate: 'f becomes 0: the feature is taken out.',
  scale: 'f is multiplied.',
  clamp: 'f is held at a value, everywhere.',
  clampActive: 'f is held at a value where the feature fires.',
  floor: 'f is at least a value.',
  cap: 'f is at most a value.',
  steer: 'An amount of d is added to x, whether the feature fires or not.',
  project: 'The part of x along d is multiplied; 0 removes the direction.',
};

export const SCOPES = ['all', 'notBos', 'promptOnly', 'generatedOnly'] as const;
export const SCOPE_NAMES: Record<(typeof SCOPES)[number], string> = {
  all: 'at all tokens',
  notBos: 'at all tokens but the first (BOS)',
  promptOnly: 'at tokens of the prompt',
  generatedOnly: 'at generated tokens',
};

/** What a kind needs beside the feature; null for nothing. */
export function amountName(kind: OperationKind): 'factor' | 'value' | 'amount' | null {
  switch (kind) {
    case 'ablate':
      return null;
    case 'scale':
    case 'project':
      return 'factor';
    case 'steer':
      return 'amount';
    default:
      return 'value';
  }
}

/**
 * 'scale by 0.5 at generated tokens, where feature 90 > 0.5'
 * @param labelOf labels of features that gates and scopes read.
 */
export function operationText(
  operation: Operation,
  labelOf: (operation: Operation, feature: number) => string | null = () => null,
): string {
  const named = (feature: number) => {
    const label = labelOf(operation, feature);
    return label === null ? `feature ${feature}` : `feature ${feature} “${label}”`;
  };
  const amount =
    operation.kind === 'ablate'
      ? ''
      : operation.kind === 'scale' || operation.kind === 'project'
        ? ` by ${figure(operation.factor)}`
        : operation.kind === 'steer'
          ? ` by ${figure(operation.amount)}`
          : ` ${operation.kind === 'floor' || operation.kind === 'cap' ? 'at' : 'to'} ${figure(operation.value)}`;
  const { scope, gates } = operation;
  const where =
    scope.positions === 'fromFirstFiring'
      ? ` from the first firing of ${named(scope.feature)}`
      : scope.positions === 'all'
        ? ''
        : ` ${SCOPE_NAMES[scope.positions]}`;
  const gate =
    gates.length === 0
      ? ''
      : `, where ${gates.map(({ feature, threshold }) => `${named(feature)} > ${figure(threshold)}`).join(' or ')}`;
  return `${operation.kind}${amount}${where}${gate}`;
}
