// The whole evaluation of one edit: behaviours before and after, collateral on held-out text, blast radius, baselines, doses,
// verdict. Everything runs through one treated model, and what the original model gives is computed once.
import { AppError } from '../contract/errors.ts';
import type { OnWork } from '../contract/progress.ts';
import type { Dictionary } from '../dictionaries/dictionary.ts';
import { canonicalEdit, editId, type Edit } from '../edits/edit.ts';
import { placesOf, type Dictionaries } from '../edits/editPatches.ts';
import type { Model } from '../models/model.ts';
import type { Runtime } from '../onnx/runtime.ts';
import { directionBaselines, randomFeatureEdit, type DirectionBaselines } from './baselines.ts';
import { behaviourId, type Behaviour, type Case } from './behaviour.ts';
import { blastRadius, type BlastRadius } from './blastRadius.ts';
import { isTextCheck, refuses } from './checks.ts';
import {
  continuationKl,
  freeText,
  isLoop,
  meanPair,
  ratePair,
  textCollateral,
  type ContinuationKl,
  type FreeText,
} from './collateral.ts';
import { measureDirections, type Directions } from './directions.ts';
import { isSignificant, rateEstimate, ratioEstimate, relativeDifference, type Estimate } from './intervals.ts';
import { openPromptEncoder, type PromptEncoder } from './prompts.ts';
import {
  parseSettings,
  REPORT_FORMAT,
  type Baseline,
  type BaselineKind,
  type Dose,
  type EvaluationReport,
  type EvaluationSettings,
  type SmallSuite,
  type SuiteReport,
  type SuiteRole,
  type Trial,
} from './report.ts';
import { casesOf, runCases, type CaseOutcome } from './runBehaviour.ts';
import { TreatedModel, UNTREATED, type Reading, type Text, type Treatment } from './treatedModel.ts';
import { judge, type Budget } from './verdict.ts';

export interface EvaluationInput {
  readonly model: Model;
  readonly runtime: Runtime;
  /** By content hash: at least those that the edit names. */
  readonly dictionaries: Dictionaries;
  readonly edit: Edit;
  /** By name, no two of one name. */
  readonly behaviours: readonly Behaviour[];
  /** Names of those that the edit is for; when left out, all whose aim is not to be kept. */
  readonly targets?: readonly string[] | undefined;
  /** Held-out text (heldOut.ts); empty: no figures on text. */
  readonly heldOut: readonly (readonly number[])[];
  /** See EvaluationSettings; what is left out has its default. */
  readonly settings?: unknown;
  /** What the original model gave, kept from one evaluation to the next by whoever makes several. */
  readonly originals?: Map<string, readonly CaseOutcome[]> | undefined;
  /** Null: no verdict. */
  readonly budget: Budget | null;
  readonly signal?: AbortSignal | undefined;
  readonly onWork?: OnWork | undefined;
}

interface Suite {
  readonly behaviour: Behaviour;
  readonly role: SuiteRole;
  readonly cases: readonly Case[];
  /** Indices of the cases that trials run on. */
  readonly trial: readonly number[];
}

interface SuiteOutcomes extends Suite {
  readonly before: readonly CaseOutcome[];
  readonly after: readonly CaseOutcome[];
}

const FEW_CASES = 100;
const LISTED_CASES = 6;
/** Of a prompt or an answer in the report, in characters. */
const LONGEST_SHOWN = 2000;
/** Prompts of each suite from which directions are measured. */
const DIRECTION_CASES = 100;
const SHORTEST_PROMPT = 3;

/**
 * @throws AppError `empty` for an edit without operations, no behaviours and no text, or a suite without at least two cases of
 * the split; `mismatch` for a dictionary of another model; `not-found` for one that is missing; `usage` for a feature, name or
 * setting that is wrong, or a regular expression that explodes; `diverged` when the edit makes the model's numbers infinite.
 */
