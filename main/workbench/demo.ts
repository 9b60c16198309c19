// The whole story on a sample, as a person would go through it: a fresh project, capture, training, and for every behaviour that
// is to be lowered a found edit, its evaluation, a version and a verified export. What the sample is lies in its folder
// (demo.json); nothing here knows it, and everything calls what any project calls.
import type { Baseline, EvaluationReport, Verdict } from '../contract/domain/evaluationReport.ts';
import type { Estimate } from '../contract/domain/estimate.ts';
import { percent } from '../contract/base/figures.ts';
import { lossRecoveredText } from '../contract/domain/lossRecovered.ts';
import { replacedBy, replacements } from '../contract/domain/soundness.ts';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import * as v from 'valibot';
import { AppError } from '../contract/base/errors.ts';
import type { Progress } from '../contract/base/progress.ts';
import { validate } from '../contract/base/validate.ts';
import { reportHtml } from '../core/reports/html.ts';
import { parseBudget } from '../core/evaluation/budget.ts';
import { readManifest } from '../core/export/manifest.ts';
import { writeFileAtomic } from '../core/files/atomicWrite.ts';
import type { FoundEdit } from '../core/finder/findEdit.ts';
import type { Operation } from '../contract/domain/operations/index.ts';
import { captureJob } from './activations.ts';
import { evaluateEdit } from './evaluateEdit.ts';
import { exportEdit } from './exports.ts';
import { commitFound, findEdit } from './findEdit.ts';
import { withWorkbench } from './openWorkbench.ts';
import { runToEnd } from './jobKind.ts';
import { makeSampleProject } from './sample.ts';
import { trainJob } from './training.ts';
import type { Compute } from './compute.ts';
import type { Workbench } from './workbench.ts';
import { readJson } from '../core/files/json.ts';

const count = v.pipe(v.number(), v.safeInteger(), v.minValue(1));
const share = v.pipe(v.number(), v.minValue(0), v.maxValue(1));
const fileName = v.pipe(v.string(), v.regex(/^[\w.-]+$/u, 'expected the name of a file'));

const planSchema = v.strictObject({
  model: fileName,
  corpus: fileName,
  heldOut: fileName,
  /** Text without the behaviours, for the search: none of it is in `heldOut`. */
  chooseText: fileName,
  contextLength: count,
  site: v.string(),
  features: count,
  k: count,
  steps: count,
  batchSize: count,
  /** By the name of a behaviour: the text of its prompt-only baseline, and its limits (evaluation/verdict.ts). */
  targets: v.record(v.string(), v.strictObject({ instruction: v.string(), budget: v.record(v.string(), v.number()) })),
  /** Smallest rate after / rate before of what must stay: by name, and of all others. */
  kept: v.record(v.string(), share),
  minKept: share,
  maxCrossEntropyIncrease: v.number(),
});

const AUTHOR = 'errata demo';
const MODEL = 'sample';
const DICTIONARY = 'demo';
/** Trials of baselines and doses run on fewer cases: they are there to compare, the main figures to tell. */
const EVALUATION = {
  contexts: 300,
  continuations: 60,
  trialTargetCases: 40,
  trialKeepCases: 12,
  trialContexts: 30,
  randomSeeds: 2,
  doses: [0, 0.5, 1, 1.5],
};

export interface DemoFigure {
  readonly before: number;
  readonly after: number;
  readonly n: number;
  /** 95%, of `after`. */
  readonly ci: readonly [number, number];
}

