// The search for the first bad version, kept in the working edit: undone, redone and resumed like anything else in it.
import { AppError } from '../../contract/base/errors.ts';
import type { BisectMarks, BisectStep } from '../../contract/domain/bisection.ts';
import { bisectStep, markVersion, startBisect, type Verdict } from '../../core/edits/versionHistory.ts';
import type { Authorship } from '../authorship.ts';
import type { VersionContext } from './context.ts';
import { resolveRef } from './refs.ts';
import { readWorking, requireWorking, setWorking } from './workingEdit.ts';

export interface BisectState {
  readonly marks: BisectMarks;
  readonly next: BisectStep;
}

export function bisections(context: VersionContext) {
  const { database, records, step } = context;

  /** Null: no bisection is under way. */
  const bisection = (): BisectState | null => {
    const marks = readWorking(database)?.bisect ?? null;
    return marks === null ? null : { marks, next: bisectStep(records.graph(), marks) };
  };

  return {
    bisection,

    /** Begins the search for the first bad version between `good` ones and a `bad` one. */
    startBisect(bad: string, good: readonly string[], write: Authorship): BisectState {
      return step('Begin a bisection', write, (change) => {
        const marks = startBisect(
          records.graph(),
          resolveRef(context, bad),
          good.map((ref) => resolveRef(context, ref)),
        );
        setWorking(change, { ...requireWorking(context), bisect: marks });
        return { marks, next: bisectStep(records.graph(), marks) };
      });
    },

    /** Says how a version is: by default the one that the bisection asks about. */
    markBisect(verdict: Verdict, ref: string | undefined, write: Authorship): BisectState {
      return step(`Mark a version ${verdict}`, write, (change) => {
        const current = bisection();
        if (current === null) throw new AppError('usage', 'No bisection is under way.');
        if (ref === undefined && current.next.kind !== 'test')
          throw new AppError('usage', 'The bisection is at its end.');
        const version =
          ref === undefined && current.next.kind === 'test' ? current.next.version : resolveRef(context, ref ?? '');
        const marks = markVersion(current.marks, version, verdict);
        const next = bisectStep(records.graph(), marks); // refuses marks that contradict each other
        setWorking(change, { ...requireWorking(context), bisect: marks });
        return { marks, next };
      });
    },

    endBisect(write: Authorship): void {
      step('End the bisection', write, (change) => {
        setWorking(change, { ...requireWorking(context), bisect: null });
      });
    },
  };
}
