// An evaluation report as PDF, for an appendix or a printer: the figures of the HTML report, with fewer pictures.
import { PREDICTORS } from '../../contract/domain/forecast.ts';
import type { BeforeAfter, EvaluationReport } from '../../contract/domain/evaluationReport.ts';
import type { Estimate } from '../../contract/domain/estimate.ts';
import { evaluationHeadline } from '../../contract/domain/headlines.ts';
import { verdictSentence } from '../../contract/domain/verdictWords.ts';
import { ANSWER_FAULTS, replacements, SOUND_DEFINITION } from '../../contract/domain/soundness.ts';
import { actedText } from '../../contract/domain/acted.ts';
import { SUITE_ROLES } from '../../contract/domain/outcomeWords.ts';
import { BASELINE_NAMES, rivals } from '../../contract/domain/rivals.ts';
import { changesText, outcomeWord } from '../../contract/domain/outcomeWords.ts';
import { percent } from '../../contract/base/figures.ts';
import { isSignificant } from '../evaluation/intervals.ts';
import { PdfWriter, type PdfColumn } from './pdfWriter.ts';
import type { ReportContext } from './html.ts';
import { intervalText, number, operationText, PREDICTOR_NAMES, openingFact } from './text.ts';

const LISTED_FEATURES = 25;
const LISTED_CASES = 10;

/** @param created of the evaluation: the same report then gives the same bytes. */
export async function reportPdf(report: EvaluationReport, context: ReportContext, created: Date): Promise<Buffer> {
  const pdf = new PdfWriter(context.title, created);
  pdf.title(context.title);
  pdf.paragraph(evaluationHeadline(report));
  pdf.facts([
    ...context.facts,
    ['Model', report.model],
    ['Edit', report.edit.id],
    ...openingFact(report),
    ['Seed', String(report.settings.seed)],
  ]);
  verdict(pdf, report);
  for (const { text, isSound } of replacements(report.suites)) pdf.paragraph(text, isSound ? 'good' : 'bad');
  for (const sentence of rivals(report.baselines)) pdf.paragraph(sentence, 'bad');
  if (report.warnings.length > 0) {
    pdf.heading('To know first');
    for (const warning of report.warnings) pdf.paragraph(`• ${warning}`);
  }
  operations(pdf, report, context);
  suites(pdf, report);
  collateral(pdf, report);
  trials(pdf, report);
  for (const radius of report.blastRadius) blast(pdf, radius, context);
  for (const forecast of report.forecasts ?? []) forecasts(pdf, forecast, context);
  changedCases(pdf, report);
  pdf.heading('How to read this');
  pdf.paragraph(
    `Intervals are 95%. Rates: Wilson's score interval; differences of rates on the same cases: Newcombe's interval for paired proportions; rank correlations: Fisher's z; everything else: paired bootstrap (BCa, 2000 resamples) over cases or contexts. n.s.: the interval of the difference holds 0. Baselines and doses run on fewer cases than the main figures; n says how many. ${SOUND_DEFINITION} Characters that the font of this file lacks show as boxes; HTML and JSON have them all.`,
    'soft',
  );
  return pdf.end();
}

const rate = (estimate: Estimate | null) => (estimate ? intervalText(estimate, percent) : '–');
const nats = (estimate: Estimate | null) => (estimate ? intervalText(estimate) : '–');
const difference = (estimate: Estimate, show: (estimate: Estimate) => string) =>
  `${show(estimate)}${isSignificant(estimate) ? '' : ' n.s.'}`;
const column = (title: string, width = 1, isNumber = false): PdfColumn => ({ title, width, isNumber });

function verdict(pdf: PdfWriter, { verdict: found }: EvaluationReport): void {
  if (!found) return;
  pdf.heading('Verdict');
  pdf.paragraph(verdictSentence(found), found.passes ? 'good' : 'bad');
  pdf.table(
    [column('criterion', 2), column('limit'), column('measured', 2), column('n', 0.5, true), column('', 1.4)],
    found.criteria.map(({ name, bound, limit, estimate, isMet, isCertain }) => [
      name,
      `${bound === 'atMost' ? '≤' : '≥'} ${number(limit)}`,
      intervalText(estimate),
      String(estimate.n),
      isMet ? (isCertain ? 'met, the whole interval' : 'met') : 'NOT MET',
    ]),
  );
}