export interface DemoBehaviour {
  readonly target: DemoFigure & {
    /** What is measured: the share of cases that show it, or the mean difference in nats. */ readonly measure:
      'rate' | 'score';
  };
  /** Sound answers: before, of all; after, of those in its place where it is gone. Null where no text is generated. */
  readonly sound: DemoFigure | null;
  /** The same in a sentence. */
  readonly replacement: string | null;
  /** By name: every behaviour that must stay, crossEntropy (nats per token) and kl (nats per token along own continuations). */
  readonly collateral: Readonly<Record<string, DemoFigure>>;
  readonly baselines: Readonly<
    Record<
      string,
      {
        readonly remaining: number | null;
        readonly sound: number | null;
        readonly kept: number | null;
        readonly failure: string | null;
      }
    >
  >;
  /** Features that are changed; `operations` tells how. */
  readonly features: number;
  readonly operations: readonly Operation[];
  /** Bytes of the encoder and decoder rows that the edit brings along: all that an export adds to the model's weights. */
  readonly patchBytes: number;
  readonly isReached: boolean;
  readonly verdict: Verdict | null;
  readonly version: string;
  readonly report: string;
  readonly artifact: string;
  readonly export: { readonly maxAbsLogitDiff: number; readonly greedyAgreement: number };
  readonly seconds: { readonly find: number; readonly evaluate: number; readonly export: number };
}

export interface DemoResult {
  readonly project: string;
  readonly dictionary: { readonly fvu: number; readonly l0: number; readonly size: number };
  readonly behaviours: Readonly<Record<string, DemoBehaviour>>;
  /** Behaviours for which no edit was found. */
  readonly notFound: readonly string[];
  /** The largest difference and the smallest agreement of the exports. */
  readonly export: { readonly maxAbsLogitDiff: number; readonly greedyAgreement: number };
  readonly seconds: number;
  readonly stages: Readonly<Record<string, number>>;
}

export interface DemoOptions {
  /** Of the project to be made. */
  readonly folder: string;
  readonly sample: string;
  readonly compute: Compute;
  readonly signal: AbortSignal;
  /** Tells that a stage begins, and later what it found. */
  readonly say: (line: string) => void;
  readonly onProgress?: (progress: Progress) => void;
  /** Only these behaviours. */
  readonly only?: readonly string[];
}

/** @throws AppError `exists` for a folder that is there, `invalid-file` for a plan that is none, and as its parts do. */
export async function runDemo(options: DemoOptions): Promise<DemoResult> {
  const { folder, sample, compute, signal, say, only } = options;
  const plan = await readPlan(join(sample, 'demo.json'));
  const started = performance.now();
  const stages: Record<string, number> = {};
  const timed = async <T>(stage: string, work: () => Promise<T>): Promise<T> => {
    const start = performance.now();
    const result = await work();
    stages[stage] = (stages[stage] ?? 0) + (performance.now() - start) / 1000;
    return result;
  };
  say(`A fresh project in ${folder}`);
  await timed('project', () => makeSampleProject(folder, { sample, compute, signal, isBare: true }));
  return withWorkbench(folder, { host: 'the demo', compute }, async (workbench) => {
    const corpus = (name: string) => join(folder, 'corpora', name);
    const { site, contextLength, features, k, steps, batchSize } = plan;
    say(`Capturing activations at ${site}`);
    await timed('capture', () =>
      runToEnd(
        workbench,
        captureJob,
        { model: MODEL, corpus: corpus(plan.corpus), sites: [site], name: site, contextLength },
        { signal },
      ),
    );
    say(`Training a dictionary of ${features} features`);
    const trained = await timed('train', () =>
      runToEnd(
        workbench,
        trainJob,
        { name: DICTIONARY, activations: site, architecture: 'batchtopk', size: features, k, steps, batchSize },
        { signal },
      ),
    );
    say(`  FVU ${trained.fvu.toFixed(3)} at L0 ${trained.l0.toFixed(1)}; loss recovered ${lossRecoveredText(trained)}`);
    const behaviours: Record<string, DemoBehaviour> = {};
    const notFound: string[] = [];
    for (const [name, { instruction, budget }] of Object.entries(plan.targets)) {
      if (only && !only.includes(name)) continue;
      const limits = {
        targets: { [name]: budget },
        minKept: plan.minKept,
        kept: plan.kept,
        maxCrossEntropyIncrease: plan.maxCrossEntropyIncrease,
      };
      const context = {
        ...options,
        name,
        instruction,
        limits,
        heldOut: corpus(plan.heldOut),
        chooseText: corpus(plan.chooseText),
      };
      const done = await correct(workbench, context);
      if (!done) {
        notFound.push(name);
        continue;
      }
      behaviours[name] = done;
      for (const [stage, seconds] of Object.entries(done.seconds)) stages[stage] = (stages[stage] ?? 0) + seconds;
    }
    const exports = Object.values(behaviours).map((behaviour) => behaviour.export);
    const result: DemoResult = {
      project: folder,
      dictionary: { fvu: trained.fvu, l0: trained.l0, size: features },
      behaviours,
      notFound,
      export: {
        maxAbsLogitDiff: Math.max(0, ...exports.map(({ maxAbsLogitDiff }) => maxAbsLogitDiff)),
        greedyAgreement: Math.min(1, ...exports.map(({ greedyAgreement }) => greedyAgreement)),
      },
      seconds: (performance.now() - started) / 1000,
      stages,
    };
    await writeFileAtomic(join(folder, 'reports', 'demo.json'), `${JSON.stringify(result, null, 2)}\n`);
    return result;
  });
}

