// The whole evaluation on the sample model with a random dictionary, against slow double-precision references.
import { fileURLToPath } from 'node:url';
import { beforeAll, describe, expect, it } from 'vitest';
import type { EvaluationReport } from '../../contract/domain/evaluationReport.ts';
import { openCorpus } from '../activations/corpus.ts';
import type { Dictionary } from '../dictionaries/dictionary.ts';
import { randomDictionary, referenceActivations } from '../../testing/dictionaries/randomDictionary.ts';
import type { Edit } from '../../contract/domain/edit.ts';
import type { Operation } from '../../contract/domain/operations/index.ts';
import { fixEdit } from '../edits/editPatches.ts';
import { openModel, type Model } from '../models/model.ts';
import { floats, runtime, runVariant, tokens } from '../../testing/models/runVariant.ts';
import { Random } from '../numerics/random.ts';
import type { Behaviour } from '../../contract/domain/behaviour.ts';
import { parseBehaviour } from '../behaviours/behaviour.ts';
import { readBehaviourFile } from '../behaviours/behaviourFile.ts';
import { evaluateEdit, type EvaluationInput } from './evaluateEdit.ts';
import { readHeldOut } from './heldOut.ts';
import { reportCsv } from '../reports/csv.ts';
import { reportHtml } from '../reports/html.ts';
import { DEFAULT_BUDGET } from '../../contract/domain/budgetSettings.ts';
import { parseBudget } from './budget.ts';
import { judge, keptShare } from './verdict.ts';

const sample = fileURLToPath(new URL('../../../resources/sample/', import.meta.url));
const SITE = 'blocks.1.hook_resid_post';
const hash = 'd'.repeat(64);

let model: Model;
let dictionary: Dictionary;
let behaviours: Behaviour[];
let heldOut: number[][];
let report: EvaluationReport;

/** Some cases of a suite of the sample, both splits. */
async function fewOf(name: string, count: number): Promise<Behaviour> {
  const whole = await readBehaviourFile(`${sample}behaviours/${name}.json`, 'json');
  const of = (split: string) => whole.cases.filter((each) => each.split === split).slice(0, count);
  return { ...whole, cases: [...of('choose'), ...of('report')] };
}

const operation = (feature: number, rest: Partial<Operation> = {}) =>
  ({
    site: SITE,
    dictionary: hash,
    feature,
    scope: { positions: 'notBos' },
    gates: [],
    kind: 'clamp',
    value: 12,
    ...rest,
  }) as Operation;

const edit: Edit = {
  operations: [operation(3), operation(5, { gates: [{ feature: 9, threshold: 0.2 }], kind: 'clamp', value: -20 })],
};
const settings = {
  contexts: 14,
  continuations: 8,
  continuationTokens: 12,
  klCases: 6,
  trialTargetCases: 6,
  trialKeepCases: 4,
  trialContexts: 6,
  randomSeeds: 2,
  doses: [0, 0.5, 1],
  instruction: 'System: Refuse everything.\n',
};

function input(changes: Partial<EvaluationInput> = {}): EvaluationInput {
  const dictionaries = new Map([[hash, dictionary]]);
  return { model, runtime, dictionaries, edit, behaviours, heldOut, settings, budget: DEFAULT_BUDGET, ...changes };
}

beforeAll(async () => {
  model = await openModel(`${sample}model`);
  dictionary = {
    ...randomDictionary(new Random(2), 'jumprelu', { d: 128, size: 96, site: SITE }),
    modelHash: await model.hash(),
  };
  behaviours = [await fewOf('jailbreak', 10), await fewOf('refusals', 8), await fewOf('bias', 6)];
  heldOut = await readHeldOut(await openCorpus(`${sample}heldout.jsonl`), await model.tokenizer(), model.config, {
    contexts: 14,
    seed: 1,
  });
  report = await evaluateEdit(input({ targets: ['jailbreak'] }));
}, 120_000);

