// Forward selection: operation by operation the one that costs least, until the behaviour is gone or nothing helps any more.
import type { Effect, FindStep } from '../../contract/domain/finding.ts';
import { EMPTY_EDIT, type Edit } from '../../contract/domain/edit.ts';
import type { Operation } from '../../contract/domain/operations/index.ts';
import type { DictionarySite } from '../edits/editPatches.ts';
import type { FindSettings } from '../../contract/domain/findSettings.ts';
import { operationAt, operationsAt, SWEEP_MULTIPLE, withOperation, type Changeable } from './candidateOperations.ts';
import { remaining } from './objective.ts';
import { proposeGates, proposeTriggers, type SiteFirings } from './propose.ts';
import { tokensOf, type Pool, type Rated, type Tried, type Trials } from './trials.ts';
import type { RemainingCases } from './remainingCases.ts';
import type { OnStep } from './step.ts';

/** A proposed feature with what adding it was last seen to leave of the behaviour. */
export interface Option extends Changeable {
  latest: number;
}

interface Addition extends Tried {
  readonly option: Option;
  readonly operation: Operation;
}

/** Operations added together. */
interface Bundle extends Tried {
  readonly operations: readonly Operation[];
}

export interface GrowContext {
  readonly trials: Trials;
  readonly firings: readonly SiteFirings[];
  readonly settings: FindSettings;
  readonly onStep: OnStep;
  /** Null where scores alone decide. */
  readonly remainingCases: RemainingCases | null;
}

/** Where an edit stands between two rounds. */
interface Standing {
  /** On the cases that the next round looks at. */
  readonly before: Effect;
  readonly cost: number;
  readonly costOfAll: number;
  /** Indices of the cases that still show the behaviour. */
  readonly hard: ReadonlySet<number>;
}

/** Multiples of a feature's mean activation that a clamp tries; 0 is ablation. */
const MULTIPLES = [0, 1, 2, 4];
/** Options of a round that are tried at least, and cases that a round's length is planned for. */
const FEWEST_OPTIONS = 12;
const OPTIONS_PLANNED = 24;
/** Additions whose harm is measured at most, the best for the target first; and those tried behind gates besides the cheapest. */
const HARM_MEASURED = 48;
/** Of the multiples of a feature, the best for the target. */
const PER_OPTION = 2;
const GATED = 2;
/** How many of the best are added at once: causes that lie in many features (one for each word, say) take fewer rounds. */
const BUNDLES = [2, 4, 8];
/** A step must earn so much on the cases of its round, and on all. */
const LEAST_GAIN = 0.004;
const LEAST_GAIN_OF_ALL = 0.001;
/** The cheapest of a round, which are compared on all cases. */
const FINALISTS = 4;
/** Of finalists that cost nearly the same, the one with the sounder answers is taken, where it is sounder by so much. */
const NEARLY_AS_CHEAP = 0.03;
const SOUNDER = 0.1;
/** What a gate or a first firing must earn: narrowed to the prompts looked at, an operation does less on others. */
const NARROWING = 0.01;
/** What harms less need not be narrowed. */
const FREE_HARM = 0.002;

/** @param start what to go on from; nothing when left out. */
export async function growEdit(
  options: readonly Option[],
  context: GrowContext,
  start: Edit = EMPTY_EDIT,
): Promise<Edit> {
  const { trials, settings, onStep } = context;
  let edit = start;
  let standing = await standingOf(edit, trials);
  while (standing && edit.operations.length < settings.mostOperations) {
    const sample = trials.sample(MULTIPLES.length * OPTIONS_PLANNED, standing.hard);
    const { additions, tried } = await tryAdditions(edit, options, sample, context);
    const best = standing.cost - LEAST_GAIN;
    const plain = await trials.rate(additions.slice(0, HARM_MEASURED), best);
    const limit = Math.min(best, plain[0]?.cost ?? best);
    const narrowed = await behindGates(edit, sample, promising(additions, plain), limit - NARROWING, context);
    const gated = narrowed.map((each) => ({ ...each, cost: each.cost + NARROWING }));
    const singles = [...plain, ...gated].sort((a, b) => a.cost - b.cost);
    const bundles = await bundled(edit, sample, singles, Math.min(limit, singles[0]?.cost ?? limit), context);
    const ranked = [
      ...singles.map((single): Rated<Bundle> => ({ ...single, operations: [single.operation] })),
      ...bundles,
    ].sort((a, b) => a.cost - b.cost);
    const affordable = await affordableOfAll(
      ranked.filter(({ isWhole, cost }) => isWhole && cost < best).slice(0, FINALISTS),
      standing.costOfAll - LEAST_GAIN_OF_ALL,
      trials,
    );
    const preferred = await soundestOf(affordable, context);
    if (!preferred) break;
    const { chosen, sound } = preferred;
    edit = chosen.edit;
    onStep({
      action: 'add',
      operations: chosen.operations,
      before: standing.before,
      remaining: chosen.remaining,
      harm: chosen.harm,
      tried: tried + gated.length + bundles.length,
      ...(sound ? { sound } : {}),
      runnersUp: ranked
        .filter((other) => other !== chosen)
        .slice(0, 3)
        .map(({ operations, remaining: left, harm, isWhole }) => {
          return { operations, remaining: left, harm, isLeast: !isWhole };
        }),
    });
    standing = await standingOf(edit, trials);
  }
  return edit;
}

