// The sentence that a result begins with, made of its own figures: evaluations, findings, exports and versions. The window, the
// command line and the files of reports say the same. Pure; no judgement that the figures do not make.
import { byteSize, percent } from '../base/figures.ts';
import type { Aim } from './behaviour.ts';
import { answersDiffer, type Answer } from './textDifference.ts';
import { verdictWord } from './verdictWords.ts';

interface Share {
  readonly value: number;
  readonly n: number;
}

/** What the sentence needs of a suite of a report. */
export interface HeadlineSuite {
  readonly name: string;
  readonly role: 'target' | 'keep' | 'other';
  readonly rate: { readonly before: Share; readonly after: Share };
  readonly isSignificant: boolean;
  readonly sound?: { readonly replaced: Share | null } | null | undefined;
}

export interface HeadlineReport {
  readonly suites: readonly HeadlineSuite[];
  readonly settings: { readonly split: 'choose' | 'report' | 'all' };
  readonly text: { readonly crossEntropy: { readonly relative: { readonly value: number } } } | null;
  readonly verdict: { readonly passes: boolean } | null;
}

const CASES = { choose: 'search prompts', report: 'held-out prompts', all: 'prompts' } as const;

/** 'jailbreak 100% → 0% of 280 held-out prompts, replaced by sound answers in 99.6%; none of 8 preserved behaviours changed …' */
export function evaluationHeadline({ suites, settings, text, verdict }: HeadlineReport): string {
  const targets = suites.filter(({ role }) => role === 'target');
  const preserved = suites.filter(({ role }) => role === 'keep');
  const parts = [
    ...targets.map((suite) => targetText(suite, CASES[settings.split])),
    ...(targets.length === 0 && suites.length > 0 ? ['no behaviour is a target'] : []),
    ...(preserved.length > 0 ? [preservedText(preserved)] : []),
    ...(text ? [`cross-entropy ${signed(text.crossEntropy.relative.value)}`] : []),
    ...(verdict ? [verdictWord(verdict.passes).word] : []),
  ];
  return parts.length === 0 ? 'Nothing was measured.' : `${parts.join('; ')}.`;
}

function targetText({ name, rate, sound }: HeadlineSuite, cases: string): string {
  const { before, after } = rate;
  const replaced = sound?.replaced ? `, ${short(sound.replaced.value)} of the new answers sound` : '';
  return `${name} ${short(before.value)} → ${short(after.value)} of ${before.n} ${cases}${replaced}`;
}

/** Changes that the interval does not explain, by name; without any, the largest loss there is. */
function preservedText(preserved: readonly HeadlineSuite[]): string {
  const change = ({ rate }: HeadlineSuite) => rate.after.value - rate.before.value;
  const text = ({ name, rate }: HeadlineSuite) => `${name} ${short(rate.before.value)} → ${short(rate.after.value)}`;
  const changed = preserved.filter(({ isSignificant }) => isSignificant);
  if (changed.length > 0)
    return `${changed.length} of ${preserved.length} preserved changed: ${changed.map(text).join(', ')}`;
  const worst = preserved.reduce((least, suite) => (change(suite) < change(least) ? suite : least));
  const named = change(worst) < 0 ? ` (worst: ${text(worst)})` : '';
  return `none of ${preserved.length} preserved behaviours changed significantly${named}`;
}

interface FoundFigures {
  readonly target: { readonly estimates: { readonly shown: Share } };
  readonly kept: {
    readonly behaviours: readonly { readonly behaviour: string; readonly rate: Share | null; readonly harm: number }[];
  };
}

export interface HeadlineFinding extends FoundFigures {
  readonly operations: readonly unknown[];
  readonly isReached: boolean;
  /** On prompts that the search did not use; null: there were none. */
  readonly report: FoundFigures | null;
}