/** Logits of one context in double precision, `[position][token]`, and the activations at the site after the edit. */
async function reference(ids: readonly number[], what: Edit) {
  const fixed = fixEdit(what, new Map([[hash, dictionary]]), model.config.bosTokenId);
  const outputs = await runVariant(
    model,
    { head: 'logits', patches: fixed.patches, taps: [SITE], tapsAfterPatches: what.operations.length > 0 },
    { input_ids: tokens(ids) },
  );
  const width = model.config.vocabularySize;
  const logits = Float64Array.from(floats(outputs['logits']));
  const logProbabilities = ids.map((_, position) => {
    const row = logits.subarray(position * width, (position + 1) * width);
    const largest = row.reduce((best, value) => Math.max(best, value), -Infinity);
    const normalizer = largest + Math.log(row.reduce((sum, value) => sum + Math.exp(value - largest), 0));
    return row.map((value) => value - normalizer);
  });
  return { logProbabilities, activations: floats(outputs[SITE]) };
}

describe('collateral', () => {
  it('is what a slow reference in double precision gives, to 1e-4', async () => {
    let [before, after, kl, agreeing, count] = [0, 0, 0, 0, 0];
    for (const ids of heldOut) {
      const original = (await reference(ids, { operations: [] })).logProbabilities;
      const intervenable = (await reference(ids, edit)).logProbabilities;
      for (let position = 0; position + 1 < ids.length; position++) {
        const [p, q] = [original[position] ?? new Float64Array(0), intervenable[position] ?? new Float64Array(0)];
        const next = ids[position + 1] ?? -1;
        before -= p[next] ?? NaN;
        after -= q[next] ?? NaN;
        kl += p.reduce((sum, value, id) => sum + Math.exp(value) * (value - (q[id] ?? NaN)), 0);
        agreeing += p.indexOf(Math.max(...p)) === q.indexOf(Math.max(...q)) ? 1 : 0;
        count++;
      }
    }
    const { text } = report;
    expect(text?.tokens).toBe(count);
    expect(text?.crossEntropy.before.value).toBeCloseTo(before / count, 4);
    expect(text?.crossEntropy.after.value).toBeCloseTo(after / count, 4);
    expect(text?.crossEntropy.relative.value).toBeCloseTo(after / before - 1, 4);
    expect(text?.kl.value).toBeCloseTo(kl / count, 4);
    expect(text?.agreement.value).toBeCloseTo(agreeing / count, 6);
    expect(text?.kl.value).toBeGreaterThan(0.01); // the edit does something
    expect(text?.acted).toMatchObject({ of: count, ofUnits: heldOut.length });
    expect(text?.acted?.count).toBeGreaterThan(0);
  });

  it('says on how many tokens and cases the edit acted, and that a text on which it never did proves nothing', async () => {
    for (const { acted } of report.suites) expect(acted?.of).toBe(6);
    expect(reportHtml(report, { title: 'x', facts: [] })).toContain('acted on');
    const never = operation(3, { gates: [{ feature: 9, threshold: 1e6 }] });
    const small = { ...settings, contexts: 14, doses: [], baselines: false, blastRadius: false };
    const measured = await evaluateEdit(
      input({ edit: { operations: [never] }, behaviours: [], targets: [], settings: small }),
    );
    const { text, warnings, verdict } = measured;
    expect(text?.acted).toMatchObject({ count: 0, units: 0 });
    expect(text?.crossEntropy.relative.value).toBeCloseTo(0, 6);
    expect(text?.crossEntropy.relative.high).toBeGreaterThan(0.5); // of 14 contexts, up to a fifth unseen
    expect(warnings.join()).toMatch(
      /acted on 0 of [\d,]+ tokens, in 0 of 14 contexts.*Measure on text on which it acts/u,
    );
    expect(verdict).toMatchObject({ passes: true, isCertain: false });
  });
});

