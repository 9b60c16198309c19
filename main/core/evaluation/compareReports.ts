// Two evaluations side by side. Where both ran the same cases, or read the same text, differences are paired case by case or
// context by context, so that what the cases have in common does not widen the interval; elsewhere nothing is subtracted.
import type { CaseMarks, EvaluationReport, SuiteReport } from '../../contract/domain/evaluationReport.ts';
import type { ReportComparison, SuiteComparison } from '../../contract/domain/reportComparison.ts';
import { isSignificant, meanDifference, rateDifference, relativeDifference } from './intervals.ts';

export function compareReports(one: EvaluationReport, other: EvaluationReport, seed = 0): ReportComparison {
  const notes: string[] = [];
  if (one.model !== other.model) notes.push('They are of different models.');
  if (one.settings.split !== other.settings.split) {
    notes.push(`One ran the cases of the split ${one.settings.split}, the other those of ${other.settings.split}.`);
  }
  const names = [...new Set([...one.suites, ...other.suites].map(({ name }) => name))];
  const suites = names.map((name) =>
    compareSuites(
      name,
      one.suites.find((suite) => suite.name === name),
      other.suites.find((suite) => suite.name === name),
      one.settings.split === other.settings.split,
      seed,
    ),
  );
  for (const suite of suites) {
    if (suite.one && suite.other && !suite.difference) {
      notes.push(
        `${suite.name} has been changed between the two, or is of an older program: its cases are not paired.`,
      );
    }
  }
  const [first, second] = [one.text?.perContext, other.text?.perContext];
  const isSameText = first !== undefined && second !== undefined && first.text === second.text;
  if (one.text && other.text && !isSameText) notes.push('They read different held-out text.');
  const sites = [...new Set([...one.blastRadius, ...other.blastRadius].map(({ site }) => site))].sort();
  return {
    suites,
    text: {
      one: one.text?.crossEntropy.after ?? null,
      other: other.text?.crossEntropy.after ?? null,
      relative: isSameText ? relativeDifference(first.after, second.after, seed) : null,
    },
    moved: sites.map((site) => ({ site, one: movedAt(one, site), other: movedAt(other, site) })),
    notes,
  };
}

function compareSuites(
  name: string,
  one: SuiteReport | undefined,
  other: SuiteReport | undefined,
  sameSplit: boolean,
  seed: number,
): SuiteComparison {
  const paired = one && other && sameSplit && one.behaviour === other.behaviour ? marksOf(one, other) : null;
  const [before, after] = paired ? [passes(paired[0]), passes(paired[1])] : [[], []];
  const difference = paired && rateDifference(before, after);
  return {
    name,
    roles: [one?.role ?? null, other?.role ?? null],
    one: one?.rate.after ?? null,
    other: other?.rate.after ?? null,
    difference,
    isSignificant: difference !== null && isSignificant(difference),
    score: paired && scoresOf(paired, seed),
    lost: paired && before.filter((passed, index) => passed && after[index] !== true).length,
    won: paired && after.filter((passed, index) => passed && before[index] !== true).length,
  };
}

function marksOf(one: SuiteReport, other: SuiteReport): readonly [CaseMarks, CaseMarks] | null {
  const [first, second] = [one.outcomes?.after, other.outcomes?.after];
  return first && second && first.passed.length === second.passed.length ? [first, second] : null;
}

function scoresOf([one, other]: readonly [CaseMarks, CaseMarks], seed: number): SuiteComparison['score'] {
  if (!one.scores || !other.scores) return null;
  const mean = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;
  return {
    one: mean(one.scores),
    other: mean(other.scores),
    difference: meanDifference(one.scores, other.scores, seed),
  };
}

function passes({ passed }: CaseMarks): boolean[] {
  return Array.from(passed, (mark) => mark === '1');
}

function movedAt({ blastRadius }: EvaluationReport, site: string): number | null {
  return blastRadius.find((radius) => radius.site === site)?.moved ?? null;
}