interface CorrectContext extends DemoOptions {
  readonly name: string;
  readonly instruction: string;
  readonly limits: Readonly<Record<string, unknown>>;
  readonly heldOut: string;
  readonly chooseText: string;
}

/** Finds, commits, evaluates and exports the edit for one behaviour. Null when none is found. */
async function correct(workbench: Workbench, context: CorrectContext): Promise<DemoBehaviour | null> {
  const { folder, name, instruction, limits, heldOut, chooseText, signal, say, onProgress } = context;
  const computing = { signal, ...(onProgress ? { onProgress } : {}) };
  const seconds = { find: 0, evaluate: 0, export: 0 };
  const timed = async <T>(stage: keyof typeof seconds, work: () => Promise<T>): Promise<T> => {
    const start = performance.now();
    const result = await work();
    seconds[stage] = (performance.now() - start) / 1000;
    return result;
  };
  say(`Looking for what is behind "${name}"`);
  const found = await timed('find', () =>
    findEdit(
      workbench,
      {
        name,
        behaviours: { target: name },
        dictionaries: [DICTIONARY],
        corpus: chooseText,
        // The evaluation reports on the other prompts.
        settings: { reportCases: 0 },
      },
      signal,
    ),
  );
  if (found.edit.operations.length === 0) {
    say(`  No feature was found whose change lowers it.`);
    return null;
  }
  say(`  ${describeFound(found)}`);
  const version = commitFound(workbench, {
    edit: found.edit,
    branch: name,
    message: `Lower ${name}`,
    target: name,
    author: AUTHOR,
  });
  say(`Evaluating version ${version.id.slice(0, 10)} on prompts that the search has not seen`);
  const { report } = await timed('evaluate', () =>
    evaluateEdit(
      workbench,
      {
        edit: found.edit,
        version: version.id,
        behaviours: workbench.project.behaviours.list().map((stored) => workbench.project.behaviours.get(stored.name)),
        targets: [name],
        text: { corpus: heldOut },
        settings: { ...EVALUATION, instruction },
        budget: parseBudget(limits),
        author: AUTHOR,
      },
      computing,
    ),
  );
  const reportPath = join(folder, 'reports', `${name}.html`);
  await mkdir(join(folder, 'reports'), { recursive: true });
  const title = `Evaluation of version ${version.id.slice(0, 10)}: ${name}`;
  const labelOf = (dictionary: string, feature: number) =>
    workbench.project.labels.get({ dictionary, feature })?.text || undefined;
  await writeFileAtomic(reportPath, reportHtml(report, { title, facts: [['Version', version.id]], labelOf }));
  say('Exporting the patched model, and verifying the export');
  const exported = await timed('export', () =>
    exportEdit(
      workbench,
      {
        edit: found.edit,
        target: name,
        form: 'embedded',
        text: { corpus: heldOut },
        provenance: { version: version.id, author: AUTHOR, message: version.message },
      },
      signal,
    ),
  );
  const { dictionaries } = await readManifest(exported.path);
  const width = dictionaries[0]?.d ?? 0;
  return {
    target: targetFigure(report, name),
    sound: soundFigure(report, name),
    replacement: replacements(report.suites).find(({ text }) => text.startsWith(`${name}:`))?.text ?? null,
    collateral: collateralFigures(report),
    baselines: Object.fromEntries(report.baselines.map((baseline) => [baseline.kind, baselineFigures(baseline)])),
    features: found.edit.operations.length,
    operations: found.edit.operations,
    patchBytes: patchBytes(found.edit.operations, width),
    isReached: found.isReached,
    verdict: report.verdict,
    version: version.id,
    report: reportPath,
    artifact: exported.path,
    export: { maxAbsLogitDiff: exported.maxAbsLogitDiff, greedyAgreement: exported.greedyAgreement },
    seconds,
  };
}

