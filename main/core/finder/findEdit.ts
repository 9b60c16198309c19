// Finds the features behind a behaviour and the smallest edit that removes it. Contrast proposes features, measured ablation
// ranks them, forward selection builds an edit with the least harm to what must stay until it is gone from what the model says,
// backward elimination makes it small.
// Only cases of the split `choose` are looked at, so that the split `report` can tell how good the result is.
import type { Candidate, ContrastPosition, FindStep, FoundDose, FoundFigures } from '../../contract/domain/finding.ts';
import { AppError } from '../../contract/base/errors.ts';
import type { OnWork } from '../../contract/base/progress.ts';
import { canonicalEdit, EMPTY_EDIT, type Edit } from '../../contract/domain/edit.ts';
import type { Dictionaries, DictionarySite } from '../edits/editPatches.ts';
import type { Behaviour, Case, CaseSplit } from '../../contract/domain/behaviour.ts';
import { openPromptEncoder } from '../behaviours/prompts.ts';
import { casesOf } from '../behaviours/runBehaviour.ts';
import { IntervenableModel } from '../interventions/intervenableModel.ts';
import type { Model } from '../models/model.ts';
import { Random } from '../numerics/random.ts';
import type { Runtime } from '../onnx/runtime.ts';
import { encodeTexts, firingsAt, type CaseFirings } from './caseFirings.ts';
import { CausalScorer } from './causalScorer.ts';
import { DOSES, doseResponse, measureFigures } from './figures.ts';
import type { FindSettings } from '../../contract/domain/findSettings.ts';
import type { Option } from './growEdit.ts';
import { operationAt, SWEEP_MULTIPLE } from './candidateOperations.ts';
import { meanWhereFiring, proposeFeatures, type SiteFirings } from './propose.ts';
import { EditActivity } from './editActivity.ts';
import { RemainingCases } from './remainingCases.ts';
import { searchEdit } from './searchEdit.ts';
import { isJudgedByText, shownCases, type ShownCase } from './shownCase.ts';
import { Trials } from './trials.ts';

export interface FindInput {
  readonly model: Model;
  readonly runtime: Runtime;
  /** By content hash: those of all places. */
  readonly dictionaries: Dictionaries;
  /** Sites and dictionaries in which to look. */
  readonly places: readonly DictionarySite[];
  /** Its aim is `lower`. */
  readonly target: Behaviour;
  readonly keep: readonly Behaviour[];
  /** Contexts of text that must stay as likely as it is: other text than figures are made from, without the behaviour in it. */
  readonly text?: readonly (readonly number[])[];
  readonly settings: FindSettings;
  readonly signal?: AbortSignal | undefined;
  readonly onWork?: OnWork | undefined;
  /** Called as things are found out, long before the end. */
  readonly onEvent?: ((event: FindEvent) => void) | undefined;
}

/** What a search has found out so far. */
export type FindEvent =
  /** In how many of its cases the unedited model shows a behaviour: only these are looked at. */
  | { readonly kind: 'read'; readonly behaviour: string; readonly cases: number; readonly shown: number }
  | { readonly kind: 'ranking'; readonly candidates: readonly Candidate[] }
  | { readonly kind: 'step'; readonly step: FindStep };

export interface FoundEdit extends FoundFigures {
  readonly edit: Edit;
  /**
   * The goal was reached on the cases looked at. When not, the edit is the best that was found; it is empty where that leaves
   * more than three quarters of the behaviour.
   */
  readonly isReached: boolean;
  /** By measured effect, falling. */
  readonly candidates: readonly Candidate[];
  readonly steps: readonly FindStep[];
  /** On cases that no choice was made with; null when there are none, or no edit was found. */
  readonly report: FoundFigures | null;
  /** The same edit weaker and stronger, on cases of `report` (of the chosen ones where there are none); empty without an edit. */
  readonly doses: readonly FoundDose[];
  readonly trials: number;
}

