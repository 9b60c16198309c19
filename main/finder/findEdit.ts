// Finds the features behind a behaviour and the smallest edit that removes it. Contrast proposes features, measured ablation
// ranks them, forward selection builds an edit with the least harm to what must stay, backward elimination makes it small.
// Only cases of the split `choose` are looked at, so that the split `report` can tell how good the result is.
import { AppError } from '../contract/errors.ts';
import type { OnWork } from '../contract/progress.ts';
import { canonicalEdit, EMPTY_EDIT, targetKey, type Edit, type Gate, type Operation } from '../edits/edit.ts';
import type { Dictionaries, Place } from '../edits/editPatches.ts';
import type { Behaviour } from '../evaluation/behaviour.ts';
import { openPromptEncoder } from '../evaluation/prompts.ts';
import { casesOf } from '../evaluation/runBehaviour.ts';
import { TreatedModel } from '../evaluation/treatedModel.ts';
import type { Model } from '../models/model.ts';
import { Random } from '../numerics/random.ts';
import type { Runtime } from '../onnx/runtime.ts';
import { encodePrompts, type CaseFirings } from './caseFirings.ts';
import { CausalScorer, type TrialScore } from './causalScorer.ts';
import { contrastFeatures, type Contrast } from './contrast.ts';
import type { FindSettings } from './findSettings.ts';
import { harm, isStillShown, keptShare, remaining, shownShare } from './objective.ts';
import { shownCases, type ShownCase } from './shownCase.ts';

export interface FindInput {
  readonly model: Model;
  readonly runtime: Runtime;
  /** By content hash: those of all places. */
  readonly dictionaries: Dictionaries;
  /** Sites and dictionaries in which to look. */
  readonly places: readonly Place[];
  /** Its aim is `lower`. */
  readonly target: Behaviour;
  readonly keep: readonly Behaviour[];
  /** Contexts of text that must stay as likely as it is: other text than figures are made from, without the behaviour in it. */
  readonly text?: readonly (readonly number[])[];
  readonly settings: FindSettings;
  readonly signal?: AbortSignal | undefined;
  readonly onWork?: OnWork | undefined;
}

/** A feature that contrast proposed, and what switching it off was measured to do. */
export interface Candidate extends Place {
  readonly feature: number;
  readonly contrast: Contrast;
  /** 1 − what is left of the behaviour: when the feature is ablated, and when it is turned to minus twice its mean. */
  readonly ablationEffect: number;
  readonly clampEffect: number;
}

export interface FindStep {
  readonly action: 'add' | 'remove' | 'weaken';
  readonly operation: Operation;
  /** After the step, over the cases that the step looked at. */
  readonly remaining: number;
  readonly harm: number;
  /** Edits tried to find it. */
  readonly tried: number;
}

/** What the edit does to the cases of the split `choose` that the unedited model passes. */
export interface FoundFigures {
  readonly cases: number;
  readonly shown: number;
  readonly remaining: number;
}

export interface FoundEdit {
  readonly edit: Edit;
  /** The goal was reached on the cases looked at. When not, the edit is the best that was found, and may be empty. */
  readonly isReached: boolean;
  /** By measured effect, falling. */
  readonly candidates: readonly Candidate[];
  readonly steps: readonly FindStep[];
  readonly target: FoundFigures;
  /** Mean over the behaviours to be kept. */
  readonly kept: { readonly cases: number; readonly share: number; readonly harm: number };
  readonly trials: number;
}

/** Multiples of a feature's mean activation that a clamp tries; 0 is ablation. */
const MULTIPLES = [0, 1, 2, 4];
const SWEEP_MULTIPLE = 2;
/** Edits of a round whose harm is measured, the best for the target first. */
const HARM_MEASURED = 12;
/** Edits of a round that are tried behind gates, gates tried for each, and features after whose firing it may act. */
const GATED_EDITS = 3;
const GATES = 6;
const TRIGGERS = 4;
/** Tokens of a context of text that are read: 1% more cross-entropy at 0.7 nats a token is a third of a nat. */
const TEXT_WINDOW = 48;
/** A step must earn so much. */
const LEAST_GAIN = 0.004;
/** Harm that elimination may add, in nats a case, to make the edit smaller. */
const FREE_HARM = 0.002;
/** What a chance feature could do: below it, nothing is called found. */
const LEAST_EFFECT = 0.05;

