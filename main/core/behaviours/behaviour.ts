// Behaviours read and identified; what one is stands in contract/domain/behaviour.ts.
import { AppError, type ErrorCode } from '../../contract/base/errors.ts';
import { validate } from '../../contract/base/validate.ts';
import { behaviourSchema, caseSchema, type Behaviour, type Case } from '../../contract/domain/behaviour.ts';
import type { Check } from '../../contract/domain/checks.ts';
import { canonicalJson, contentId } from '../edits/canonical.ts';

/**
 * Checks a behaviour from outside and fills in its defaults.
 * @throws AppError(code) naming the first thing wrong, two cases that contradict each other among it.
 */
export function parseBehaviour(value: unknown, subject = 'The behaviour', code: ErrorCode = 'usage'): Behaviour {
  const behaviour = validate(behaviourSchema, value, subject, code);
  const contradiction = findContradiction(behaviour.cases);
  if (contradiction === null) return behaviour;
  const { first, second, what } = contradiction;
  const where = first === second ? `case ${first + 1}` : `cases ${first + 1} and ${second + 1}`;
  throw new AppError(
    code,
    `${subject}: ${where} ${first === second ? 'contradicts itself' : 'contradict each other'}: ${what}.`,
    {
      details: { subject, first, second },
    },
  );
}

/** Checks one case, as a row of a file holds it. */
export function parseCase(value: unknown, subject: string, code: ErrorCode = 'invalid-file'): Case {
  return validate(caseSchema, value, subject, code);
}

/** @returns the id of a behaviour as `parseBehaviour` returns it. */
export function behaviourId(behaviour: Behaviour): string {
  return contentId(behaviour);
}

interface Contradiction {
  readonly first: number;
  readonly second: number;
  readonly what: string;
}

/** Two checks on one prompt that no model can pass both: the opposite of one another, or bounds that exclude each other. */
function findContradiction(cases: readonly Case[]): Contradiction | null {
  const seen = new Map<string, { readonly index: number; readonly check: Check }>();
  for (const [index, { system, prompt, raw, checks }] of cases.entries()) {
    for (const check of checks) {
      const rival = rivalKeys([system, prompt, raw], check);
      const other = seen.get(rival.opposite);
      if (other && excludes(other.check, check)) {
        return { first: other.index, second: index, what: `two ${check.kind} checks that cannot both hold` };
      }
      seen.set(rival.own, { index, check });
    }
  }
  return null;
}

/** Names under which a check and the check that could exclude it are found. */
function rivalKeys(place: readonly unknown[], check: Check): { readonly own: string; readonly opposite: string } {
  const key = (side: unknown, rest: unknown) => canonicalJson([place, side, rest]);
  if ('bound' in check) {
    const { bound: side, value: _, ...rest } = check;
    return { own: key(side, rest), opposite: key(side === 'atLeast' ? 'atMost' : 'atLeast', rest) };
  }
  const { expected: side, ...rest } = check;
  return { own: key(side, rest), opposite: key(!side, rest) };
}

function excludes(one: Check, other: Check): boolean {
  if (!('bound' in one) || !('bound' in other)) return true;
  const [low, high] = one.bound === 'atLeast' ? [one.value, other.value] : [other.value, one.value];
  return low > high;
}