/** Tokens of a context of text that are read: 1% more cross-entropy at 0.7 nats a token is a third of a nat. */
const TEXT_WINDOW = 48;
/** Cases of the target, and of what must stay, on which other doses are tried. */
const DOSE_CASES = 48;
/**
 * What a chance feature could do: below it, no edit is looked for. Of dictionaries of 256 to 4 096 random directions the best did
 * 0.03 to 0.05 on the sample model; of trained ones 0.31 to 1.
 */
const LEAST_EFFECT = 0.1;

/** Causes whose answers are looked at, the strongest first. */
const SOUND_MEASURED = 12;

const POSITIONS: Readonly<Record<FindSettings['positions'], readonly ContrastPosition[]>> = {
  both: ['last', 'anywhere'],
  last: ['last'],
  anywhere: ['anywhere'],
};

/**
 * @throws AppError `usage` for a target that is not to be lowered or is also to be kept, `empty` when the model does not show
 * the behaviour, `diverged`, `cancelled`.
 */
export async function findEdit(input: FindInput): Promise<FoundEdit> {
  const { model, runtime, dictionaries, places, target, keep, text = [], settings, signal, onWork, onEvent } = input;
  checkRoles(target, keep);
  const chosen = await readCases(input, 'choose', settings);
  if (chosen.target.length < 2) {
    throw new AppError(
      'empty',
      `The model shows ${target.name} in ${chosen.target.length} of its cases: there is nothing to remove.`,
    );
  }
  const windows = text.flatMap(windowOf);
  const { firings, activity } = await encodeFirings(input, chosen, windows);
  const scorer = await CausalScorer.open({ model, runtime, dictionaries, places });
  const remainingCases = await openRelapses(input, chosen);
  try {
    const kept = [...chosen.keep, ...windows];
    const trials = await Trials.open(
      scorer,
      { target: chosen.target, keep: kept },
      { settings, signal, onWork, activity },
    );
    const steps: FindStep[] = [];
    const onStep = (step: FindStep) => {
      steps.push(step);
      onEvent?.({ kind: 'step', step });
    };
    const candidates = await rankCauses(firings, trials, settings, remainingCases);
    onEvent?.({ kind: 'ranking', candidates: candidates.map(({ candidate }) => candidate) });
    const options = candidates.map(({ option }) => option);
    const searched = isEffect(options[0])
      ? await searchEdit(options, { trials, firings, settings, remainingCases, onStep })
      : { edit: EMPTY_EDIT, isReached: false };
    const edit = canonicalEdit(searched.edit);
    const figures = await measureFigures(trials, edit, { remainingCases, seed: settings.seed });
    const isEmpty = edit.operations.length === 0;
    const reported = isEmpty ? null : await report(input, scorer, edit);
    return {
      edit,
      isReached: searched.isReached,
      candidates: candidates.map(({ candidate }) => candidate),
      steps,
      ...figures,
      report: reported?.figures ?? null,
      doses: isEmpty ? [] : await measureDoses(input, edit, reported?.cases ?? chosen),
      trials: trials.count,
    };
  } finally {
    await remainingCases?.release();
    await scorer.release();
  }
}

/** Null where scores decide: continuations are compared, or whatever is said passes. */
async function openRelapses(
  { model, runtime, dictionaries, places, target, keep, signal }: FindInput,
  { shownIn }: ReadCases,
): Promise<RemainingCases | null> {
  if (!shownIn.every(isJudgedByText)) return null;
  return RemainingCases.open({ model, runtime, dictionaries, places }, target, shownIn, keep, { signal });
}

function checkRoles(target: Behaviour, keep: readonly Behaviour[]): void {
  if (target.aim !== 'lower') {
    throw new AppError(
      'usage',
      `${target.name}: the finder looks for what a behaviour comes from, so its aim must be "lower".`,
    );
  }
  if (keep.some(({ name }) => name === target.name)) {
    throw new AppError('usage', `${target.name} cannot be removed and kept at once.`);
  }
}

interface ReadCases {
  readonly target: readonly ShownCase[];
  /** The cases of the behaviour that `target` was made from. */
  readonly shownIn: readonly Case[];
  readonly keep: readonly ShownCase[];
}

