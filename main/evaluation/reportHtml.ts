// An evaluation report as one HTML file: no scripts, nothing loaded from anywhere, light and dark, figures as SVG with their
// numbers beside them in tables. Whatever comes from prompts, labels and names is escaped.
import type { Edit, Operation } from '../edits/edit.ts';
import type { BeforeAfter } from './collateral.ts';
import { isSignificant, type Estimate } from './intervals.ts';
import type { Baseline, BaselineKind, Dose, EvaluationReport, SuiteReport } from './report.ts';

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
.scroll{overflow-x:auto}.soft{color:var(--soft)}.good{color:var(--good)}.bad{color:var(--bad)}.verdict{font-size:1.1rem;font-weight:600}
svg{display:block;max-width:100%;height:auto}svg text{fill:var(--ink);font:12px system-ui,sans-serif}svg .soft{fill:var(--soft)}.axis{stroke:var(--line)}.before{stroke:var(--before);fill:var(--before)}.after{stroke:var(--after);fill:var(--after)}
pre{white-space:pre-wrap;margin:.15rem 0;font:13px/1.4 ui-monospace,monospace}details{margin:.5rem 0}summary{cursor:pointer}
@media print{body{max-width:none}details{display:block}}
`;

export function reportHtml(report: EvaluationReport, context: ReportContext): string {
  const { verdict, suites, text, continuations, warnings } = report;
  const parts = [
    `<h1>${escape(context.title)}</h1>`,
    definitions([
      ...context.facts,
      ['Model', report.model],
      ['Edit', report.edit.id],
      ['Seed', String(report.settings.seed)],
    ]),
    verdict === null ? '' : verdictSection(verdict),
    warnings.length === 0
      ? ''
      : `<h2>To know first</h2><ul>${warnings.map((warning) => `<li>${escape(warning)}</li>`).join('')}</ul>`,
    `<h2>The edit</h2>${operationsTable(report.edit, context)}`,
    suites.length === 0 ? '' : suitesSection(suites),
    collateralSection(text, continuations),
    report.baselines.length === 0 ? '' : baselinesSection(report.baselines),
    report.doses.length === 0 ? '' : dosesSection(report.doses),
    ...report.blastRadius.map((radius) => radiusSection(radius, context)),
    changedSection(suites),
    `<h2>How to read this</h2><p class="soft">Intervals are 95%. Rates: Wilson's score interval; differences of rates on the same cases: Newcombe's interval for paired proportions; everything else: paired bootstrap (BCa, 2000 resamples) over cases or contexts. A change is called significant only where its interval leaves out 0. Baselines and doses run on fewer cases than the main figures; n says how many.</p>`,
  ];
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta http-equiv="Content-Security-Policy" content="${POLICY}"><meta name="viewport" content="width=device-width, initial-scale=1"><title>${escape(context.title)}</title><style>${STYLE}</style></head>
<body><main>${parts.join('\n')}</main></body></html>
`;
}

// ---- sections ---------------------------------------------------------------------------------------------------------

