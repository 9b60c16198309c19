// An evaluation report as one HTML file: no scripts, nothing loaded from anywhere, light and dark, figures as SVG with their
// numbers beside them in tables. Whatever comes from prompts, labels and names is escaped.
import { type CheckedForecast, PREDICTORS } from '../../contract/domain/forecast.ts';
import type {
  Baseline,
  BeforeAfter,
  Dose,
  EvaluationReport,
  SuiteReport,
} from '../../contract/domain/evaluationReport.ts';
import type { Estimate } from '../../contract/domain/estimate.ts';
import { evaluationHeadline } from '../../contract/domain/headlines.ts';
import { verdictSentence } from '../../contract/domain/verdictWords.ts';
import { ANSWER_FAULTS, replacements, SOUND_DEFINITION } from '../../contract/domain/soundness.ts';
import { actedText } from '../../contract/domain/acted.ts';
import { SUITE_ROLES } from '../../contract/domain/outcomeWords.ts';
import { BASELINE_NAMES, rivals } from '../../contract/domain/rivals.ts';
import { changesText, outcomeWord } from '../../contract/domain/outcomeWords.ts';
import { percent } from '../../contract/base/figures.ts';
import type { Edit } from '../../contract/domain/edit.ts';
import { isSignificant } from '../evaluation/intervals.ts';
import { definitions, escape, interval, optional, percentInterval, table } from './markup.ts';
import { doseChart, whiskers } from './pictures.ts';
import { number, openingFact, operationText, PREDICTOR_NAMES } from './text.ts';

export interface ReportContext {
  readonly title: string;
  /** Lines about where it comes from: version, author, time. */
  readonly facts: readonly (readonly [name: string, value: string])[];
  /** The label of a feature, where it has one. */
  readonly labelOf?: ((dictionary: string, feature: number) => string | undefined) | undefined;
}

/** The policy forbids everything but the page's own styles, also to whatever could slip in through text. */
const POLICY = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'";

const STYLE = `
:root{color-scheme:light dark;--ink:light-dark(#1c1b19,#e9e6df);--soft:light-dark(#6b675f,#a19c92);--line:light-dark(#dcd8cf,#3a3833);--paper:light-dark(#fbfaf7,#191816);--before:light-dark(#8a857b,#8f8a80);--after:light-dark(#a3341f,#e8836c);--good:light-dark(#2c6e3f,#7cc48f);--bad:light-dark(#a3341f,#e8836c)}
body{margin:0 auto;max-width:64rem;padding:2rem 1.25rem 4rem;background:var(--paper);color:var(--ink);font:15px/1.5 system-ui,sans-serif}
h1{font:600 1.6rem/1.2 Georgia,serif;margin:0 0 .5rem}h2{font:600 1.15rem/1.3 Georgia,serif;margin:2.25rem 0 .5rem;border-top:1px solid var(--line);padding-top:1rem}
p{max-width:46rem}dl{display:grid;grid-template-columns:max-content 1fr;gap:.15rem 1rem;margin:1rem 0}dt{color:var(--soft)}dd{margin:0;overflow-wrap:anywhere}
table{border-collapse:collapse;width:100%;font-variant-numeric:tabular-nums}th,td{text-align:left;padding:.3rem .6rem .3rem 0;border-bottom:1px solid var(--line);vertical-align:top}th{color:var(--soft);font-weight:500}td.n,th.n{text-align:right}
.scroll{overflow-x:auto}.soft{color:var(--soft)}.good{color:var(--good)}.bad{color:var(--bad)}.verdict,.headline{font-size:1.1rem;font-weight:600}
svg{display:block;max-width:100%;height:auto}svg text{fill:var(--ink);font:12px system-ui,sans-serif}svg .soft{fill:var(--soft)}.axis{stroke:var(--line)}.before{stroke:var(--before);fill:var(--before)}.after{stroke:var(--after);fill:var(--after)}
pre{white-space:pre-wrap;margin:.15rem 0;font:13px/1.4 ui-monospace,monospace}details{margin:.5rem 0}summary{cursor:pointer}
@media print{body{max-width:none}details{display:block}}
`;