interface Pool {
  readonly cases: readonly ShownCase[];
  readonly before: readonly TrialScore[];
}

/** Where features fire in the target's prompts, and in the others'. */
interface PlaceFirings {
  readonly place: Place;
  readonly target: readonly CaseFirings[];
  readonly keep: readonly CaseFirings[];
}

interface Option extends Candidate {
  /** Mean activation where it fires in the target's prompts (else in the others). */
  readonly mean: number;
  /** What adding it was last seen to leave of the behaviour. */
  latest: number;
}

/**
 * @throws AppError `usage` for a target that is not to be lowered or is also to be kept, `empty` when the model does not show
 * the behaviour, `diverged`, `cancelled`.
 */
export async function findEdit(input: FindInput): Promise<FoundEdit> {
  const search = await Search.open(input);
  try {
    return await search.run();
  } finally {
    await search.release();
  }
}

class Search {
  readonly #input: FindInput;
  readonly #settings: FindSettings;
  readonly #scorer: CausalScorer;
  readonly #target: Pool;
  readonly #keep: Pool;
  /** By place: firings of the target's prompts, then of the kept ones. */
  readonly #firings: readonly PlaceFirings[];
  readonly #steps: FindStep[] = [];
  #trials = 0;

  private constructor(
    input: FindInput,
    scorer: CausalScorer,
    target: Pool,
    keep: Pool,
    firings: readonly PlaceFirings[],
  ) {
    this.#input = input;
    this.#settings = input.settings;
    this.#scorer = scorer;
    this.#target = target;
    this.#keep = keep;
    this.#firings = firings;
  }

  static async open(input: FindInput): Promise<Search> {
    const { model, runtime, dictionaries, places, target, keep, text = [], settings, signal, onWork } = input;
    if (target.aim !== 'lower') {
      throw new AppError(
        'usage',
        `${target.name}: the finder looks for what a behaviour comes from, so its aim must be "lower".`,
      );
    }
    if (keep.some(({ name }) => name === target.name)) {
      throw new AppError('usage', `${target.name} cannot be removed and kept at once.`);
    }
    const treated = new TreatedModel({ model, runtime, dictionaries, places: [] });
    const encoder = await openPromptEncoder(model);
    const shown = async (behaviour: Behaviour, most: number) => {
      const cases = someOf(casesOf(behaviour, 'choose'), most, settings.seed);
      onWork?.({ stage: `Reading ${behaviour.name}`, done: 0, total: null, unit: 'cases' });
      return shownCases(treated, encoder, behaviour, cases, { signal });
    };
    let targetCases: ShownCase[];
    const keepCases: ShownCase[] = [];
    try {
      targetCases = await shown(target, settings.targetCases);
      for (const behaviour of keep) keepCases.push(...(await shown(behaviour, settings.keepCases)));
    } finally {
      await treated.release();
    }
    if (targetCases.length < 2) {
      throw new AppError(
        'empty',
        `The model shows ${target.name} in ${targetCases.length} of its cases: there is nothing to remove.`,
      );
    }
    const firings: PlaceFirings[] = [];
    for (const place of places) {
      const dictionary = dictionaries.get(place.dictionary);
      if (!dictionary) throw new AppError('not-found', `The dictionary ${place.dictionary.slice(0, 10)} is not here.`);
      onWork?.({ stage: `Encoding prompts at ${place.site}`, done: 0, total: null, unit: 'prompts' });
      const prompts = [...targetCases, ...keepCases].map(({ promptIds }) => promptIds);
      const all = await encodePrompts({ model, runtime, dictionary, site: place.site, signal }, prompts);
      firings.push({ place, target: all.slice(0, targetCases.length), keep: all.slice(targetCases.length) });
    }
    const kept = [...keepCases, ...text.flatMap(windowOf)];
    const scorer = await CausalScorer.open({ model, runtime, dictionaries, places });
    try {
      const before = (cases: readonly ShownCase[]) =>
        scorer.score(
          cases.map((each) => ({ edit: EMPTY_EDIT, shown: each })),
          { signal },
        );
      return new Search(
        input,
        scorer,
        { cases: targetCases, before: await before(targetCases) },
        { cases: kept, before: await before(kept) },
        firings,
      );
    } catch (error) {
      await scorer.release();
      throw error;
    }
  }

  release(): Promise<void> {
    return this.#scorer.release();
  }