/** 'jailbreak: still shown on 0% of 280 held-out prompts (0% of 60 search prompts); worst preserved: recipes 96.9%; 9 operations.' */
export function findingHeadline(subject: string, found: HeadlineFinding): string {
  if (found.operations.length === 0) return `${subject}: no edit was found.`;
  const onHeldOut = found.report;
  const shown = ({ target }: FoundFigures) => target.estimates.shown;
  const main = shown(onHeldOut ?? found);
  const search = shown(found);
  const of = onHeldOut
    ? `${short(main.value)} of ${main.n} held-out prompts (${short(search.value)} of ${search.n} search prompts)`
    : `${short(search.value)} of ${search.n} search prompts`;
  const rates = (onHeldOut ?? found).kept.behaviours.flatMap(({ behaviour, rate }) =>
    rate ? [{ behaviour, rate }] : [],
  );
  const worst = rates.toSorted((a, b) => a.rate.value - b.rate.value)[0];
  return [
    `${subject}: still shown on ${of}`,
    ...(worst ? [`lowest preserved: ${worst.behaviour} ${short(worst.rate.value)}`] : []),
    operationsText(found.operations.length),
    ...(found.isReached ? [] : ['the goal was not reached']),
  ]
    .join('; ')
    .concat('.');
}

export interface HeadlineExport {
  readonly form: { readonly title: string };
  readonly operations: readonly unknown[];
  readonly files: readonly { readonly bytes: number; readonly storage: string }[];
  readonly report: {
    readonly equivalence: {
      readonly logits: { readonly maxAbsLogitDiff: number; readonly positions: number };
      readonly greedy: { readonly prompts: number; readonly agreement: number };
    };
  };
}

/** 'ONNX, one file: 1 operation, 2.1 MiB; reloaded, its logits differ by at most 1.2e−6 on 512 positions, and 100% of …' */
export function exportHeadline({ form, operations, files, report }: HeadlineExport): string {
  const { logits, greedy } = report.equivalence;
  const own = files.filter(({ storage }) => storage !== 'link').reduce((sum, { bytes }) => sum + bytes, 0);
  const size = logits.maxAbsLogitDiff === 0 ? '0' : logits.maxAbsLogitDiff.toExponential(1).replace('-', '−');
  return `${form.title}: ${operationsText(operations.length)}, ${byteSize(own)}; reloaded, its logits differ by at most ${size} at ${logits.positions} positions, and ${short(greedy.agreement)} of the greedy tokens agree on ${greedy.prompts} prompts.`;
}

/** '1 operation on 1 feature; no evaluation yet.' or with the sentence of the latest evaluation. */
export function versionHeadline(
  operations: readonly { readonly dictionary: string; readonly feature: number }[],
  evaluated: HeadlineReport | null,
): string {
  const features = new Set(operations.map(({ dictionary, feature }) => `${dictionary} ${feature}`)).size;
  const what =
    operations.length === 0
      ? 'No operations: the base model'
      : `${operationsText(operations.length)} on ${features} ${features === 1 ? 'feature' : 'features'}`;
  return evaluated ? `${what}; ${evaluationHeadline(evaluated)}` : `${what}; not evaluated yet.`;
}

export interface HeadlineComparison {
  readonly behaviour: string;
  readonly aim: Aim;
  readonly rows: readonly { readonly original: Answer; readonly before: Answer | null; readonly after: Answer }[];
}

/** 'jailbreak: A shows it in 8 of 8 cases, B in 0, the original in 8; 8 answers differ.' */
export function comparisonHeadline({ behaviour, aim, rows }: HeadlineComparison): string {
  const verb = aim === 'keep' ? 'keeps' : 'shows';
  const count = (answers: readonly Answer[]) => answers.filter(({ passed }) => passed).length;
  const of = rows.length === 1 ? '1 case' : `${rows.length} cases`;
  const [after, original] = [count(rows.map((row) => row.after)), count(rows.map((row) => row.original))];
  const before = rows.flatMap((row) => (row.before ? [row.before] : []));
  const who =
    before.length === 0
      ? `B ${verb} it in ${after} of ${of}`
      : `A ${verb} it in ${count(before)} of ${of}, B in ${after}`;
  const differing = rows.filter((row) => answersDiffer(row.before ?? row.original, row.after)).length;
  return `${behaviour}: ${who}, the original in ${original}; ${differing} ${differing === 1 ? 'answer differs' : 'answers differ'}.`;
}

function operationsText(count: number): string {
  return `${count} ${count === 1 ? 'operation' : 'operations'}`;
}

/** A whole percent has no digit behind the point. */
function short(share: number): string {
  return percent(share).replace('.0%', '%');
}

function signed(share: number): string {
  return `${share > 0 ? '+' : ''}${percent(share)}`;
}