/** The cases of one split that the unedited model passes. @throws AppError `empty` for a behaviour without any to choose with. */
async function readCases(
  { model, runtime, dictionaries, target, keep, settings, signal, onWork, onEvent }: FindInput,
  split: CaseSplit,
  most: { readonly targetCases: number; readonly keepCases: number },
): Promise<ReadCases> {
  const intervenable = new IntervenableModel({ model, runtime, dictionaries, places: [] });
  const encoder = await openPromptEncoder(model);
  const read = async (behaviour: Behaviour, count: number) => {
    const all = split === 'choose' ? casesOf(behaviour, split) : behaviour.cases.filter((each) => each.split === split);
    const cases = someOf(all, count, settings.seed);
    onWork?.({
      stage: `Reading ${split === 'report' ? 'held-out ' : ''}${behaviour.name}`,
      done: 0,
      total: null,
      unit: 'cases',
    });
    const found = await shownCases(intervenable, encoder, behaviour, cases, { signal });
    const shown = found.flatMap((each) => each ?? []);
    onEvent?.({ kind: 'read', behaviour: behaviour.name, cases: cases.length, shown: shown.length });
    return { shown, shownIn: cases.filter((_, index) => found[index] !== null) };
  };
  try {
    const { shown, shownIn } = await read(target, most.targetCases);
    const keepCases: ShownCase[] = [];
    for (const behaviour of keep) keepCases.push(...(await read(behaviour, most.keepCases)).shown);
    return { target: shown, shownIn, keep: keepCases };
  } finally {
    await intervenable.release();
  }
}

/** Where features fire in the prompts, to propose from; and in all texts, to know what an edit can reach. */
async function encodeFirings(
  { model, runtime, dictionaries, places, signal, onWork }: FindInput,
  { target, keep }: ReadCases,
  windows: readonly ShownCase[],
): Promise<{ readonly firings: SiteFirings[]; readonly activity: EditActivity }> {
  const firings: SiteFirings[] = [];
  const activity = new EditActivity();
  const texts = [...target, ...keep, ...windows].flatMap((shown) =>
    [shown.said, ...shown.against].map(({ ids }) => ({ shown, ids })),
  );
  for (const place of places) {
    const dictionary = dictionaries.get(place.dictionary);
    if (!dictionary) throw new AppError('not-found', `The dictionary ${place.dictionary.slice(0, 10)} is not here.`);
    const onTexts = (done: number) =>
      onWork?.({ stage: `Encoding texts at ${place.site}`, done, total: texts.length, unit: 'texts' });
    onTexts(0);
    const all = await encodeTexts(
      { model, runtime, dictionary, site: place.site, signal, onTexts },
      texts.map(({ ids }) => ids),
    );
    const prompts = new Map<ShownCase, CaseFirings>();
    for (const [index, { shown, ids }] of texts.entries()) {
      const here = all[index];
      if (!here) continue;
      const isBos = (position: number) => position === 0 || ids[position] === model.config.bosTokenId;
      activity.add(place, shown, here, isBos);
      // BOS is left out of what is contrasted, as in training.
      const isPrompt = (position: number) => position < shown.promptIds.length && !isBos(position);
      if (!prompts.has(shown)) prompts.set(shown, firingsAt(here, isPrompt));
    }
    const promptsOf = (cases: readonly ShownCase[]) => cases.flatMap((shown) => prompts.get(shown) ?? []);
    firings.push({ place, target: promptsOf(target), keep: promptsOf(keep) });
  }
  return { firings, activity };
}

