// An operation in words. f is the feature's activation, d its decoder row, x the activation of the site.
import { numberOf, OPERATIONS } from '../../../../main/contract/domain/operations/index.ts';
import { POSITION_WORDS } from '../../../../main/contract/domain/operations/target.ts';
import type { Operation } from '../../api/types.ts';
import { figure } from '../../state/format.ts';

/** What a kind of operation does, for a tooltip. */
export function kindHint(kind: Operation['kind']): string {
  return `${OPERATIONS[kind].title}: ${OPERATIONS[kind].description}`;
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
  const number = numberOf(operation);
  const amount = number === null ? '' : ` ${OPERATIONS[operation.kind].number?.preposition ?? ''} ${figure(number)}`;
  const { scope, gates } = operation;
  const where =
    scope.positions === 'fromFirstFiring'
      ? ` from the first firing of ${named(scope.feature)}`
      : scope.positions === 'all'
        ? ''
        : ` ${POSITION_WORDS[scope.positions]}`;
  const gate =
    gates.length === 0
      ? ''
      : `, where ${gates.map(({ feature, threshold }) => `${named(feature)} > ${figure(threshold)}`).join(' or ')}`;
  return `${operation.kind}${amount}${where}${gate}`;
}