  async run(): Promise<FoundEdit> {
    const options = await this.#sweep();
    const found = await this.#grow(options);
    const edit = await this.#shrink(found);
    const after = await this.#scores(this.#target, edit);
    const keptAfter = await this.#scores(this.#keep, edit);
    const { cases, before } = this.#target;
    return {
      edit: canonicalEdit(edit),
      isReached: this.#isReached(this.#target, after),
      candidates: options.map(({ mean: _mean, latest: _latest, ...candidate }) => candidate),
      steps: this.#steps,
      target: {
        cases: cases.length,
        shown: shownShare(cases, before, after),
        remaining: remaining(cases, before, after),
      },
      kept: {
        cases: this.#keep.cases.length,
        share: keptShare(this.#keep.cases, this.#keep.before, keptAfter),
        harm: harm(this.#keep.cases, this.#keep.before, keptAfter),
      },
      trials: this.#trials,
    };
  }

  /** Contrast proposes, ablation measures. By measured effect, falling. */
  async #sweep(): Promise<Option[]> {
    const proposed = this.#firings.flatMap(({ place, target, keep }) =>
      propose(target, keep, this.#settings.candidates).map((contrast) => {
        const mean = meanWhereFiring(contrast.feature, target) || meanWhereFiring(contrast.feature, keep);
        return { ...place, feature: contrast.feature, contrast, mean };
      }),
    );
    const edits = proposed.flatMap((option) =>
      [0, SWEEP_MULTIPLE].map((multiple): Edit => ({ operations: [operationOf(option, multiple, [])] })),
    );
    const sample = this.#sample(edits.length);
    const left = await this.#leftOf(sample, edits, 'Measuring causes');
    return proposed
      .map((option, index): Option => {
        const ablationEffect = 1 - (left[2 * index] ?? NaN);
        const clampEffect = 1 - (left[2 * index + 1] ?? NaN);
        return { ...option, ablationEffect, clampEffect, latest: 1 - Math.max(ablationEffect, clampEffect) };
      })
      .sort((a, b) => a.latest - b.latest || a.feature - b.feature);
  }

  /** Forward selection. */
  async #grow(options: readonly Option[]): Promise<Edit> {
    const { mostOperations, harmWeight } = this.#settings;
    let edit: Edit = EMPTY_EDIT;
    let best = 1;
    if ((options[0]?.latest ?? 1) > 1 - LEAST_EFFECT) return edit;
    let hard: ReadonlySet<number> = new Set();
    while (edit.operations.length < mostOperations) {
      const sample = this.#sample(MULTIPLES.length * 24, hard);
      const perRound = Math.max(
        12,
        Math.floor(this.#settings.tokensPerRound / (tokensOf(sample.cases) * MULTIPLES.length)),
      );
      const tried = [...options].sort((a, b) => a.latest - b.latest).slice(0, perRound);
      const additions = tried.flatMap((option) =>
        MULTIPLES.map((multiple) => ({ option, operation: operationOf(option, multiple, []) })),
      );
      const left = await this.#leftOf(
        sample,
        additions.map(({ operation }) => withOperation(edit, operation)),
        `Choosing operation ${edit.operations.length + 1}`,
      );
      for (const option of tried) option.latest = Infinity;
      for (const [index, { option }] of additions.entries()) {
        option.latest = Math.min(option.latest, left[index] ?? Infinity);
      }
      const ranked = additions
        .map((addition, index) => ({ ...addition, remaining: left[index] ?? Infinity }))
        .sort((a, b) => a.remaining - b.remaining)
        .slice(0, HARM_MEASURED);
      const harms = await this.#harmOf(ranked.map(({ operation }) => withOperation(edit, operation)));
      let rated = ranked
        .map(({ option, operation, remaining: rest }, index) => {
          const harmed = harms[index] ?? Infinity;
          return { option, operation, remaining: rest, harm: harmed, cost: rest + harmWeight * harmed };
        })
        .sort((a, b) => a.cost - b.cost);
      let count = additions.length;
      const gated = await this.#behindGates(edit, sample, rated.slice(0, GATED_EDITS));
      count += gated.length;
      rated = [...rated, ...gated].sort((a, b) => a.cost - b.cost);
      const chosen = rated[0];
      if (!chosen || chosen.cost > best - LEAST_GAIN) break;
      edit = withOperation(edit, chosen.operation);
      this.#step('add', chosen, count);
      const after = await this.#scores(this.#target, edit);
      if (this.#isReached(this.#target, after)) break;
      const { cases, before } = this.#target;
      hard = new Set(
        [...cases.keys()].filter((index) => {
          const each = cases[index];
          return each !== undefined && isStillShown(each, before[index], after[index]);
        }),
      );
      // Other cases are looked at now, so the costs are compared on them.
      const next = this.#sample(MULTIPLES.length * 24, hard);
      const [rest = 1] = await this.#leftOf(next, [edit], 'Choosing');
      best = rest + harmWeight * chosen.harm;
    }
    return edit;
  }

  /** The same operations, acting only where one of a union of gates fires, or only after a feature has fired. */
  async #behindGates(
    edit: Edit,
    sample: Pool,
    rated: readonly { readonly option: Option; readonly operation: Operation; readonly harm: number }[],
  ) {
    const { harmWeight } = this.#settings;
    const variants = rated
      .filter(({ harm: harmed }) => harmed > FREE_HARM)
      .flatMap(({ option, operation }) =>
        [
          ...this.#gateUnions(option).map((gates): Operation => ({ ...operation, gates })),
          ...this.#triggers(option).map((feature): Operation => {
            return { ...operation, scope: { positions: 'fromFirstFiring', feature } };
          }),
        ].map((narrowed) => ({ option, operation: narrowed })),
      );
    if (variants.length === 0) return [];
    const edits = variants.map(({ operation }) => withOperation(edit, operation));
    const left = await this.#leftOf(sample, edits, 'Trying gates');
    const harms = await this.#harmOf(edits);
    return variants.map(({ option, operation }, index) => {
      const [rest, harmed] = [left[index] ?? Infinity, harms[index] ?? Infinity];
      return { option, operation, remaining: rest, harm: harmed, cost: rest + harmWeight * harmed };
    });
  }

  /**
   * Features that fire where this one fires, the more so in the target's prompts: each alone, and unions of the best two and
   * three.
   */
  #gateUnions({ site, dictionary, feature }: Place & { readonly feature: number }): Gate[][] {
    const here = this.#firings.find(({ place }) => place.site === site && place.dictionary === dictionary);
    if (!here) return [];
    const [target, keep] = [cofiring(feature, here.target), cofiring(feature, here.keep)];
    const gates = [...target.shares]
      .filter(([other]) => other !== feature)
      .map(([other, share]) => ({ other, difference: share - (keep.shares.get(other) ?? 0) }))
      .filter(({ difference }) => difference > 0.1)
      .sort((a, b) => b.difference - a.difference || a.other - b.other)
      .slice(0, GATES)
      .map(({ other }): Gate => ({ feature: other, threshold: 0 }));
    const unions = [2, 3].filter((count) => count <= gates.length).map((count) => gates.slice(0, count));
    return [...gates.map((gate) => [gate]), ...unions];
  }

  /** Features that fire somewhere in the target's prompts and seldom in the others: from there on an operation may act. */
  #triggers({ site, dictionary }: Place): number[] {
    const here = this.#firings.find(({ place }) => place.site === site && place.dictionary === dictionary);
    if (!here) return [];
    return contrastFeatures(here.target, here.keep, 'anywhere')
      .map(({ feature, firesTarget, firesOther }) => ({ feature, difference: firesTarget - firesOther }))
      .filter(({ difference }) => difference > 0.3)
      .sort((a, b) => b.difference - a.difference || a.feature - b.feature)
      .slice(0, TRIGGERS)
      .map(({ feature }) => feature);
  }

  /** Backward elimination: without an operation, or with a weaker one, while the goal stays reached. */
  async #shrink(found: Edit): Promise<Edit> {
    let edit = found;
    const wasReached = this.#isReached(this.#target, await this.#scores(this.#target, edit));
    if (!wasReached) return edit;
    let [harmed = 0] = await this.#harmOf([edit]);
    for (;;) {
      const smaller = edit.operations.flatMap((operation) => [
        ...(edit.operations.length > 1
          ? [{ action: 'remove' as const, operation, edit: without(edit, operation) }]
          : []),
        ...weaker(operation).map((weak) => ({
          action: 'weaken' as const,
          operation: weak,
          edit: withOperation(edit, weak),
        })),
      ]);
      if (smaller.length === 0) return edit;
      const harms = await this.#harmOf(smaller.map((option) => option.edit));
      const promising = smaller
        .map((option, index) => ({ ...option, harm: harms[index] ?? Infinity }))
        .filter((option) => option.harm < harmed + (isSimpler(option) ? FREE_HARM : -FREE_HARM))
        .sort((a, b) => Number(b.action === 'remove') - Number(a.action === 'remove') || a.harm - b.harm);
      const next = await this.#firstReached(promising);
      if (!next) return edit;
      edit = next.edit;
      harmed = next.harm;
      this.#step(next.action, next, smaller.length);
    }
  }

  async #firstReached<T extends { readonly edit: Edit }>(
    options: readonly T[],
  ): Promise<(T & { remaining: number }) | null> {
    for (const option of options) {
      const after = await this.#scores(this.#target, option.edit);
      if (!this.#isReached(this.#target, after)) continue;
      return { ...option, remaining: remaining(this.#target.cases, this.#target.before, after) };
    }
    return null;
  }

  #isReached({ cases, before }: Pool, after: readonly TrialScore[]): boolean {
    const { goalShown, goalRemaining } = this.#settings;
    const isCompared = cases.some(({ against }) => against.length > 0);
    return isCompared
      ? remaining(cases, before, after) <= goalRemaining
      : shownShare(cases, before, after) <= goalShown;
  }

  /** Cases for `edits` edits within a round's tokens; the hard ones first, then as they come. */
  #sample(edits: number, hard: ReadonlySet<number> = new Set()): Pool {
    const { cases, before } = this.#target;
    const mean = tokensOf(cases) / cases.length;
    const count = Math.max(12, Math.min(64, Math.floor(this.#settings.tokensPerRound / (edits * mean))));
    const mostHard = Math.ceil(count / 2);
    const hardOnes = [...hard].slice(0, mostHard);
    const rest = [...cases.keys()].filter((index) => !hardOnes.includes(index));
    const chosen = [...hardOnes, ...rest.slice(0, Math.max(0, count - hardOnes.length))].sort((a, b) => a - b);
    return {
      cases: chosen.flatMap((index) => cases[index] ?? []),
      before: chosen.flatMap((index) => before[index] ?? []),
    };
  }

  async #leftOf(pool: Pool, edits: readonly Edit[], stage: string): Promise<number[]> {
    const scores = await this.#scoreAll(pool, edits, stage);
    return scores.map((after) => remaining(pool.cases, pool.before, after));
  }

  async #harmOf(edits: readonly Edit[]): Promise<number[]> {
    if (this.#keep.cases.length === 0) return edits.map(() => 0);
    const scores = await this.#scoreAll(this.#keep, edits, 'Measuring harm');
    return scores.map((after) => harm(this.#keep.cases, this.#keep.before, after));
  }

  async #scores(pool: Pool, edit: Edit): Promise<TrialScore[]> {
    const [scores = []] = await this.#scoreAll(pool, [edit], 'Checking');
    return scores;
  }

  async #scoreAll(pool: Pool, edits: readonly Edit[], stage: string): Promise<TrialScore[][]> {
    const { signal, onWork } = this.#input;
    const trials = edits.flatMap((edit) => pool.cases.map((shown) => ({ edit, shown })));
    const scores = await this.#scorer.score(trials, {
      signal,
      onTrials: (done) => onWork?.({ stage, done, total: trials.length, unit: 'trials' }),
    });
    this.#trials += trials.length;
    const size = pool.cases.length;
    return edits.map((_, index) => scores.slice(index * size, (index + 1) * size));
  }

  #step(
    action: FindStep['action'],
    { operation, remaining: rest, harm: harmed }: { operation: Operation; remaining: number; harm: number },
    tried: number,
  ): void {
    this.#steps.push({ action, operation, remaining: rest, harm: harmed, tried });
  }
}

