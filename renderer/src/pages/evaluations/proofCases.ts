// The proof of a report: single cases, the text before and the text after, in the order that convinces: what went from the
// targets, what was lost of what should have stayed, then the rest.
import { outcomeWord } from '../../../../main/contract/domain/outcomeWords.ts';
import type { Report } from '../../api/types.ts';

type Suite = Report['suites'][number];

export interface ProofCase {
  readonly suite: string;
  readonly aim: Suite['aim'];
  readonly role: Suite['role'];
  readonly prompt: string;
  readonly before: string;
  readonly after: string;
  readonly passedBefore: boolean;
  readonly faults: NonNullable<Suite['changed'][number]['faults']>;
  /** It is worse with the edit. */
  readonly isLoss: boolean;
}

export const PROOF_FILTERS = ['changed', 'lost', 'broken'] as const;
export type ProofFilter = (typeof PROOF_FILTERS)[number];

export function proofCases(suites: readonly Suite[]): readonly ProofCase[] {
  const order = { target: 0, keep: 1, other: 2 };
  return suites
    .toSorted((a, b) => order[a.role] - order[b.role])
    .flatMap(({ name, aim, role, changed }) =>
      changed.map(({ faults = [], ...one }) => ({
        ...one,
        ...{ suite: name, aim, role, faults },
        isLoss: !outcomeWord(aim, !one.passedBefore).isGood,
      })),
    );
}

/** `broken`: what took the place is not sound. */
export function filterProof(cases: readonly ProofCase[], filter: ProofFilter): readonly ProofCase[] {
  if (filter === 'lost') return cases.filter(({ isLoss }) => isLoss);
  return filter === 'broken' ? cases.filter(({ faults }) => faults.length > 0) : cases;
}