function verdictSection({ passes, isCertain, criteria }: NonNullable<EvaluationReport['verdict']>): string {
  const words = passes
    ? isCertain
      ? 'Within the budget, whole intervals included.'
      : 'Within the budget by the estimates; not all intervals are.'
    : 'Not within the budget.';
  const rows = criteria.map(({ name, bound, limit, estimate, isMet, isCertain: sure }) => [
    escape(name),
    `${bound === 'atMost' ? '≤' : '≥'} ${number(limit)}`,
    interval(estimate),
    String(estimate.n),
    isMet ? `<span class="good">met${sure ? ', the whole interval' : ''}</span>` : '<span class="bad">not met</span>',
  ]);
  return `<h2>Verdict</h2><p class="verdict ${passes ? 'good' : 'bad'}">${words}</p>${table(['criterion', 'limit', 'measured', '#n', ''], rows)}`;
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

export function operationText(operation: Operation): string {
  switch (operation.kind) {
    case 'ablate':
      return 'ablate';
    case 'scale':
    case 'project':
      return `${operation.kind} ${number(operation.factor)}`;
    case 'clamp':
    case 'clampActive':
    case 'floor':
    case 'cap':
      return `${operation.kind} ${number(operation.value)}`;
    case 'steer':
      return `steer ${number(operation.amount)}`;
  }
}

const ROLES = { target: 'target', keep: 'to keep', other: 'other' } as const;

function suitesSection(suites: readonly SuiteReport[]): string {
  const order = { target: 0, keep: 1, other: 2 };
  const sorted = [...suites].sort((a, b) => order[a.role] - order[b.role]);
  const chart = whiskers(
    sorted.map(({ name, role, rate }) => ({ label: `${name} (${ROLES[role]})`, marks: [rate.before, rate.after] })),
    [0, 1],
    percent,
  );
  const rows = sorted.map(({ name, role, rate, isSignificant: significant, refuses, loops, kl }) => [
    escape(name),
    ROLES[role],
    percentInterval(rate.before),
    percentInterval(rate.after),
    `${percentInterval(rate.difference)}${significant ? '' : ' <span class="soft">not significant</span>'}`,
    refuses === null ? '' : `${percent(refuses.before.value)} → ${percent(refuses.after.value)}`,
    loops === null ? '' : `${percent(loops.before.value)} → ${percent(loops.after.value)}`,
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
${table(['behaviour', '', 'without', 'with the edit', 'difference', 'refuses', 'loops', 'KL per token', '#n'], rows)}
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
    pair('Texts that run in circles', continuations.loops, percentInterval);
    pair('Distinct tokens', continuations.distinct1, percentInterval);
    pair('Distinct pairs of tokens', continuations.distinct2, percentInterval);
  }
  if (rows.length === 0) return '';
  return `<h2>Collateral</h2>${table(['', 'without', 'with the edit', 'difference', '#n'], rows)}`;
}

const BASELINE_NAMES: Readonly<Record<BaselineKind, string>> = {
  noEdit: 'no edit',
  edit: 'the edit',
  promptOnly: 'prompt only',
  randomFeatures: 'random features',
  randomFeaturesAndGates: 'random features and gates',
  wrongSign: 'wrong sign',
  steer: 'additive steer',
  differenceOfMeans: 'difference of means',
  differenceOfMeansProjection: 'difference of means, projected out',
};

function baselinesSection(baselines: readonly Baseline[]): string {
  const rows = baselines.map(({ kind, description, target, targetRefuses, kept, crossEntropy, kl, failure }) => [
    `${kind === 'edit' ? '<strong>' : ''}${BASELINE_NAMES[kind]}${kind === 'edit' ? '</strong>' : ''}<br><span class="soft">${escape(description)}</span>`,
    failure === null ? optional(target, percentInterval) : `<span class="bad">${escape(failure)}</span>`,
    optional(targetRefuses, percentInterval),
    optional(kept, percentInterval),
    optional(crossEntropy, percentInterval),
    optional(kl, interval),
  ]);
  const chart = whiskers(
    baselines.flatMap(({ kind, target, kept }) =>
      target && kept ? [{ label: BASELINE_NAMES[kind], marks: [kept, target] }] : [],
    ),
    [0, 1],
    percent,
  );
  return `<h2>Baselines</h2><p class="soft"><span style="color:var(--before)">● kept</span>: of the cases to be kept that passed, those that still do; <span style="color:var(--after)">● target</span>: cases of the targets that pass. What no longer passes need not be a refusal: see the column for it.</p>${chart}${table(['', 'target', 'target refuses', 'kept', 'cross-entropy', 'KL on text'], rows)}`;
}

function dosesSection(doses: readonly Dose[]): string {
  const rows = doses.map(
    ({ strength, remaining, target, targetRefuses, kept, crossEntropy, kl, isPareto, failure }) => [
      number(strength),
      failure === null ? (remaining === null ? '' : percent(remaining)) : `<span class="bad">${escape(failure)}</span>`,
      optional(target, percentInterval),
      optional(targetRefuses, percentInterval),
      optional(kept, percentInterval),
      optional(crossEntropy, percentInterval),
      optional(kl, interval),
      isPareto ? 'yes' : '',
    ],
  );
  return `<h2>Dose and response</h2><p class="soft">The edit's deltas multiplied by a strength. “Left” is what remains of the targets; a strength is Pareto when no other does better on all of left, kept and cross-entropy. <span style="color:var(--before)">● kept</span>, <span style="color:var(--after)">● target</span>.</p>${doseChart(doses)}${table(['strength', 'left', 'target', 'target refuses', 'kept', 'cross-entropy', 'KL on text', 'Pareto'], rows)}`;
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

function changedSection(suites: readonly SuiteReport[]): string {
  const parts = suites
    .filter(({ changed }) => changed.length > 0)
    .map(
      ({ name, changed, brokenCases, mendedCases }) =>
        `<details><summary>${escape(name)}: ${brokenCases} cases no longer pass, ${mendedCases} now do</summary>${table(
          ['prompt', 'without', 'with the edit'],
          changed.map(({ prompt, before, after }) =>
            [prompt, before, after].map((part) => `<pre>${escape(part)}</pre>`),
          ),
        )}</details>`,
    );
  return parts.length === 0 ? '' : `<h2>Cases that changed</h2>${parts.join('')}`;
}

// ---- pictures ---------------------------------------------------------------------------------------------------------

interface WhiskerRow {
  readonly label: string;
  /** Drawn in the colours of before and after. */
  readonly marks: readonly Estimate[];
}

/** Dots with their intervals, a row for each label. */
function whiskers(
  rows: readonly WhiskerRow[],
  [low, high]: readonly [number, number],
  show: (value: number) => string,
): string {
  const [left, width, rowHeight] = [230, 420, 26];
  const height = rows.length * rowHeight + 28;
  const x = (value: number) =>
    (left + (width * (Math.min(Math.max(value, low), high) - low)) / (high - low)).toFixed(1);
  const ticks = [0, 0.25, 0.5, 0.75, 1].map((share) => low + (high - low) * share);
  const axis = ticks
    .map(
      (tick) =>
        `<line class="axis" x1="${x(tick)}" x2="${x(tick)}" y1="4" y2="${height - 22}"/><text class="soft" x="${x(tick)}" y="${height - 6}" text-anchor="middle">${show(tick)}</text>`,
    )
    .join('');
  const drawn = rows.map(({ label, marks }, row) => {
    const middle = row * rowHeight + rowHeight / 2 + 4;
    const dots = marks.map((mark, index) => {
      const y = middle + (index - (marks.length - 1) / 2) * 8;
      const what = `${label}: ${show(mark.value)}, ${show(mark.low)} to ${show(mark.high)}, n = ${mark.n}`;
      return `<g class="${index === 0 ? 'before' : 'after'}"><title>${escape(what)}</title><line x1="${x(mark.low)}" x2="${x(mark.high)}" y1="${y}" y2="${y}" stroke-width="2"/><circle cx="${x(mark.value)}" cy="${y}" r="3.5"/></g>`;
    });
    return `<text x="${left - 12}" y="${middle + 4}" text-anchor="end">${escape(shortened(label, 36))}</text>${dots.join('')}`;
  });
  const total = left + width + 60;
  return `<svg viewBox="0 0 ${total} ${height}" width="${total}" height="${height}" role="img" aria-label="Dots with 95% intervals; the numbers are in the table below">${axis}${drawn.join('')}</svg>`;
}

/** What is left of the targets and what is kept, by strength. */
function doseChart(doses: readonly Dose[]): string {
  const points = doses.filter(({ failure }) => failure === null);
  if (points.length < 2) return '';
  const [left, top, width, height] = [50, 10, 560, 200];
  const strengths = points.map(({ strength }) => strength);
  const [first, last] = [Math.min(...strengths), Math.max(...strengths)];
  const x = (strength: number) => (left + (width * (strength - first)) / (last - first)).toFixed(1);
  const y = (share: number) => (top + height * (1 - Math.min(Math.max(share, 0), 1))).toFixed(1);
  const grid = [0, 0.5, 1].map(
    (share) =>
      `<line class="axis" x1="${left}" x2="${left + width}" y1="${y(share)}" y2="${y(share)}"/><text class="soft" x="${left - 8}" y="${Number(y(share)) + 4}" text-anchor="end">${percent(share)}</text>`,
  );
  const ticks = points.map(
    ({ strength }) =>
      `<text class="soft" x="${x(strength)}" y="${top + height + 18}" text-anchor="middle">${number(strength)}</text>`,
  );
  const line = (name: 'before' | 'after', valueOf: (dose: Dose) => Estimate | null) => {
    const known = points.flatMap((dose) => {
      const value = valueOf(dose);
      return value ? [{ strength: dose.strength, value }] : [];
    });
    const path = known.map(({ strength, value }) => `${x(strength)},${y(value.value)}`).join(' ');
    const dots = known.map(
      ({ strength, value }) =>
        `<line x1="${x(strength)}" x2="${x(strength)}" y1="${y(value.low)}" y2="${y(value.high)}"/><circle cx="${x(strength)}" cy="${y(value.value)}" r="3.5"/>`,
    );
    return `<g class="${name}"><polyline points="${path}" fill="none" stroke-width="1.5"/>${dots.join('')}</g>`;
  };
  return `<svg viewBox="0 0 ${left + width + 30} ${top + height + 30}" width="${left + width + 30}" height="${top + height + 30}" role="img" aria-label="Share of target cases that pass, and of cases to be kept that still pass, by strength; the numbers are in the table below">${grid.join('')}${ticks.join('')}${line('before', ({ kept }) => kept)}${line('after', ({ target }) => target)}</svg>`;
}

// ---- text ---------------------------------------------------------------------------------------------------------------

/** Cells are HTML already. A heading that begins with # is of numbers. */
function table(headings: readonly string[], rows: readonly (readonly string[])[]): string {
  const kind = headings.map((heading) => (heading.startsWith('#') ? ' class="n"' : ''));
  const head = headings.map(
    (heading, index) => `<th scope="col"${kind[index]}>${escape(heading.replace(/^#/u, ''))}</th>`,
  );
  const body = rows.map((row) => `<tr>${row.map((cell, index) => `<td${kind[index]}>${cell}</td>`).join('')}</tr>`);
  return `<div class="scroll"><table><thead><tr>${head.join('')}</tr></thead><tbody>${body.join('')}</tbody></table></div>`;
}

function definitions(facts: readonly (readonly [string, string])[]): string {
  return `<dl>${facts.map(([name, value]) => `<dt>${escape(name)}</dt><dd>${escape(value)}</dd>`).join('')}</dl>`;
}

function optional(estimate: Estimate | null, show: (estimate: Estimate) => string): string {
  return estimate === null
    ? '<span class="soft">not measured</span>'
    : `${show(estimate)} <span class="soft">n&nbsp;=&nbsp;${estimate.n}</span>`;
}

function interval({ value, low, high }: Estimate): string {
  return `${number(value)} <span class="soft">[${number(low)}, ${number(high)}]</span>`;
}

function percentInterval({ value, low, high }: Estimate): string {
  return `${percent(value)} <span class="soft">[${percent(low)}, ${percent(high)}]</span>`;
}

/** 0.9525 → "95.3%"; what is not quite all or nothing does not read as 100% or 0%. */
export function percent(share: number): string {
  const rounded = (100 * share).toFixed(1);
  if (rounded === '100.0' && share < 1) return '≈100%';
  if ((rounded === '0.0' || rounded === '-0.0') && share !== 0) return '≈0%';
  return `${rounded.replace('-', '−').replace(/\.0$/u, '')}%`;
}

export function number(value: number): string {
  if (value === 0) return '0';
  const size = Math.abs(value);
  const text = size >= 1e5 || size < 1e-3 ? value.toExponential(1) : String(Number(value.toPrecision(3)));
  return text.replace('-', '−').replace('e−', 'e-').replace('e-', 'e−');
}

function shortened(text: string, longest: number): string {
  return text.length <= longest ? text : `${text.slice(0, longest - 1)}…`;
}

const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

function escape(text: string): string {
  // Controls are no part of HTML, and a lone surrogate no part of UTF-8.
  return text
    .toWellFormed()
    .replace(/[^\P{Cc}\n\t]/gu, '\uFFFD')
    .replace(/[&<>"']/gu, (character) => ENTITIES[character] ?? '');
}