/** The beginning of a context as a case: all its tokens but the first are what was said. Nats lost count per window. */
function windowOf(context: readonly number[]): ShownCase[] {
  const ids = context.slice(0, TEXT_WINDOW);
  if (ids.length < 2) return [];
  return [{ behaviour: 'text', prompt: '', promptIds: ids.slice(0, 1), said: { ids, promptLength: 1 }, against: [] }];
}

/** The features that contrast ranks first, by several measures in turn, each once with its best contrast. */
function propose(target: readonly CaseFirings[], keep: readonly CaseFirings[], most: number): Contrast[] {
  const anywhere = contrastFeatures(target, keep, 'anywhere');
  const last = contrastFeatures(target, keep, 'last');
  const by = (contrasts: readonly Contrast[], measure: (contrast: Contrast) => number) =>
    [...contrasts].sort((a, b) => measure(b) - measure(a) || a.feature - b.feature);
  const difference = ({ meanTarget, meanOther }: Contrast) => meanTarget - meanOther;
  const rankings = [
    by(last, difference),
    by(anywhere, difference),
    by(last, ({ separation }) => separation),
    by(anywhere, ({ separation }) => separation),
    // What all target prompts share may be a cause although other prompts share it too; a gate can tell them apart.
    by(anywhere, ({ firesTarget, meanTarget }) => firesTarget * Math.sqrt(meanTarget)),
  ];
  const proposed = new Map<number, Contrast>();
  for (let rank = 0; proposed.size < most; rank++) {
    const row = rankings.flatMap((ranking) => ranking[rank] ?? []);
    if (row.length === 0) break;
    for (const contrast of row) {
      const known = proposed.get(contrast.feature);
      if (contrast.meanTarget > 0 && !known && proposed.size < most) proposed.set(contrast.feature, contrast);
    }
  }
  return [...proposed.values()];
}