/** Null when the goal is reached. */
async function standingOf(edit: Edit, trials: Trials): Promise<Standing | null> {
  const { cases, before, weights } = trials.target;
  const after = await trials.scores(trials.target, edit);
  if (trials.isReached(after)) return null;
  const hard = trials.stillShown(after);
  // Other cases are looked at now, so the costs are compared on them.
  const next = trials.sample(MULTIPLES.length * OPTIONS_PLANNED, hard);
  const [left = 1] = await trials.remainingShare(next, [edit], 'Choosing');
  const [harm = 0] = edit.operations.length === 0 ? [0] : await trials.harmsOf([edit]);
  const costOfAll = trials.costOf({ remaining: remaining(cases, before, after, weights), harm });
  return { before: { remaining: left, harm }, cost: trials.costOf({ remaining: left, harm }), costOfAll, hard };
}

/**
 * The finalists that cost less than `most` on all cases, the cheapest first. Since each step lowers that cost, a search comes to an end, which
 * steps that each gain on the cases of their own round need not do: two of them can take turns for ever.
 */
export async function affordableOfAll<T extends Tried & { readonly harm: number }>(
  finalists: readonly T[],
  most: number,
  trials: Trials,
): Promise<{ readonly each: T; readonly cost: number }[]> {
  const edits = finalists.map(({ edit }) => edit);
  const left = await trials.remainingShare(trials.target, edits, 'Choosing');
  return finalists
    .map((each, index) => ({ each, cost: trials.costOf({ remaining: left[index] ?? Infinity, harm: each.harm }) }))
    .filter(({ cost }) => cost < most)
    .sort((a, b) => a.cost - b.cost);
}

/** The cheapest; or, of those that cost nearly as little, the one after which more is sound. Null where there are none. */
async function soundestOf<T extends Tried>(
  affordable: readonly { readonly each: T; readonly cost: number }[],
  { remainingCases }: GrowContext,
): Promise<{ readonly chosen: T; readonly sound: FindStep['sound'] | null } | null> {
  const [cheapest] = affordable;
  if (!cheapest) return null;
  const share = (await remainingCases?.soundShare(cheapest.each.edit)) ?? null;
  if (!remainingCases || share === null) return { chosen: cheapest.each, sound: null };
  let best = { chosen: cheapest.each, share };
  for (const { each, cost } of affordable.slice(1)) {
    if (cost > cheapest.cost + NEARLY_AS_CHEAP) break;
    const other = (await remainingCases.soundShare(each.edit)) ?? 0;
    if (other >= Math.max(share + SOUNDER, best.share)) best = { chosen: each, share: other };
  }
  const passedOver = best.chosen === cheapest.each ? null : share;
  return { chosen: best.chosen, sound: { share: best.share, passedOver } };
}

/** What each option would leave now, added to an edit: what was measured before is of other texts. */
export async function rankAgain(options: readonly Option[], edit: Edit, trials: Trials): Promise<void> {
  const edits = options.map((option) => withOperation(edit, operationAt(option, SWEEP_MULTIPLE)));
  const hard = trials.stillShown(await trials.scores(trials.target, edit));
  const left = await trials.remainingShare(trials.sample(edits.length, hard), edits, 'Measuring causes');
  for (const [index, option] of options.entries()) option.latest = left[index] ?? Infinity;
}

