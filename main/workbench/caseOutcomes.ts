// What is known of single cases without running them: from the latest run of a behaviour, or else from the latest evaluation
// that had it among its suites. A sample that ships an evaluation knows its failing cases from the first click.
import type { CaseMarks, EvaluationReport } from '../contract/domain/evaluationReport.ts';
import type { Case } from '../contract/domain/behaviour.ts';
import type { Project } from '../storage/project/project.ts';

export interface CaseOutcomes {
  /** In the order of the cases; null: never run. */
  readonly unedited: readonly (boolean | null)[];
  /** With the version that the working edit started from. */
  readonly head: readonly (boolean | null)[];
}

/** Older evaluations are not read: a report has a hundred kilobytes. */
const READ_REPORTS = 10;

/** @param ref of a behaviour. @throws AppError `not-found`. */
export function caseOutcomes(
  project: Pick<Project, 'behaviours' | 'versions' | 'evaluations'>,
  ref: string,
): CaseOutcomes {
  const { behaviours, versions, evaluations } = project;
  const id = behaviours.resolve(ref);
  const { cases } = behaviours.get(id);
  const head = versions.working()?.head ?? null;
  const edit = head === null ? null : versions.get(head).edit;
  const ran = (version: string | null) =>
    behaviours.results({ behaviour: id, version })[0]?.cases.map(({ passed }) => passed);
  const evaluated = (column: 'before' | 'after', filter: { readonly edit?: string }) => {
    for (const { id: evaluation } of evaluations.list(filter).slice(0, READ_REPORTS)) {
      const { report } = evaluations.get(evaluation);
      const marks = report.suites.find(({ behaviour }) => behaviour === id)?.outcomes?.[column];
      if (marks) return marksOfCases(cases, report, marks);
    }
    return cases.map(() => null);
  };
  return {
    unedited: ran(null) ?? evaluated('before', {}),
    head: edit === null ? cases.map(() => null) : (ran(head) ?? evaluated('after', { edit })),
  };
}

/** The marks of a report are of the cases of its split, in their order. */
export function marksOfCases(
  cases: readonly Pick<Case, 'split'>[],
  { settings }: Pick<EvaluationReport, 'settings'>,
  { passed }: Pick<CaseMarks, 'passed'>,
): (boolean | null)[] {
  let next = 0;
  return cases.map(({ split }) => {
    if (settings.split !== 'all' && split !== settings.split) return null;
    const mark = passed[next++];
    return mark === undefined ? null : mark === '1';
  });
}