function operations(pdf: PdfWriter, { edit }: EvaluationReport, { labelOf }: ReportContext): void {
  pdf.heading('The edit');
  pdf.table(
    [column('feature'), column('label', 2), column('operation'), column('where', 2), column('site', 1.6)],
    edit.operations.map((operation) => [
      `#${operation.feature}`,
      labelOf?.(operation.dictionary, operation.feature) ?? '',
      operationText(operation),
      `${operation.scope.positions === 'fromFirstFiring' ? `from the first firing of #${operation.scope.feature}` : operation.scope.positions}${operation.gates.map(({ feature, threshold }, index) => `${index === 0 ? ', where ' : ' or '}#${feature} > ${number(threshold)}`).join('')}`,
      operation.site,
    ]),
  );
}

function suites(pdf: PdfWriter, report: EvaluationReport): void {
  if (report.suites.length === 0) return;
  pdf.heading('Behaviours');
  pdf.paragraph('Share of the cases that pass, without the edit (above) and with it (below):', 'soft');
  pdf.whiskers(
    report.suites.map((suite) => ({
      label: `${suite.name} (${SUITE_ROLES[suite.role]})`,
      marks: [
        { estimate: suite.rate.before, colour: 'before' },
        { estimate: suite.rate.after, colour: 'after' },
      ],
    })),
    percent,
  );
  pdf.table(
    [
      column('behaviour', 1.6),
      column('', 0.8),
      column('without', 1.9),
      column('with the edit', 1.9),
      column('difference', 2.1),
      column('refuses', 1.2),
      column('sound', 1.2),
      column('score', 2),
      column('n', 0.5, true),
    ],
    report.suites.map(({ name, role, rate: { before, after, difference: change }, refuses, sound, score }) => [
      name,
      SUITE_ROLES[role],
      rate(before),
      rate(after),
      difference(change, rate),
      refuses ? `${percent(refuses.before.value)} → ${percent(refuses.after.value)}` : '',
      sound ? `${percent(sound.share.before.value)} → ${percent(sound.share.after.value)}` : '',
      score ? `${nats(score.before)} → ${nats(score.after)}` : '',
      String(before.n),
    ]),
  );
}

function collateral(pdf: PdfWriter, { text, continuations }: EvaluationReport): void {
  const rows: string[][] = [];
  const pair = (
    name: string,
    { before, after, difference: change }: BeforeAfter,
    show: (estimate: Estimate) => string,
  ) => rows.push([name, show(before), show(after), difference(change, show), String(before.n)]);
  const single = (name: string, estimate: Estimate, show: (estimate: Estimate) => string) =>
    rows.push([name, '', show(estimate), '', String(estimate.n)]);
  if (text?.acted) rows.push(['Held-out text', '', actedText(text.acted), '', String(text.acted.ofUnits)]);
  if (text) {
    pair('Cross-entropy, nats per token', text.crossEntropy, nats);
    single('Cross-entropy, growth', text.crossEntropy.relative, rate);
    single('KL on held-out text, nats per token', text.kl, nats);
    single('Same likeliest token', text.agreement, rate);
  }
  if (continuations) {
    single("KL along the original's continuations", continuations.perToken, nats);
    single('KL at the first token only', continuations.firstToken, nats);
    single('Greedy text the same', continuations.same, rate);
    pair('Repetitive texts', continuations.loops, rate);
    pair('Distinct tokens', continuations.distinct1, rate);
    pair('Distinct pairs of tokens', continuations.distinct2, rate);
  }
  if (rows.length === 0) return;
  pdf.heading('Collateral');
  pdf.table(
    [
      column('', 2),
      column('without', 1.6),
      column('with the edit', 1.6),
      column('difference', 1.9),
      column('n', 0.5, true),
    ],
    rows,
  );
}