export function reportHtml(report: EvaluationReport, context: ReportContext): string {
  const { verdict, suites, text, continuations, warnings } = report;
  const parts = [
    `<h1>${escape(context.title)}</h1>`,
    `<p class="headline">${escape(evaluationHeadline(report))}</p>`,
    definitions([
      ...context.facts,
      ['Model', report.model],
      ...openingFact(report),
      ['Edit', report.edit.id],
      ['Seed', String(report.settings.seed)],
    ]),
    verdict === null ? '' : verdictSection(verdict),
    replacedSection(suites),
    ...rivals(report.baselines).map((sentence) => `<p class="bad">${escape(sentence)}</p>`),
    changedSection(suites),
    warnings.length === 0
      ? ''
      : `<h2>To know first</h2><ul>${warnings.map((warning) => `<li>${escape(warning)}</li>`).join('')}</ul>`,
    `<h2>The edit</h2>${operationsTable(report.edit, context)}`,
    suites.length === 0 ? '' : suitesSection(suites),
    collateralSection(text, continuations),
    report.baselines.length === 0 ? '' : baselinesSection(report.baselines),
    report.doses.length === 0 ? '' : dosesSection(report.doses),
    ...report.blastRadius.map((radius) => radiusSection(radius, context)),
    ...(report.forecasts ?? []).map((forecast) => forecastSection(forecast, context)),
    `<h2>How to read this</h2><p class="soft">Intervals are 95%. Rates: Wilson's score interval; differences of rates on the same cases: Newcombe's interval for paired proportions; everything else: paired bootstrap (BCa, 2000 resamples) over cases or contexts. A change is called significant only where its interval leaves out 0. Baselines and doses run on fewer cases than the main figures; n says how many.</p>`,
  ];
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta http-equiv="Content-Security-Policy" content="${POLICY}"><meta name="viewport" content="width=device-width, initial-scale=1"><title>${escape(context.title)}</title><style>${STYLE}</style></head>
<body><main>${parts.join('\n')}</main></body></html>
`;
}

// ---- sections ---------------------------------------------------------------------------------------------------------

function verdictSection(verdict: NonNullable<EvaluationReport['verdict']>): string {
  const { passes, criteria } = verdict;
  const rows = criteria.map(({ name, bound, limit, estimate, isMet, isCertain: sure }) => [
    escape(name),
    `${bound === 'atMost' ? '≤' : '≥'} ${number(limit)}`,
    interval(estimate),
    String(estimate.n),
    isMet ? `<span class="good">met${sure ? ', the whole interval' : ''}</span>` : '<span class="bad">not met</span>',
  ]);
  return `<h2>Verdict</h2><p class="verdict ${passes ? 'good' : 'bad'}">${escape(verdictSentence(verdict))}</p>${table(['criterion', 'limit', 'measured', '#n', ''], rows)}`;
}

/** What is said instead stands next to the verdict: that a behaviour is gone is half of the matter. */
function replacedSection(suites: readonly SuiteReport[]): string {
  return replacements(suites)
    .map(({ text, isSound }) => `<p class="${isSound ? 'good' : 'bad'}">${escape(text)}</p>`)
    .join('');
}

function operationsTable({ operations }: Edit, { labelOf }: ReportContext): string {
  const named = (dictionary: string, feature: number) => {
    const label = labelOf?.(dictionary, feature);
    return `#${feature}${label === undefined ? '' : ` <span class="soft">${escape(label)}</span>`}`;
  };
  return table(
    ['feature', 'operation', 'positions', 'where', 'site'],
    operations.map((operation) => [
      named(operation.dictionary, operation.feature),
      escape(operationText(operation)),
      escape(
        operation.scope.positions === 'fromFirstFiring'
          ? `from the first firing of #${operation.scope.feature} on`
          : operation.scope.positions,
      ),
      operation.gates
        .map(({ feature, threshold }) => `${named(operation.dictionary, feature)} &gt; ${number(threshold)}`)
        .join(' or ') || 'everywhere',
      escape(operation.site),
    ]),
  );
}