function meanWhereFiring(feature: number, firings: readonly CaseFirings[]): number {
  let [sum, count] = [0, 0];
  for (const { features, values } of firings) {
    for (let entry = 0; entry < values.length; entry++) {
      if (features[entry] !== feature) continue;
      sum += values[entry]!;
      count++;
    }
  }
  return count === 0 ? 0 : sum / count;
}

/** For every feature the share of the positions where `feature` fires at which it fires as well. */
function cofiring(feature: number, firings: readonly CaseFirings[]): { readonly shares: ReadonlyMap<number, number> } {
  const counts = new Map<number, number>();
  let total = 0;
  for (const { positions, features } of firings) {
    const at = new Set<number>();
    for (let entry = 0; entry < features.length; entry++) if (features[entry] === feature) at.add(positions[entry]!);
    total += at.size;
    for (let entry = 0; entry < features.length; entry++) {
      if (at.has(positions[entry]!)) counts.set(features[entry]!, (counts.get(features[entry]!) ?? 0) + 1);
    }
  }
  return { shares: new Map([...counts].map(([other, count]) => [other, count / total])) };
}

function operationOf(
  { site, dictionary, feature, mean }: Place & { readonly feature: number; readonly mean: number },
  multiple: number,
  gates: readonly Gate[],
): Operation {
  const target = { site, dictionary, feature, scope: { positions: 'notBos' as const }, gates };
  return multiple === 0
    ? { ...target, kind: 'ablate' }
    : { ...target, kind: 'clampActive', value: rounded(-multiple * mean) };
}