function trials(pdf: PdfWriter, { baselines, doses }: EvaluationReport): void {
  const figures = [
    column('target passes', 1.8),
    column('sound', 1.4),
    column('kept', 1.8),
    column('cross-entropy', 1.8),
    column('KL on text', 1.8),
    column('n', 0.7, true),
  ];
  const cells = ({
    target,
    targetSound,
    kept,
    crossEntropy,
    kl,
    failure,
  }: (typeof baselines)[number] | (typeof doses)[number]) => [
    failure ?? rate(target),
    rate(targetSound ?? null),
    rate(kept),
    rate(crossEntropy),
    nats(kl),
    `${target?.n ?? 0} / ${kept?.n ?? 0}`,
  ];
  if (baselines.length > 0) {
    pdf.heading('Baselines');
    pdf.table(
      [column('', 1.8), ...figures],
      baselines.map((baseline) => [BASELINE_NAMES[baseline.kind], ...cells(baseline)]),
    );
  }
  if (doses.length > 0) {
    pdf.heading('Dose and response');
    pdf.table(
      [column('strength', 0.8), column('left', 0.7), ...figures, column('Pareto', 0.7)],
      doses.map((dose) => [
        number(dose.strength),
        dose.remaining === null ? '' : percent(dose.remaining),
        ...cells(dose),
        dose.isPareto ? 'yes' : '',
      ]),
    );
  }
}

function blast(pdf: PdfWriter, radius: EvaluationReport['blastRadius'][number], { labelOf }: ReportContext): void {
  pdf.heading(`Blast radius at ${radius.site}`);
  pdf.paragraph(
    `${radius.moved} of ${radius.features} features changed how often they fire on clean text beyond chance (5% for all together), edited ones not counted; all changes add up to ${percent(radius.shareOfFirings)} of all firings. ${radius.contexts} contexts, ${radius.tokens} tokens.`,
  );
  if (radius.strongest.length === 0) return;
  pdf.table(
    [
      column('feature'),
      column('label', 2.4),
      column('fires without', 1, true),
      column('with', 1, true),
      column('z', 0.7, true),
      column('', 0.8),
    ],
    radius.strongest
      .slice(0, LISTED_FEATURES)
      .map(({ feature, rateBefore, rateAfter, z, hasMoved, isEdited }) => [
        `#${feature}`,
        labelOf?.(radius.dictionary, feature) ?? '',
        percent(rateBefore),
        percent(rateAfter),
        z === null ? '–' : number(z),
        isEdited ? 'edited' : hasMoved ? 'moved' : '',
      ]),
  );
}

function forecasts(
  pdf: PdfWriter,
  forecast: NonNullable<EvaluationReport['forecasts']>[number],
  { labelOf }: ReportContext,
): void {
  const { found, correlations } = forecast;
  pdf.heading(`Forecast at ${forecast.site}`);
  pdf.paragraph(
    `Made before anything was run. Of the ${found.of} features that changed most, ${found.hits} were among its ${found.of} largest (${number(found.byChance)} by chance). Rank correlation with the measured change: ${PREDICTORS.map((key) => `${PREDICTOR_NAMES[key]} ${nats(correlations[key])}`).join('; ')}; n = ${correlations.forecast?.n ?? 0} features.`,
  );
  if (forecast.strongest.length === 0) return;
  pdf.table(
    [
      column('feature'),
      column('label', 2.4),
      column('fires', 1, true),
      column('forecast change', 1.2, true),
      column('decoder cosine', 1.3),
      column('co-firing', 1, true),
    ],
    forecast.strongest
      .slice(0, LISTED_FEATURES)
      .map(({ feature, rate: fires, change, cosine, nearest, cofiring }) => [
        `#${feature}`,
        labelOf?.(forecast.dictionary, feature) ?? '',
        percent(fires),
        percent(change),
        `${number(cosine)} with #${nearest}`,
        cofiring === null ? '–' : number(cofiring),
      ]),
  );
}

function changedCases(pdf: PdfWriter, report: EvaluationReport): void {
  for (const { name, aim, changed, brokenCases, mendedCases } of report.suites) {
    if (changed.length === 0) continue;
    pdf.heading(`Cases of ${name} that changed`);
    const shown = changed.slice(0, LISTED_CASES);
    pdf.paragraph(
      `${changesText(aim, { broken: brokenCases, mended: mendedCases })}${shown.length < brokenCases + mendedCases ? `; ${shown.length} of them` : ''}.`,
    );
    pdf.table(
      [column('prompt', 1.2), column('without'), column('with the edit')].map((each) => ({ ...each, isMono: true })),
      shown.map(({ prompt, before, after, passedBefore, faults = [] }) => [
        prompt,
        `${outcomeWord(aim, passedBefore).word}: ${before}`,
        `${[outcomeWord(aim, !passedBefore).word, ...faults.map((fault) => ANSWER_FAULTS[fault].word)].join(', ')}: ${after}`,
      ]),
    );
  }
}