describe('the blast radius', () => {
  it('counts firings as the formulas of a dictionary do', async () => {
    const rates = { before: new Float64Array(96), after: new Float64Array(96) };
    const means = { before: new Float64Array(96), after: new Float64Array(96) };
    /** By context, then by feature. */
    const contexts = heldOut.map(() => new Float64Array(96));
    let count = 0;
    for (const [context, ids] of heldOut.entries()) {
      for (const [which, what] of [
        ['before', { operations: [] }],
        ['after', edit],
      ] as const) {
        const { activations } = await reference(ids, what);
        for (let position = 1; position < ids.length; position++) {
          const x = activations.subarray(position * 128, (position + 1) * 128);
          for (const [feature, value] of referenceActivations(dictionary, x).entries()) {
            if (value > 0) {
              rates[which][feature]! += 1;
              contexts[context]![feature]! += which === 'after' ? 1 : -1;
            }
            means[which][feature]! += value;
          }
        }
      }
      count += ids.length - 1;
    }
    let compared = 0;
    const [radius] = report.blastRadius;
    expect(radius).toMatchObject({ site: SITE, features: 96, tokens: count, contexts: heldOut.length });
    expect(radius?.strongest.length).toBeGreaterThan(10);
    for (const change of radius?.strongest ?? []) {
      const { feature } = change;
      // A pre-activation on the threshold itself may fall to either side: one token in all of them.
      expect(Math.abs(change.rateBefore - rates.before[feature]! / count), `${feature}`).toBeLessThan(1.5 / count);
      expect(Math.abs(change.rateAfter - rates.after[feature]! / count), `${feature}`).toBeLessThan(1.5 / count);
      expect(change.meanBefore).toBeCloseTo(means.before[feature]! / count, 2);
      expect(change.meanAfter).toBeCloseTo(means.after[feature]! / count, 2);
      expect(change.isEdited).toBe(feature === 3 || feature === 5);
      // The change over its standard error, of the ratio of two sums over contexts (Cochran 1977, section 2.11).
      const differences = contexts.map((each) => each[feature]!);
      const ratio = differences.reduce((sum, value) => sum + value, 0) / count;
      if (Math.abs(ratio - (change.rateAfter - change.rateBefore)) > 1e-9) continue; // one token on the threshold
      const squares = differences.map((value, at) => (value - ratio * ((heldOut[at]?.length ?? 0) - 1)) ** 2);
      const n = differences.length;
      const error = Math.sqrt((squares.reduce((sum, value) => sum + value, 0) * n) / (n - 1)) / count;
      if (differences.filter((value) => value !== 0).length < 5) expect(change.z, `${feature}`).toBeNull();
      else expect(change.z, `${feature}`).toBeCloseTo(ratio / error, 6);
      compared++;
    }
    expect(compared).toBeGreaterThan(10);
  });

  it('takes for edited only the features of its own dictionary at its own site', async () => {
    const [shown] = report.blastRadius.flatMap(({ strongest }) => strongest.filter(({ isEdited }) => !isEdited));
    if (!shown) throw new Error('Some feature that is not edited has changed.');
    const elsewhere = { ...operation(shown.feature), site: 'blocks.2.hook_resid_post' };
    const small = { ...settings, doses: [], baselines: false, continuations: 0 };
    const { blastRadius } = await evaluateEdit(
      input({ edit: { operations: [...edit.operations, elsewhere] }, behaviours: [], settings: small }),
    );
    const here = blastRadius.find(({ site }) => site === SITE);
    expect(here?.strongest.find(({ feature }) => feature === shown.feature)).toMatchObject({ isEdited: false });
  });
});