/** A gentler form of an operation. */
function weaker(operation: Operation): Operation[] {
  if (operation.kind !== 'clampActive') return [];
  const { value, ...rest } = operation;
  return [
    { ...rest, kind: 'ablate' },
    { ...operation, value: rounded(value / 2) },
    { ...operation, value: rounded(value * 0.75) },
  ];
}

/** Fewer operations are simpler, and an ablation needs no value. */
function isSimpler({
  action,
  operation,
}: {
  readonly action: FindStep['action'];
  readonly operation: Operation;
}): boolean {
  return action === 'remove' || operation.kind === 'ablate';
}

/** Two digits say enough, and read better. */
function rounded(value: number): number {
  return Number(value.toPrecision(2));
}

function withOperation(edit: Edit, operation: Operation): Edit {
  return { operations: [...without(edit, operation).operations, operation] };
}

function without(edit: Edit, operation: Operation): Edit {
  const key = targetKey(operation);
  return { operations: edit.operations.filter((other) => targetKey(other) !== key) };
}

/** Tokens to be read for all cases; continuations of one token are read with the prompt. */
function tokensOf(cases: readonly ShownCase[]): number {
  const length = ({ ids }: ShownCase['said']) => ids.length - 1;
  return cases.reduce((sum, { said, against }) => {
    const own = against.filter(({ ids, promptLength }) => ids.length > promptLength + 1);
    return sum + length(said) + own.reduce((more, text) => more + length(text), 0);
  }, 0);
}

function someOf<T>(values: readonly T[], most: number, seed: number): T[] {
  const order = [...values.keys()];
  new Random(seed).shuffle(order);
  return order
    .slice(0, most)
    .sort((a, b) => a - b)
    .flatMap((index) => values[index] ?? []);
}