export async function evaluateEdit(input: EvaluationInput): Promise<EvaluationReport> {
  const evaluation = await Evaluation.open(input);
  try {
    return await evaluation.run();
  } finally {
    await evaluation.release();
  }
}

class Evaluation {
  readonly #input: EvaluationInput;
  readonly #edit: Edit;
  readonly #settings: EvaluationSettings;
  readonly #suites: readonly Suite[];
  readonly #texts: readonly Text[];
  readonly #encoder: PromptEncoder;
  readonly #directions: Directions | null;
  readonly #plain: DirectionBaselines | null;
  readonly #treated: TreatedModel;
  readonly #modelHash: string;
  readonly #warnings: string[] = [];
  #rowsDone = 0;
  #rowsTotal = 0;
  /** What many short runs in a row are called together. */
  #stage: string | null = null;

  static async open(input: EvaluationInput): Promise<Evaluation> {
    const settings = parseSettings(input.settings);
    const edit = canonicalEdit(input.edit);
    if (edit.operations.length === 0) {
      throw new AppError('empty', 'The edit has no operations: there is nothing to evaluate.');
    }
    const modelHash = await input.model.hash(input.signal);
    for (const hash of new Set(edit.operations.map(({ dictionary }) => dictionary))) {
      const dictionary = dictionaryOf(input.dictionaries, hash);
      if (dictionary.modelHash === '' || dictionary.modelHash === modelHash) continue;
      throw new AppError('mismatch', `The dictionary ${hash.slice(0, 10)} of the edit was trained on another model.`, {
        details: { dictionary: hash, model: modelHash },
      });
    }
    const suites = chooseSuites(input, settings);
    if (suites.length === 0 && input.heldOut.length === 0) {
      throw new AppError('empty', 'There are no behaviours and no held-out text: nothing to evaluate on.');
    }
    if (input.heldOut.length === 1)
      throw new AppError('empty', 'One context of held-out text is too little: two are the least.');
    const encoder = await openPromptEncoder(input.model);
    const directions = settings.baselines ? await directionsOf(input, edit, suites, encoder) : null;
    return new Evaluation(input, edit, settings, suites, encoder, directions, modelHash);
  }