function suitesSection(suites: readonly SuiteReport[]): string {
  const order = { target: 0, keep: 1, other: 2 };
  const sorted = [...suites].sort((a, b) => order[a.role] - order[b.role]);
  const chart = whiskers(
    sorted.map(({ name, role, rate }) => ({
      label: `${name} (${SUITE_ROLES[role]})`,
      marks: [rate.before, rate.after],
    })),
    [0, 1],
    percent,
  );
  const rows = sorted.map(({ name, role, rate, isSignificant: significant, refuses, loops, sound, acted, kl }) => [
    escape(name),
    SUITE_ROLES[role],
    percentInterval(rate.before),
    percentInterval(rate.after),
    `${percentInterval(rate.difference)}${significant ? '' : ' <span class="soft">not significant</span>'}`,
    refuses === null ? '' : `${percent(refuses.before.value)} → ${percent(refuses.after.value)}`,
    loops === null ? '' : `${percent(loops.before.value)} → ${percent(loops.after.value)}`,
    sound ? `${percent(sound.share.before.value)} → ${percent(sound.share.after.value)}` : '',
    sound?.replaced
      ? `${percentInterval(sound.replaced)} <span class="soft">n&nbsp;=&nbsp;${sound.replaced.n}</span>`
      : '',
    acted ? `${acted.count} of ${acted.of}` : '',
    kl === null ? '' : interval(kl.perToken),
    String(rate.before.n),
  ]);
  const scores = sorted.flatMap(({ name, score }) =>
    score === null
      ? []
      : [
          [
            escape(name),
            interval(score.before),
            interval(score.after),
            interval(score.difference),
            String(score.before.n),
          ],
        ],
  );
  return `<h2>Behaviours</h2><p class="soft">Share of the cases that pass: dots with 95% intervals, <span style="color:var(--before)">● without</span> and <span style="color:var(--after)">● with the edit</span>.</p>${chart}
${table(['behaviour', '', 'without', 'with the edit', 'difference', 'refuses', 'loops', 'sound', 'sound where it is gone', 'acted on', 'KL per token', '#n'], rows)}
${sorted.some(({ sound }) => sound) ? `<p class="soft">${escape(SOUND_DEFINITION)}</p>` : ''}
${scores.length === 0 ? '' : `<p class="soft">Mean score of the cases (probability, or nats):</p>${table(['behaviour', 'without', 'with the edit', 'difference', '#n'], scores)}`}`;
}

function collateralSection(text: EvaluationReport['text'], continuations: EvaluationReport['continuations']): string {
  const rows: string[][] = [];
  const pair = (name: string, { before, after, difference }: BeforeAfter, show = interval) =>
    rows.push([
      name,
      show(before),
      show(after),
      `${show(difference)}${isSignificant(difference) ? '' : ' <span class="soft">not significant</span>'}`,
      String(before.n),
    ]);
  const single = (name: string, value: Estimate, show = interval) =>
    rows.push([name, '', show(value), '', String(value.n)]);
  if (text?.acted) {
    rows.push(['Held-out text', '', escape(actedText(text.acted)), '', String(text.acted.ofUnits)]);
  }
  if (text) {
    pair('Cross-entropy, nats per token', text.crossEntropy);
    single('Cross-entropy, change', text.crossEntropy.relative, percentInterval);
    single('KL on held-out text, nats per token', text.kl);
    single('Same likeliest token', text.agreement, percentInterval);
  }
  if (continuations) {
    single("KL along the original's continuations, nats per token", continuations.perToken);
    single('KL at the first token only', continuations.firstToken);
    single('Greedy text the same', continuations.same, percentInterval);
    pair('Repetitive texts', continuations.loops, percentInterval);
    pair('Distinct tokens', continuations.distinct1, percentInterval);
    pair('Distinct pairs of tokens', continuations.distinct2, percentInterval);
  }
  if (rows.length === 0) return '';
  return `<h2>Collateral</h2>${table(['', 'without', 'with the edit', 'difference', '#n'], rows)}`;
}

function baselinesSection(baselines: readonly Baseline[]): string {
  const rows = baselines.map(
    ({ kind, description, target, targetRefuses, targetSound, kept, crossEntropy, kl, failure }) => [
      `${kind === 'edit' ? '<strong>' : ''}${BASELINE_NAMES[kind]}${kind === 'edit' ? '</strong>' : ''}<br><span class="soft">${escape(description)}</span>`,
      failure === null ? optional(target, percentInterval) : `<span class="bad">${escape(failure)}</span>`,
      optional(targetRefuses, percentInterval),
      optional(targetSound ?? null, percentInterval),
      optional(kept, percentInterval),
      optional(crossEntropy, percentInterval),
      optional(kl, interval),
    ],
  );
  const chart = whiskers(
    baselines.flatMap(({ kind, target, kept }) =>
      target && kept ? [{ label: BASELINE_NAMES[kind], marks: [kept, target] }] : [],
    ),
    [0, 1],
    percent,
  );
  return `<h2>Baselines</h2><p class="soft"><span style="color:var(--before)">● kept</span>: of the preserved cases that passed, those that still do; <span style="color:var(--after)">● target</span>: cases of the targets that pass. What no longer passes need not be a refusal: see the column for it.</p>${chart}${table(['', 'target', 'target refuses', 'sound where it is gone', 'kept', 'cross-entropy', 'KL on text'], rows)}`;
}