/** The options that were best last time, each at its best multiples. By what is left of the behaviour, rising. */
async function tryAdditions(
  edit: Edit,
  options: readonly Option[],
  sample: Pool,
  { trials, settings }: GrowContext,
): Promise<{ readonly additions: readonly Addition[]; readonly tried: number }> {
  const affordable = Math.floor(settings.tokensPerRound / (tokensOf(sample.cases) * MULTIPLES.length));
  const tried = [...options].sort((a, b) => a.latest - b.latest).slice(0, Math.max(FEWEST_OPTIONS, affordable));
  const additions = tried.flatMap((option) =>
    MULTIPLES.flatMap((multiple) => operationsAt(option, multiple)).map((operation) => ({ option, operation })),
  );
  const edits = additions.map(({ operation }) => withOperation(edit, operation));
  const left = await trials.remainingShare(sample, edits, `Choosing operation ${edit.operations.length + 1}`);
  for (const option of tried) option.latest = Infinity;
  const byRemaining = additions
    .map(({ option, operation }, index): Addition => {
      const remaining = left[index] ?? Infinity;
      option.latest = Math.min(option.latest, remaining);
      return { option, operation, remaining, edit: withOperation(edit, operation) };
    })
    .sort((a, b) => a.remaining - b.remaining);
  const seen = new Map<Option, number>();
  const best = byRemaining.filter(({ option }) => {
    const count = (seen.get(option) ?? 0) + 1;
    seen.set(option, count);
    return count <= PER_OPTION;
  });
  return { additions: best, tried: additions.length };
}

/** What is worth narrowing: the cheapest if it harms at all, and what does most to the behaviour whatever it harms. */
function promising(additions: readonly Addition[], plain: readonly Rated<Addition>[]): Addition[] {
  const cheapest = plain.slice(0, 1).filter(({ harm }) => harm > FREE_HARM);
  const strongest = additions.filter(({ operation }) => operation !== plain[0]?.operation).slice(0, GATED);
  return [...cheapest, ...strongest];
}

/** As many of the cheapest additions together as BUNDLES says, and of the best among those that harm nothing; of each feature one. */
async function bundled(
  edit: Edit,
  sample: Pool,
  singles: readonly Rated<Addition>[],
  most: number,
  { trials, settings }: GrowContext,
): Promise<Rated<Bundle>[]> {
  const room = settings.mostOperations - edit.operations.length;
  const harmless = singles.filter(({ harm }) => harm < FREE_HARM).sort((a, b) => a.remaining - b.remaining);
  const bundles = [singles, harmless].flatMap((order) => {
    const byFeature = new Map<Option, Operation>();
    for (const { option, operation } of order) if (!byFeature.has(option)) byFeature.set(option, operation);
    return BUNDLES.filter((count) => count <= Math.min(byFeature.size, room)).map((count) => {
      const operations = [...byFeature.values()].slice(0, count);
      return { operations, edit: operations.reduce(withOperation, edit) };
    });
  });
  const edits = bundles.map((bundle) => bundle.edit);
  const left = await trials.remainingShare(sample, edits, 'Trying several at once');
  return trials.rate(
    bundles.map((bundle, index) => ({ ...bundle, remaining: left[index] ?? Infinity })),
    most,
  );
}

/** The same operations, acting only where one of a union of gates fires, or only after a feature has fired. */
async function behindGates(
  edit: Edit,
  sample: Pool,
  additions: readonly Addition[],
  most: number,
  { trials, firings }: GrowContext,
): Promise<Rated<Addition>[]> {
  const variants = additions.flatMap(({ option, operation }) => {
    const here = firingsOf(option, firings);
    if (!here) return [];
    return [
      ...proposeGates(option.feature, here).map((gates): Operation => ({ ...operation, gates })),
      ...proposeTriggers(here).map((feature): Operation => {
        return { ...operation, scope: { positions: 'fromFirstFiring', feature } };
      }),
    ].map((narrowed) => ({ option, operation: narrowed, edit: withOperation(edit, narrowed) }));
  });
  if (variants.length === 0) return [];
  const left = await trials.remainingShare(
    sample,
    variants.map((variant) => variant.edit),
    'Trying gates',
  );
  const tried = variants.map((variant, index) => ({ ...variant, remaining: left[index] ?? Infinity }));
  return trials.rate(tried, most);
}

function firingsOf({ site, dictionary }: DictionarySite, firings: readonly SiteFirings[]): SiteFirings | undefined {
  return firings.find(({ place }) => place.site === site && place.dictionary === dictionary);
}