async function readPlan(path: string): Promise<v.InferOutput<typeof planSchema>> {
  return validate(planSchema, await readJson(path), path, 'invalid-file');
}

function describeFound({ edit, steps, trials, target, kept, isReached }: FoundEdit): string {
  const features = edit.operations.map(({ feature, kind, gates }) =>
    gates.length === 0
      ? `${kind} ${feature}`
      : `${kind} ${feature} where ${gates.map((gate) => gate.feature).join(' or ')} fires`,
  );
  return (
    `${features.join('; ')} (${trials.toLocaleString('en')} trials, ${steps.length} steps). ` +
    `${percent(target.remaining)} left on the search prompts${target.sound ? `, ${replacedBy(target.sound.value)} (${percent(target.sound.value)} of ${target.sound.n} sound)` : ''}; ${percent(kept.share)} of the preserved behaviours is kept.` +
    (isReached ? '' : ' The goal was not reached.')
  );
}

function targetFigure(report: EvaluationReport, name: string): DemoBehaviour['target'] {
  const suite = report.suites.find((each) => each.name === name);
  if (!suite) throw new AppError('internal', `The report has no ${name}.`);
  const isScore = suite.score !== null;
  const { before, after } = suite.score ?? suite.heldOut ?? suite.rate;
  return { ...figure(before, after), measure: isScore ? 'score' : 'rate' };
}

function soundFigure({ suites }: EvaluationReport, name: string): DemoBehaviour['sound'] {
  const sound = suites.find((each) => each.name === name)?.sound;
  return sound?.replaced ? figure(sound.share.before, sound.replaced) : null;
}

function collateralFigures({ suites, text, continuations }: EvaluationReport): Record<string, DemoFigure> {
  const figures: Record<string, DemoFigure> = {};
  for (const { name, role, rate } of suites) if (role === 'keep') figures[name] = figure(rate.before, rate.after);
  if (text) figures['crossEntropy'] = figure(text.crossEntropy.before, text.crossEntropy.after);
  if (continuations) {
    const { value, low, high, n } = continuations.perToken;
    figures['kl'] = { before: 0, after: value, n, ci: [low, high] };
  }
  return figures;
}

function figure(before: Estimate, after: Estimate): DemoFigure {
  return { before: before.value, after: after.value, n: after.n, ci: [after.low, after.high] };
}

function baselineFigures({ remaining, targetSound, kept, failure }: Baseline) {
  return { remaining, sound: targetSound?.value ?? null, kept: kept?.value ?? null, failure };
}

/** float32: an encoder row, bias and threshold of every feature that is read, a decoder row of every one that is changed. */
function patchBytes(operations: readonly Operation[], width: number): number {
  const read = new Set(
    operations.flatMap(({ site, feature, gates }) =>
      [feature, ...gates.map((gate) => gate.feature)].map((each) => `${site} ${each}`),
    ),
  );
  return 4 * (read.size * (width + 2) + operations.length * width);
}