function dosesSection(doses: readonly Dose[]): string {
  const rows = doses.map(
    ({ strength, remaining, target, targetRefuses, targetSound, kept, crossEntropy, kl, isPareto, failure }) => [
      number(strength),
      failure === null ? (remaining === null ? '' : percent(remaining)) : `<span class="bad">${escape(failure)}</span>`,
      optional(target, percentInterval),
      optional(targetRefuses, percentInterval),
      optional(targetSound ?? null, percentInterval),
      optional(kept, percentInterval),
      optional(crossEntropy, percentInterval),
      optional(kl, interval),
      isPareto ? 'yes' : '',
    ],
  );
  return `<h2>Dose and response</h2><p class="soft">The edit's deltas multiplied by a strength. “Left” is what remains of the targets; a strength is Pareto when no other does better on all of left, kept and cross-entropy. <span style="color:var(--before)">● kept</span>, <span style="color:var(--after)">● target</span>.</p>${doseChart(doses)}${table(['strength', 'left', 'target', 'target refuses', 'sound where it is gone', 'kept', 'cross-entropy', 'KL on text', 'Pareto'], rows)}`;
}

function radiusSection(radius: EvaluationReport['blastRadius'][number], { labelOf }: ReportContext): string {
  const rows = radius.strongest
    .slice(0, 25)
    .map((change) => [
      `#${change.feature}${change.isEdited ? ' (edited)' : ''}`,
      escape(labelOf?.(radius.dictionary, change.feature) ?? ''),
      percent(change.rateBefore),
      percent(change.rateAfter),
      number(change.meanBefore),
      number(change.meanAfter),
      change.z === null ? '' : number(change.z),
      change.hasMoved ? 'moved' : '',
    ]);
  return `<h2>Blast radius at ${escape(radius.site)}</h2><p>${radius.moved} of ${radius.features} features changed how often they fire on clean text beyond chance (5% for all together), edited ones not counted; all changes of rates add up to ${percent(radius.shareOfFirings)} of all firings. ${radius.contexts} contexts, ${radius.tokens} tokens.</p>${rows.length === 0 ? '' : table(['feature', 'label', '#fires without', '#with', '#mean without', '#with', '#z', ''], rows)}`;
}

function forecastSection(forecast: CheckedForecast, { labelOf }: ReportContext): string {
  const { site, dictionary, strongest, correlations, found, shareOfFirings, raised, lowered } = forecast;
  const tokens = (list: CheckedForecast['raised']) =>
    list.map(({ token, effect }) => `${escape(JSON.stringify(token))} ${number(effect)}`).join(', ') || 'nothing';
  const rows = strongest
    .slice(0, 25)
    .map(({ feature, rate, change, cosine, nearest, cofiring }) => [
      `#${feature}`,
      escape(labelOf?.(dictionary, feature) ?? ''),
      percent(rate),
      percent(change),
      `${number(cosine)} with #${nearest}`,
      cofiring === null ? '' : number(cofiring),
    ]);
  const checks = PREDICTORS.map((predictor) => {
    const estimate = correlations[predictor];
    return [PREDICTOR_NAMES[predictor], estimate ? interval(estimate) : '', estimate ? String(estimate.n) : ''];
  });
  return `<h2>Forecast at ${escape(site)}</h2><p>Before anything was run, from the dictionary's rows and the statistics of its features alone: changes of rates would add up to ${percent(shareOfFirings)} of all firings. Of the ${found.of} features that changed most, ${found.hits} were among its ${found.of} largest (${number(found.byChance)} by chance).</p>${table(['rank correlation with the measured change', '', '#features'], checks)}<p class="soft">Directly, by the decoder rows alone, in logits: raises ${tokens(raised)}; lowers ${tokens(lowered)}.</p>${rows.length === 0 ? '' : table(['feature', 'label', '#fires', '#forecast change', 'decoder cosine', '#co-firing'], rows)}`;
}

function outcome(
  aim: SuiteReport['aim'],
  passed: boolean,
  text: string,
  faults: SuiteReport['changed'][number]['faults'] = [],
): string {
  const { word, isGood } = outcomeWord(aim, passed);
  const broken = faults.map((fault) => `, ${ANSWER_FAULTS[fault].word}`).join('');
  return `<strong class="${isGood && faults.length === 0 ? 'good' : 'bad'}">${word}${broken}</strong><pre>${escape(text)}</pre>`;
}

function changedSection(suites: readonly SuiteReport[]): string {
  const parts = suites
    .filter(({ changed }) => changed.length > 0)
    .map(
      ({ name, aim, changed, brokenCases, mendedCases }) =>
        `<details><summary>${escape(name)}: ${changesText(aim, { broken: brokenCases, mended: mendedCases })}</summary>${table(
          ['prompt', 'without', 'with the edit'],
          changed.map(({ prompt, before, after, passedBefore, faults }) => [
            `<pre>${escape(prompt)}</pre>`,
            outcome(aim, passedBefore, before),
            outcome(aim, !passedBefore, after, faults),
          ]),
        )}</details>`,
    );
  return parts.length === 0 ? '' : `<h2>Cases that changed</h2>${parts.join('')}`;
}