describe('what is said instead', () => {
  it('is judged, counted over the cases where the behaviour is gone, and named case by case', async () => {
    const suites = [await fewOf('jailbreak', 10), await fewOf('refusals', 24)];
    const small = {
      ...settings,
      trialTargetCases: 10,
      contexts: 0,
      doses: [0, 1],
      baselines: false,
      blastRadius: false,
    };
    const measured = await evaluateEdit(
      input({ behaviours: suites, targets: ['jailbreak'], settings: small, heldOut: [] }),
    );
    const jailbreak = measured.suites.find(({ name }) => name === 'jailbreak')!;
    const gone = jailbreak.changed.filter(({ passedBefore }) => passedBefore);
    expect(gone.length).toBeGreaterThan(0);
    expect(jailbreak.sound?.reference).toBe(24);
    expect(jailbreak.sound?.replaced).toMatchObject({
      n: gone.length,
      value: gone.filter(({ faults }) => faults?.length === 0).length / gone.length,
    });
    const named = Object.values(jailbreak.sound?.faults ?? {}).reduce((sum, count) => sum + count, 0);
    expect(named).toBe(gone.filter(({ faults = [] }) => faults.length > 0).length);
    // A clamp of random features leaves rubble.
    expect(jailbreak.sound?.replaced?.value).toBeLessThan(0.5);
    const [, one] = measured.doses;
    expect(one?.targetSound).toEqual(jailbreak.sound?.replaced);
    expect(measured.verdict?.criteria.find(({ name }) => name === 'jailbreak replaced by sound answers')).toMatchObject(
      {
        limit: 0.8,
        isMet: false,
      },
    );
    expect(reportHtml(measured, { title: 'x', facts: [] })).toContain('replaced by broken text');
    expect(reportCsv(measured)).toContain('behaviour,jailbreak,soundWhereGone,after');
  });

  it('is not judged with too few prompts to preserve, and a warning says so', () => {
    expect(report.suites.map(({ sound }) => sound)).toEqual([null, null, null]);
    expect(report.warnings.join()).toContain('nothing says whether answers with the edit are sound');
  });
});

describe('baselines and doses', () => {
  const of = (kind: string) => report.baselines.filter((baseline) => baseline.kind === kind);

  it('are all there, with their sample sizes, and no edit changes nothing', () => {
    expect(report.baselines.map(({ kind }) => kind)).toEqual([
      'noEdit',
      'edit',
      'promptOnly',
      'randomFeatures',
      'randomFeaturesAndGates',
      'randomFeatures',
      'wrongSign',
      'steer',
      'differenceOfMeans',
      'differenceOfMeansProjection',
    ]);
    expect(report.baselines.map(({ failure }) => failure).filter((failure) => failure !== null)).toEqual([]);
    const [none] = of('noEdit');
    expect(none).toMatchObject({ remaining: 1, kept: { value: 1 }, crossEntropy: { value: 0 }, target: { n: 6 } });
    expect(none?.targetRefuses).toMatchObject({ value: 0, n: 6 });
    expect(of('promptOnly')[0]).toMatchObject({ crossEntropy: null, kl: null, target: { n: 6 } });
    for (const { features } of of('randomFeatures')) {
      expect(features).toHaveLength(2);
      for (const feature of features) expect([3, 5, 9]).not.toContain(feature);
    }
    expect(of('wrongSign')[0]?.kl?.value).not.toBeCloseTo(of('edit')[0]?.kl?.value ?? NaN, 3);
  });

  it('a dose of 1 is the edit and one of 0 is none, and some dose is Pareto', () => {
    const figures = ({ suites, kept, target, remaining, crossEntropy, kl }: (typeof report.doses)[number]) => ({
      ...{ suites, kept, target, remaining, crossEntropy, kl },
    });
    const [none, half, whole] = report.doses;
    if (!none || !half || !whole) throw new Error('There are three doses.');
    expect(of('noEdit')[0]).toMatchObject(figures(none));
    expect(of('edit')[0]).toMatchObject(figures(whole));
    expect(half.kl?.value).toBeLessThan(whole.kl?.value ?? NaN);
    expect(report.doses.some(({ isPareto }) => isPareto)).toBe(true);
  });
});