  private constructor(
    input: EvaluationInput,
    edit: Edit,
    settings: EvaluationSettings,
    suites: readonly Suite[],
    encoder: PromptEncoder,
    directions: Directions | null,
    modelHash: string,
  ) {
    this.#input = input;
    this.#edit = edit;
    this.#settings = settings;
    this.#suites = suites;
    this.#encoder = encoder;
    this.#modelHash = modelHash;
    this.#directions = directions;
    this.#plain = directions && directionBaselines(edit, directions);
    const { model, runtime, dictionaries } = input;
    this.#treated = new TreatedModel({
      model,
      runtime,
      dictionaries: new Map([...dictionaries, ...(this.#plain?.dictionaries ?? [])]),
      places: [...placesOf(edit), ...(this.#plain?.places ?? [])],
    });
    this.#texts = input.heldOut.slice(0, settings.contexts).map(asText);
  }

  async run(): Promise<EvaluationReport> {
    const { model, signal, budget } = this.#input;
    const { seed } = this.#settings;
    const treatment: Treatment = { edit: this.#edit };
    this.#rowsTotal = this.#countRows();
    this.#warn();

    const outcomes: SuiteOutcomes[] = [];
    const suites: SuiteReport[] = [];
    for (const suite of this.#suites) {
      const before = await this.#runOriginal(suite);
      const after = await this.#runCases(treatment, suite, suite.cases);
      const kl = await this.#answerKl(treatment, before);
      outcomes.push({ ...suite, before, after });
      suites.push(suiteReport(suite, before, after, kl, seed));
    }

    const readings =
      this.#texts.length < 2
        ? null
        : { before: await this.#read(UNTREATED, this.#texts), after: await this.#read(treatment, this.#texts) };
    const text = readings && {
      ...textCollateral(readings.before, readings.after, seed),
      contexts: this.#texts.length,
    };
    const continuations = await this.#continuations(treatment);
    const radii = await this.#blastRadii(treatment);
    const cache = { outcomes, readings };
    this.#stage = 'Trying baselines';
    const baselines = this.#settings.baselines ? await this.#baselines(treatment, cache, radii) : [];
    this.#stage = 'Trying doses';
    const doses = await this.#doses(cache);
    const figures = { suites, text, continuations };
    if (signal?.aborted) throw new AppError('cancelled', 'The evaluation was cancelled.');
    return {
      format: REPORT_FORMAT,
      model: this.#modelHash,
      edit: { id: editId(this.#edit), operations: this.#edit.operations },
      settings: this.#settings,
      ...figures,
      blastRadius: radii.map(({ firingRates: _, ...rest }) => rest),
      shifts: (this.#directions?.shifts ?? []).map(({ site, meanNorm, share }) => ({ site, meanNorm, share })),
      baselines,
      doses,
      verdict: budget && judge(figures, budget),
      warnings: [
        ...new Set([
          ...this.#warnings,
          ...(model.config.contextLength < 64 ? ['The model sees less than 64 tokens.'] : []),
        ]),
      ],
    };
  }

  async release(): Promise<void> {
    await this.#treated.release();
  }

  // ---- the parts --------------------------------------------------------------------------------------------------

  async #runOriginal(suite: Suite): Promise<readonly CaseOutcome[]> {
    const key = `${this.#modelHash} ${behaviourId(suite.behaviour)} ${this.#settings.split}`;
    const known = this.#input.originals?.get(key);
    if (known) {
      this.#rowsDone += suite.cases.length;
      return known;
    }
    const outcomes = await this.#runCases(UNTREATED, suite, suite.cases);
    this.#input.originals?.set(key, outcomes);
    return outcomes;
  }

  #runCases(
    treatment: Treatment,
    { behaviour }: Suite,
    cases: readonly Case[],
    instruction = '',
  ): Promise<CaseOutcome[]> {
    const { signal } = this.#input;
    const stage = `Evaluating ${behaviour.name}`;
    return this.#counted(stage, cases.length, (onRows) =>
      runCases(this.#treated, treatment, behaviour, cases, this.#encoder, { instruction, signal, onRows }),
    );
  }

  #read(treatment: Treatment, texts: readonly Text[]): Promise<Reading[]> {
    const { signal } = this.#input;
    return this.#counted('Scoring held-out text', texts.length, (onRows) =>
      treatment === UNTREATED
        ? this.#treated.readUntreated(texts, { signal, onRows })
        : this.#treated.read(treatment, texts, { signal, onRows }),
    );
  }

  /** Along the original model's own answers to some of the cases. */
  async #answerKl(treatment: Treatment, before: readonly CaseOutcome[]): Promise<ContinuationKl | null> {
    const answered = spread(
      before.filter(({ ids }) => ids.length > 0),
      this.#settings.klCases,
    );
    if (answered.length < 2) return null;
    const texts = answered.map(({ promptIds, ids }) => ({
      ids: [...promptIds, ...ids],
      promptLength: promptIds.length,
    }));
    const readings = await this.#treated.read(treatment, texts, { signal: this.#input.signal });
    return continuationKl(texts, readings, this.#settings.seed);
  }

  /** Greedy continuations of held-out text cut in its middle. */
  async #continuations(treatment: Treatment): Promise<(ContinuationKl & FreeText) | null> {
    const { continuations, continuationTokens: maxNewTokens, seed } = this.#settings;
    const { contextLength } = this.#treated.model.config;
    const prompts = spread(
      this.#texts
        .map(({ ids }) => Array.from(ids).slice(0, Math.ceil(ids.length / 2)))
        .filter(({ length }) => length >= SHORTEST_PROMPT && length + maxNewTokens <= contextLength),
      continuations,
    );
    if (prompts.length < 2) return null;
    const { signal } = this.#input;
    const generate = (what: Treatment) =>
      this.#counted('Continuing held-out text', prompts.length, (onRows) =>
        this.#treated.greedy(what, prompts, { maxNewTokens, signal, onRows }),
      );
    const [before, after] = [await generate(UNTREATED), await generate(treatment)];
    const texts = prompts
      .map((prompt, index) => ({ ids: [...prompt, ...(before[index]?.ids ?? [])], promptLength: prompt.length }))
      .filter(({ ids, promptLength }) => ids.length > promptLength);
    if (texts.length < 2) return null;
    const readings = await this.#treated.read(treatment, texts, { signal });
    const idsOf = (texts: typeof before) => texts.map(({ ids }) => ids);
    return { ...continuationKl(texts, readings, seed), ...freeText(idsOf(before), idsOf(after), seed) };
  }

  async #blastRadii(treatment: Treatment): Promise<BlastRadius[]> {
    if (this.#texts.length < 2 || !(this.#settings.blastRadius || this.#settings.baselines)) return [];
    const { runtime, dictionaries, signal } = this.#input;
    const radii: BlastRadius[] = [];
    for (const { dictionary: hash, site } of placesOf(this.#edit)) {
      const dictionary = { ...dictionaryOf(dictionaries, hash), site };
      radii.push(
        await this.#counted('Measuring the blast radius', this.#texts.length, (onRows) =>
          blastRadius({
            treated: this.#treated,
            runtime,
            treatment,
            dictionary,
            hash,
            texts: this.#texts,
            signal,
            onRows,
          }),
        ),
      );
    }
    return radii;
  }

  async #baselines(treatment: Treatment, cache: Cache, radii: readonly BlastRadius[]): Promise<Baseline[]> {
    const { instruction, randomSeeds, seed } = this.#settings;
    const baselines: Baseline[] = [];
    const add = async (
      kind: BaselineKind,
      description: string,
      trial: Promise<Trial>,
      features: readonly number[] = [],
    ) => void baselines.push({ kind, description, features, ...(await trial) });
    const run = (what: Treatment) => this.#trial(what, cache);

    await add(
      'noEdit',
      'The model as it is.',
      Promise.resolve(trialOf(cachedRun(cache, 'before', this.#trialTexts()), cache)),
    );
    await add('edit', 'The edit.', Promise.resolve(trialOf(cachedRun(cache, 'after', this.#trialTexts()), cache)));
    if (instruction !== '') {
      await add(
        'promptOnly',
        `No edit, but before every prompt: ${JSON.stringify(instruction)}`,
        this.#trial(UNTREATED, cache, instruction),
      );
    }
    const rates = new Map(radii.map(({ dictionary, firingRates }) => [dictionary, firingRates]));
    if (rates.size > 0) {
      for (let draw = 0; draw < randomSeeds; draw++) {
        for (const withGates of draw === 0 ? [false, true] : [false]) {
          const edit = randomFeatureEdit(this.#edit, rates, seed + draw, { withGates });
          if (!edit) {
            this.#warnings.push('The dictionary has too few features to draw random ones of like firing rate.');
            continue;
          }
          const hasGates = edit.operations.some(({ gates }) => gates.length > 0);
          if (withGates && !hasGates) continue;
          await add(
            withGates ? 'randomFeaturesAndGates' : 'randomFeatures',
            `Features of about the same firing rate in the places of the edited ones${withGates ? ' and of the gates' : hasGates ? ', behind the same gates' : ''} (draw ${draw + 1}).`,
            run({ edit }),
            [...new Set(edit.operations.map(({ feature }) => feature))],
          );
        }
      }
    }
    await add('wrongSign', 'The edit with the opposite sign.', run({ ...treatment, strength: -1 }));
    if (this.#plain) {
      const { steer, differenceOfMeans, differenceOfMeansProjection } = this.#plain;
      await add(
        'steer',
        "The edit's mean shift, added everywhere at its mean norm, without gates.",
        run({ edit: steer }),
      );
      await add(
        'differenceOfMeans',
        'The difference of the mean activations of target and kept prompts, subtracted everywhere at the mean norm of the edit.',
        run({ edit: differenceOfMeans }),
      );
      await add(
        'differenceOfMeansProjection',
        'The direction of that difference, projected out everywhere.',
        run({ edit: differenceOfMeansProjection }),
      );
    }
    return baselines;
  }

  async #doses(cache: Cache): Promise<Dose[]> {
    const doses: (Trial & { strength: number })[] = [];
    for (const strength of [...new Set(this.#settings.doses)].sort((a, b) => a - b)) {
      const known = strength === 0 ? 'before' : strength === 1 ? 'after' : null;
      const trial =
        known === null
          ? await this.#trial({ edit: this.#edit, strength }, cache)
          : trialOf(cachedRun(cache, known, this.#trialTexts()), cache);
      doses.push({ strength, ...trial });
    }
    return doses.map((dose) => ({ ...dose, isPareto: !doses.some((other) => dominates(other, dose)) }));
  }

  /** A treatment on the trial's cases and contexts. One that makes the numbers explode has a failure instead of figures. */
  async #trial(treatment: Treatment, cache: Cache, instruction = ''): Promise<Trial> {
    try {
      const outcomes: TrialOutcomes[] = [];
      for (const suite of cache.outcomes) {
        if (suite.role === 'other') continue;
        const cases = suite.trial.map((index) => at(suite.cases, index));
        outcomes.push({ suite, outcomes: await this.#runCases(treatment, suite, cases, instruction) });
      }
      const chosen = this.#trialTexts();
      const readsText = instruction === '' && chosen.length >= 2;
      const readings = readsText
        ? await this.#read(
            treatment,
            chosen.map((index) => at(this.#texts, index)),
          )
        : null;
      return trialOf({ outcomes, readings: readings && { chosen, readings } }, cache);
    } catch (thrown) {
      if (!(thrown instanceof AppError) || (thrown.code !== 'diverged' && thrown.code !== 'usage')) throw thrown;
      const none = { kept: null, target: null, targetRefuses: null, remaining: null, crossEntropy: null, kl: null };
      return { suites: [], ...none, failure: thrown.message };
    }
  }

  #trialTexts(): number[] {
    return spread([...this.#texts.keys()], this.#settings.trialContexts);
  }

  // ---- progress and warnings ----------------------------------------------------------------------------------------

  async #counted<T>(stage: string, rows: number, work: (onRows: (done: number) => void) => Promise<T>): Promise<T> {
    const start = this.#rowsDone;
    const report = (done: number) =>
      this.#input.onWork?.({
        stage: this.#stage ?? stage,
        done: Math.min(start + done, this.#rowsTotal),
        total: this.#rowsTotal,
        unit: 'texts',
      });
    report(0);
    const result = await work((done) => report(Math.min(done, rows)));
    this.#rowsDone = start + rows;
    report(rows);
    return result;
  }

  #countRows(): number {
    const { baselines, randomSeeds, doses, continuations, instruction } = this.#settings;
    const cases = this.#suites.reduce((sum, suite) => sum + suite.cases.length, 0);
    const texts = this.#texts.length < 2 ? 0 : this.#texts.length;
    const perTrial =
      this.#suites.reduce((sum, { role, trial }) => sum + (role === 'other' ? 0 : trial.length), 0) +
      this.#trialTexts().length;
    const baselineTrials = baselines ? 1 + randomSeeds + 1 + (this.#plain ? 3 : 0) + (instruction === '' ? 0 : 1) : 0;
    const doseTrials = new Set(doses.filter((dose) => dose !== 0 && dose !== 1)).size;
    return 2 * cases + 3 * texts + 2 * Math.min(continuations, texts) + perTrial * (baselineTrials + doseTrials);
  }

  #warn(): void {
    const { baselines, instruction } = this.#settings;
    for (const { behaviour, cases } of this.#suites) {
      if (cases.length >= FEW_CASES) continue;
      this.#warnings.push(`${behaviour.name}: ${cases.length} cases are few; look at the intervals.`);
    }
    if (this.#texts.length < 2) {
      this.#warnings.push(
        'Without held-out text there are no cross-entropy, no KL on text, no blast radius and no random features.',
      );
    } else if (this.#texts.length < FEW_CASES) {
      this.#warnings.push(`${this.#texts.length} contexts of held-out text are few; look at the intervals.`);
    }
    if (!this.#suites.some(({ role }) => role === 'target')) {
      this.#warnings.push('No behaviour is a target, so nothing says what the edit is for.');
    }
    if (baselines && instruction === '')
      this.#warnings.push('No instruction was given, so there is no prompt-only baseline.');
    if (this.#directions && !this.#plain) this.#warnings.push("The edit never acts on the target's prompts.");
  }
}

// ---- what a run gave -------------------------------------------------------------------------------------------------

interface Cache {
  readonly outcomes: readonly SuiteOutcomes[];
  readonly readings: { readonly before: readonly Reading[]; readonly after: readonly Reading[] } | null;
}

interface TrialOutcomes {
  readonly suite: SuiteOutcomes;
  /** Of the suite's trial cases. */
  readonly outcomes: readonly CaseOutcome[];
}

interface TrialRun {
  readonly outcomes: readonly TrialOutcomes[];
  readonly readings: { readonly chosen: readonly number[]; readonly readings: readonly Reading[] } | null;
}

/** What the main figures already gave, at the cases and contexts of the trials. */
function cachedRun({ outcomes, readings }: Cache, which: 'before' | 'after', chosen: readonly number[]): TrialRun {
  return {
    outcomes: outcomes
      .filter(({ role }) => role !== 'other')
      .map((suite) => ({ suite, outcomes: suite.trial.map((index) => at(suite[which], index)) })),
    readings:
      readings && chosen.length >= 2 ? { chosen, readings: chosen.map((index) => at(readings[which], index)) } : null,
  };
}

function trialOf({ outcomes, readings }: TrialRun, cache: Cache): Trial {
  const suites = outcomes.map(({ suite, outcomes: now }): SmallSuite => {
    const scores = scoresOf(now);
    return {
      name: suite.behaviour.name,
      role: suite.role,
      rate: rateEstimate(now.filter(({ passed }) => passed).length, now.length),
      score: scores === null ? null : mean(scores),
    };
  });
  const ofRole = (role: SuiteRole) => outcomes.filter(({ suite }) => suite.role === role);
  const kept = ofRole('keep').flatMap(({ suite, outcomes: now }) =>
    now.filter((_, index) => at(suite.before, at(suite.trial, index)).passed).map(({ passed }) => passed),
  );
  const target = ofRole('target').flatMap(({ outcomes: now }) => now.map(({ passed }) => passed));
  const answers = ofRole('target').flatMap(({ suite, outcomes: now }) =>
    suite.cases.some(({ checks }) => checks.some(isTextCheck)) ? now : [],
  );
  const pooled = (passes: readonly boolean[]): Estimate | null =>
    passes.length === 0 ? null : rateEstimate(passes.filter(Boolean).length, passes.length);
  const parts = ofRole('target').map(remainingOf);
  const before =
    readings && cache.readings ? readings.chosen.map((index) => at(cache.readings?.before ?? [], index)) : null;
  return {
    suites,
    kept: pooled(kept),
    target: pooled(target),
    targetRefuses: pooled(answers.map(({ output }) => refuses(output))),
    remaining: parts.length === 0 ? null : mean(parts),
    ...textFigures(before, readings?.readings ?? null),
    failure: null,
  };
}

/** What is left of a target under a trial, by what it was before. */
function remainingOf({ suite, outcomes }: TrialOutcomes): number {
  const before = suite.trial.map((index) => at(suite.before, index));
  const [scoresBefore, scoresAfter] = [scoresOf(before), scoresOf(outcomes)];
  if (scoresBefore && scoresAfter && suite.behaviour.aim === 'lower') {
    return Math.abs(mean(scoresAfter)) / Math.max(Math.abs(mean(scoresBefore)), 1e-9);
  }
  const share = (these: readonly CaseOutcome[]) => {
    const passed = these.filter(({ passed }) => passed).length / these.length;
    return suite.behaviour.aim === 'raise' ? 1 - passed : passed;
  };
  return share(outcomes) / Math.max(share(before), 1 / outcomes.length);
}

function textFigures(
  before: readonly Reading[] | null,
  after: readonly Reading[] | null,
): Pick<Trial, 'crossEntropy' | 'kl'> {
  if (!before || !after) return { crossEntropy: null, kl: null };
  const total = (values: Float32Array) => values.reduce((sum, value) => sum + value, 0);
  const losses = (readings: readonly Reading[]) => readings.map((reading) => total(reading.losses));
  return {
    crossEntropy: relativeDifference(losses(before), losses(after), 0),
    kl: ratioEstimate(
      after.map(({ kl, losses: { length } }) => total(kl.subarray(0, length))),
      after.map(({ losses: { length } }) => length),
      0,
    ),
  };
}

/** At least as good in all of target, kept cases and cross-entropy, and better in one. */
function dominates(one: Trial, other: Trial): boolean {
  const costs = ({ remaining, kept, crossEntropy }: Trial) => [
    remaining ?? 0,
    1 - (kept?.value ?? 1),
    crossEntropy?.value ?? 0,
  ];
  if (one.failure !== null) return false;
  if (other.failure !== null) return true;
  const [mine, theirs] = [costs(one), costs(other)];
  return mine.every((cost, index) => cost <= at(theirs, index)) && mine.some((cost, index) => cost < at(theirs, index));
}

function suiteReport(
  { behaviour, role, cases }: Suite,
  before: readonly CaseOutcome[],
  after: readonly CaseOutcome[],
  kl: ContinuationKl | null,
  seed: number,
): SuiteReport {
  const passes = (outcomes: readonly CaseOutcome[]) => outcomes.map(({ passed }) => passed);
  const rate = ratePair(passes(before), passes(after));
  const heldOut = [...cases.keys()].filter((index) => at(cases, index).isHeldOut);
  const generates = cases.some(({ checks }) => checks.some(isTextCheck));
  const [scoresBefore, scoresAfter] = [scoresOf(before), scoresOf(after)];
  const changed = [...cases.keys()].filter((index) => at(before, index).passed !== at(after, index).passed);
  const shown = ({ output, score }: CaseOutcome) => (score === null ? shortened(output) : score.toFixed(3));
  return {
    name: behaviour.name,
    behaviour: behaviourId(behaviour),
    aim: behaviour.aim,
    role,
    rate,
    isSignificant: isSignificant(rate.difference),
    heldOut:
      heldOut.length === 0 || heldOut.length === cases.length
        ? null
        : ratePair(
            heldOut.map((index) => at(before, index).passed),
            heldOut.map((index) => at(after, index).passed),
          ),
    score: scoresBefore && scoresAfter && meanPair(scoresBefore, scoresAfter, seed),
    refuses: generates
      ? ratePair(
          before.map(({ output }) => refuses(output)),
          after.map(({ output }) => refuses(output)),
        )
      : null,
    loops: generates
      ? ratePair(
          before.map(({ ids }) => isLoop(ids)),
          after.map(({ ids }) => isLoop(ids)),
        )
      : null,
    kl,
    brokenCases: changed.filter((index) => at(before, index).passed).length,
    mendedCases: changed.filter((index) => at(after, index).passed).length,
    changed: spread(changed, LISTED_CASES).map((index) => ({
      prompt: shortened(at(cases, index).prompt),
      before: shown(at(before, index)),
      after: shown(at(after, index)),
      passedBefore: at(before, index).passed,
    })),
  };
}

// ---- choosing ----------------------------------------------------------------------------------------------------------

function chooseSuites({ behaviours, targets }: EvaluationInput, settings: EvaluationSettings): Suite[] {
  const names = behaviours.map(({ name }) => name);
  const twice = names.find((name, index) => names.indexOf(name) !== index);
  if (twice !== undefined) throw new AppError('usage', `Two behaviours have the name ${JSON.stringify(twice)}.`);
  const unknown = targets?.find((name) => !names.includes(name));
  if (unknown !== undefined)
    throw new AppError('usage', `No behaviour has the name ${JSON.stringify(unknown.slice(0, 100))}.`);
  return behaviours.map((behaviour): Suite => {
    const { name, aim } = behaviour;
    const cases = casesOf(behaviour, settings.split === 'all' ? undefined : settings.split);
    if (cases.length < 2)
      throw new AppError('empty', `The behaviour ${name} has one case: two are the least for an interval.`);
    const isTarget = targets?.includes(name) ?? aim !== 'keep';
    if (isTarget && aim === 'keep') {
      throw new AppError('usage', `${name} is to be kept (its aim says so), so it cannot be what the edit is for.`);
    }
    const role = isTarget ? 'target' : aim === 'keep' ? 'keep' : 'other';
    const size = role === 'target' ? settings.trialTargetCases : settings.trialKeepCases;
    return { behaviour, role, cases, trial: spread([...cases.keys()], size) };
  });
}

/** Measured on the cases for choosing, where there are such, so that the figures stay apart from what the baselines saw. */
async function directionsOf(
  { model, runtime, dictionaries, signal }: EvaluationInput,
  edit: Edit,
  suites: readonly Suite[],
  encoder: PromptEncoder,
): Promise<Directions | null> {
  const prompts = (role: SuiteRole) =>
    suites
      .filter((suite) => suite.role === role)
      .flatMap(({ behaviour, cases }) => {
        const choosing = behaviour.cases.filter(({ split }) => split === 'choose');
        return spread(choosing.length > 0 ? choosing : cases, DIRECTION_CASES);
      })
      .map((each) => encoder.encode(encoder.textOf(each)));
  const groups = [prompts('target'), prompts('keep')] as const;
  if (groups[0].length === 0 || groups[1].length === 0) return null;
  const texts = groups[0].map(asText);
  return measureDirections({ model, runtime, dictionaries, places: placesOf(edit), edit, texts, groups, signal });
}

function dictionaryOf(dictionaries: Dictionaries, hash: string): Dictionary {
  const found = dictionaries.get(hash);
  if (found) return found;
  throw new AppError('not-found', `The edit needs the dictionary ${hash.slice(0, 10)}, which is not here.`, {
    details: { dictionary: hash },
  });
}

/** For scopes that tell prompt and generated text apart, the first half of a text counts as its prompt. */
function asText(ids: readonly number[]): Text {
  return { ids, promptLength: Math.ceil(ids.length / 2) };
}

/** Both ends of what is too long for a report. */
function shortened(text: string): string {
  if (text.length <= LONGEST_SHOWN) return text;
  const half = LONGEST_SHOWN / 2;
  return `${text.slice(0, half)} … ${text.slice(-half)}`.toWellFormed();
}

// ---- small things ------------------------------------------------------------------------------------------------------

/** So many of the values, evenly from first to last; all where there are fewer. */
function spread<T>(values: readonly T[], count: number): T[] {
  if (values.length <= count) return [...values];
  return Array.from({ length: count }, (_, index) => at(values, Math.floor((index * values.length) / count)));
}

function scoresOf(outcomes: readonly CaseOutcome[]): number[] | null {
  const scores = outcomes.map(({ score }) => score).filter((score) => score !== null);
  return scores.length === outcomes.length ? scores : null;
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

function at<T>(values: readonly T[], index: number): T {
  if (index < 0 || index >= values.length) throw new AppError('internal', `There is no entry ${index}.`);
  return values[index] as T;
}