/** Contrast proposes, ablation measures. By measured effect, falling. */
async function rankCauses(
  firings: readonly SiteFirings[],
  trials: Trials,
  { candidates: most, positions }: FindSettings,
  remainingCases: RemainingCases | null,
): Promise<{ readonly candidate: Candidate; readonly option: Option }[]> {
  const proposed = firings.flatMap((here) =>
    proposeFeatures(here, { most, positions: POSITIONS[positions] }).map((contrast) => {
      const { feature } = contrast;
      return { contrast, changeable: { ...here.place, feature, mean: meanWhereFiring(feature, here) } };
    }),
  );
  const edits = proposed.flatMap(({ changeable }) =>
    [0, SWEEP_MULTIPLE].map((multiple): Edit => ({ operations: [operationAt(changeable, multiple)] })),
  );
  const left = await trials.remainingShare(trials.sample(edits.length), edits, 'Measuring causes');
  const ranked = proposed
    .map(({ contrast, changeable }, index) => {
      const [ablated, clamped] = [left[2 * index] ?? NaN, left[2 * index + 1] ?? NaN];
      const { mean: _, ...place } = changeable;
      return {
        candidate: { ...place, contrast, ablationEffect: 1 - ablated, clampEffect: 1 - clamped },
        option: { ...changeable, latest: Math.min(ablated, clamped) },
      };
    })
    .sort((a, b) => a.option.latest - b.option.latest || a.option.feature - b.option.feature);
  const measured = [];
  const isAnythingFound = isEffect(ranked[0]?.option);
  for (const [place, { candidate, option }] of ranked.entries()) {
    const multiple = candidate.ablationEffect >= candidate.clampEffect ? 0 : SWEEP_MULTIPLE;
    const sound =
      isAnythingFound && place < SOUND_MEASURED && remainingCases
        ? await remainingCases.soundShare({ operations: [operationAt(option, multiple)] })
        : null;
    measured.push({ candidate: { ...candidate, sound }, option });
  }
  return measured;
}

/** More than chance does: an edit is looked for. */
function isEffect(strongest: Option | undefined): boolean {
  return (strongest?.latest ?? 1) <= 1 - LEAST_EFFECT;
}

/** Figures and doses on cases that no choice was made with; null when there are none, or they were not asked for. */
async function report(
  input: FindInput,
  scorer: CausalScorer,
  edit: Edit,
): Promise<{ readonly figures: FoundFigures; readonly cases: ReadCases } | null> {
  const { settings, signal, onWork } = input;
  const { reportCases, seed } = settings;
  if (reportCases === 0) return null;
  // What is read here was not part of the search.
  const unheard = { ...input, onEvent: undefined };
  const cases = await readCases(unheard, 'report', { targetCases: reportCases, keepCases: reportCases });
  if (cases.target.length === 0) return null;
  const trials = await Trials.open(scorer, cases, { settings, signal, onWork });
  const remainingCases = await openRelapses(input, cases);
  try {
    return { figures: await measureFigures(trials, edit, { remainingCases, seed }), cases };
  } finally {
    await remainingCases?.release();
  }
}

async function measureDoses(input: FindInput, edit: Edit, { target, keep }: ReadCases): Promise<FoundDose[]> {
  const { model, runtime, dictionaries, places, settings, signal, onWork } = input;
  onWork?.({ stage: 'Measuring other doses', done: 0, total: null, unit: 'cases' });
  const intervenable = new IntervenableModel({ model, runtime, dictionaries, places });
  try {
    return await doseResponse(
      intervenable,
      edit,
      { target: target.slice(0, DOSE_CASES), keep: someOf(keep, DOSE_CASES, settings.seed) },
      { strengths: DOSES, seed: settings.seed, signal },
    );
  } finally {
    await intervenable.release();
  }
}

/** The beginning of a context as a case: all its tokens but the first are what was said. Nats lost count per window. */
function windowOf(context: readonly number[]): ShownCase[] {
  const ids = context.slice(0, TEXT_WINDOW);
  if (ids.length < 2) return [];
  return [{ behaviour: 'text', prompt: '', promptIds: ids.slice(0, 1), said: { ids, promptLength: 1 }, against: [] }];
}

/** At most so many of the values, chosen by the seed, in their order. */
export function someOf<T>(values: readonly T[], most: number, seed: number): T[] {
  const order = [...values.keys()];
  new Random(seed).shuffle(order);
  return order
    .slice(0, most)
    .sort((a, b) => a - b)
    .flatMap((index) => values[index] ?? []);
}