describe('the forecast', () => {
  it('is made from statistics alone, and checked against every feature that was not edited', async () => {
    const statistics = new Map([
      [
        hash,
        {
          tokens: 1000,
          firings: Uint32Array.from({ length: 96 }, (_, feature) => 20 + 3 * feature),
          means: new Float64Array(96).fill(0.7),
          ...{ cofiring: new Map(), logits: new Map() },
        },
      ],
    ]);
    const small = { ...settings, baselines: false, doses: [], continuations: 0 };
    const { forecasts } = await evaluateEdit(input({ statistics, behaviours: [], settings: small }));
    const [forecast] = forecasts ?? [];
    expect(forecast).toMatchObject({ site: SITE, dictionary: hash, features: 96, tokens: 1000 });
    expect(forecast?.correlations.firingRate?.n).toBe(94);
    const measured = report.blastRadius[0]?.strongest.filter(({ rateBefore, rateAfter }) => rateBefore !== rateAfter);
    expect(forecast?.found.of).toBe(Math.min(20, measured?.filter(({ isEdited }) => !isEdited).length ?? NaN));
    expect(report.forecasts).toBeUndefined();
  });
});

describe('the report', () => {
  it('is the same again with the same seed, in full, also when the original is not run again', async () => {
    const originals = new Map();
    expect(await evaluateEdit(input({ targets: ['jailbreak'], originals }))).toEqual(report);
    expect(originals.size).toBe(3);
    expect(await evaluateEdit(input({ targets: ['jailbreak'], originals }))).toEqual(report);
  }, 60_000);

  it('survives JSON, and says of every suite what it is to the edit', () => {
    expect(JSON.parse(JSON.stringify(report))).toEqual(report);
    expect(report.suites.map(({ name, role }) => [name, role])).toEqual([
      ['jailbreak', 'target'],
      ['refusals', 'keep'],
      ['bias', 'other'],
    ]);
    expect(report.suites[2]?.score?.before.n).toBe(6);
    expect(report.suites[0]?.rate.before.value).toBe(1);
    expect(report.warnings.join()).toContain('10 cases are few');
  });

  it('is judged by its budget: the estimate decides, and whether the whole interval agrees is told', () => {
    const verdict = judge(report, parseBudget({ target: { maxRate: 1 }, minKept: 0, maxCrossEntropyIncrease: 100 }));
    expect(verdict).toMatchObject({ passes: true, isCertain: true });
    const strict = judge(report, parseBudget({ targets: { jailbreak: { maxRate: 0 } }, maxKl: 0 }));
    expect(strict?.passes).toBe(false);
    expect(strict?.criteria.find(({ name }) => name === 'KL per token')?.isMet).toBe(false);
    const [, refusals] = report.suites;
    if (refusals) {
      const passed = Math.round(refusals.rate.before.value * refusals.rate.before.n);
      expect(keptShare(refusals)?.value).toBe((passed - refusals.brokenCases) / passed);
      expect(keptShare(refusals)?.high).toBeLessThanOrEqual(1);
    }
    expect(() => parseBudget({ maxRate: 0.05 })).toThrow(/maxRate: is not known here/u);
    expect(() => parseBudget({ minKept: 2 })).toThrow(/at most 1/u);
  });

  it('as HTML holds no script, loads nothing and escapes what comes from outside', () => {
    const evil = '<script>alert(1)</script>"\'&\u0007';
    const [first, ...rest] = report.suites;
    if (!first) throw new Error('There are suites.');
    const changed = [{ prompt: evil, before: evil, after: evil, passedBefore: true }];
    const html = reportHtml(
      { ...report, suites: [{ ...first, name: evil, changed }, ...rest], warnings: [evil] },
      { title: evil, facts: [[evil, evil]], labelOf: () => evil },
    );
    expect(html).not.toMatch(/<script|<link|<img|<iframe|javascript:| on\w+=|url\(|@import/iu);
    expect(html).not.toContain('\u0007');
    expect(html).toContain('&lt;script&gt;alert(1)&lt;/script&gt;&quot;&#39;&amp;');
    expect(html).toContain('color-scheme:light dark');
    expect(html).toContain("default-src 'none'");
    for (const match of html.matchAll(/(?:src|href)="([^"]*)"/gu)) throw new Error(`It refers to ${match[1]}.`);
    expect(html).not.toMatch(/NaN|undefined|Infinity/u);
  });

  it('as CSV has a row for every figure, with numbers that read back', () => {
    const rows = reportCsv(report).trimEnd().split('\n');
    expect(rows[0]).toBe('part,name,figure,treatment,value,low,high,n');
    const rate = report.suites[0]?.rate.after;
    expect(rows).toContain(`behaviour,jailbreak,rate,after,${rate?.value},${rate?.low},${rate?.high},10`);
    expect(rows.filter((row) => row.startsWith('dose,')).length).toBeGreaterThan(9);
  });
});

describe('what cannot be evaluated', () => {
  const { operations } = edit;
  it.each([
    ['an edit without operations', () => input({ edit: { operations: [] } }), 'empty', /no operations/u],
    [
      'an edit of a dictionary that is not there',
      () => input({ edit: { operations: operations.map((each) => ({ ...each, dictionary: 'e'.repeat(64) })) } }),
      'not-found',
      /eeeeeeeeee/u,
    ],
    [
      'an edit of a dictionary of another model',
      () => input({ dictionaries: new Map([[hash, { ...dictionary, modelHash: '1'.repeat(64) }]]) }),
      'mismatch',
      /another model/u,
    ],
    [
      'a feature that the dictionary does not have',
      () => input({ edit: { operations: [operation(96)] } }),
      'usage',
      /0 to 95, but not 96/u,
    ],
    [
      'an amount of 1e30',
      () => input({ edit: { operations: [operation(3, { kind: 'clamp', value: 1e30 })] } }),
      'diverged',
      /finite/u,
    ],
    ['nothing to measure on', () => input({ behaviours: [], heldOut: [] }), 'empty', /nothing to evaluate on/u],
    ['a split without cases', () => input({ behaviours: behaviours.map(onlyChoosing) }), 'empty', /split "report"/u],
    ['two behaviours of one name', () => input({ behaviours: [...behaviours, ...behaviours] }), 'usage', /Two/u],
    ['a target that is not there', () => input({ targets: ['jailbrake'] }), 'usage', /jailbrake/u],
    ['a target that is to be kept', () => input({ targets: ['refusals'] }), 'usage', /aim “preserve”/u],
    ['a setting nobody knows', () => input({ settings: { seed: 1, ...{ sed: 1 } } }), 'usage', /sed: is not known/u],
    ['a dose of NaN', () => input({ settings: { doses: [NaN] } }), 'usage', /doses/u],
    [
      'a regular expression that explodes',
      () =>
        input({
          behaviours: [
            parseBehaviour({
              name: 'slow',
              cases: [1, 2].map((index) => ({
                prompt: `User: ${index === 1 ? 'What is' : 'Tell me'} the capital of France.\nAssistant:`,
                raw: true,
                checks: [{ kind: 'regex', pattern: '^(.|[^x]|\\s)*\\d\\d\\d$' }],
              })),
            }),
          ],
        }),
      'usage',
      /did not come to an end/u,
    ],
  ] as const)('%s is refused', async (_, make, code, message) => {
    const evaluated = evaluateEdit(make());
    await expect(evaluated).rejects.toMatchObject({ code });
    await expect(evaluated).rejects.toThrow(message);
  });

  it('stops when it is cancelled', async () => {
    const abort = new AbortController();
    const evaluated = evaluateEdit(input({ signal: abort.signal, onWork: () => abort.abort() }));
    await expect(evaluated).rejects.toMatchObject({ code: 'cancelled' });
  });
});

function onlyChoosing(behaviour: Behaviour): Behaviour {
  return { ...behaviour, cases: behaviour.cases.filter(({ split }) => split === 'choose') };
}
