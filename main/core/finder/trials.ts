// Edits tried on cases: what is left of a behaviour, and what harm is done to what must stay. Trials are counted, and what
// cannot be the cheapest is given up before all of its harm is measured.
import { AppError } from '../../contract/base/errors.ts';
import type { OnWork } from '../../contract/base/progress.ts';
import { EMPTY_EDIT, type Edit } from '../../contract/domain/edit.ts';
import type { CausalScorer, TrialScore } from './causalScorer.ts';
import type { FindSettings } from '../../contract/domain/findSettings.ts';
import { caseHarm, harm, isStillShown, remaining, shownShare } from './objective.ts';
import type { EditActivity } from './editActivity.ts';
import type { ShownCase } from './shownCase.ts';

export interface Pool {
  readonly cases: readonly ShownCase[];
  readonly before: readonly TrialScore[];
  /** How often each case counts in what is left; once when left out. */
  readonly weights?: readonly number[];
}

/** An edit on trial, and what it was seen to leave of the behaviour. */
export interface Tried {
  readonly edit: Edit;
  readonly remaining: number;
}

/** cost = remaining + harmWeight · harm. */
export type Rated<T extends Tried> = T & { readonly harm: number; readonly cost: number; readonly isWhole: boolean };

interface Running<T extends Tried> {
  readonly tried: T;
  readonly harms: HarmTally;
}

interface Context {
  readonly settings: FindSettings;
  readonly signal?: AbortSignal | undefined;
  readonly onWork?: OnWork | undefined;
  /** Left out: every edit may change every case. */
  readonly activity?: EditActivity | undefined;
}

/** The harm of the edits in the running is measured on so many parts of the kept cases, one after another. */
const PARTS = 6;
/** Edits whose harm is measured side by side. */
const WAVE = 12;
/** What is said instead counts for so much of what must go at least, however little it is: the other cases are nearly gone. */
const RELAPSE_SHARE = 0.15;
/** Costs that differ by less are alike. */
const SAME = 1e-12;

export class Trials {
  readonly #scorer: CausalScorer;
  readonly #context: Context;
  /** What the unedited model shows. */
  readonly shown: Pool;
  readonly keep: Pool;
  /** `shown`, as it is scored now. */
  #wanted: Pool;
  #remainingCases: Pool = { cases: [], before: [] };
  #target: Pool;
  /** What a nat lost on the worst of what must stay weighs against the whole behaviour. */
  #harmWeight: number;
  /** Indices of the kept cases: every behaviour in every part. */
  readonly #parts: readonly (readonly number[])[];
  /** One edit on one case is one trial. */
  count = 0;

  private constructor(scorer: CausalScorer, target: Pool, keep: Pool, context: Context) {
    this.#scorer = scorer;
    this.shown = target;
    this.#wanted = target;
    this.#target = target;
    this.keep = keep;
    this.#context = context;
    this.#harmWeight = context.settings.harmWeight;
    this.#parts = partsOf(keep.cases);
  }

  static async open(
    scorer: CausalScorer,
    { target, keep }: { readonly target: readonly ShownCase[]; readonly keep: readonly ShownCase[] },
    context: Context,
  ): Promise<Trials> {
    const poolOf = async (cases: readonly ShownCase[]): Promise<Pool> => {
      const trials = cases.map((shown) => ({ edit: EMPTY_EDIT, shown }));
      return { cases, before: await scorer.score(trials, { signal: context.signal }) };
    };
    return new Trials(scorer, await poolOf(target), await poolOf(keep), context);
  }

  /** What must go: what the unedited model shows, and what was said instead with edits tried before. */
  get target(): Pool {
    return this.#target;
  }

  halveHarmWeight(): void {
    this.#harmWeight /= 2;
  }

  costOf({ remaining: left, harm: lost }: { readonly remaining: number; readonly harm: number }): number {
    return left + this.#harmWeight * lost;
  }

  /**
   * What was said is to go where the checks ask for it, given what was said before it: a text whose first words alone become
   * unlikely is said in others.
   * @param asked the cases of `shown` so.
   */
  async removeAsked(asked: readonly ShownCase[]): Promise<void> {
    const trials = asked.map((shown) => ({ edit: EMPTY_EDIT, shown }));
    this.#wanted = { cases: asked, before: await this.#scorer.score(trials, { signal: this.#context.signal }) };
    this.#target = this.#withRelapses();
  }

  /** Texts that are said with an edit on are to go too, from as likely as they are with it. */
  async alsoRemove(remainingCases: readonly ShownCase[], edit: Edit): Promise<void> {
    const trials = remainingCases.map((shown) => ({ edit, shown }));
    const before = await this.#scorer.score(trials, { signal: this.#context.signal });
    this.#remainingCases = {
      cases: [...this.#remainingCases.cases, ...remainingCases],
      before: [...this.#remainingCases.before, ...before],
    };
    this.#target = this.#withRelapses();
  }

  #withRelapses(): Pool {
    const [wanted, remainingCases] = [this.#wanted, this.#remainingCases];
    const weight = Math.max(1, (RELAPSE_SHARE * wanted.cases.length) / remainingCases.cases.length);
    return {
      cases: [...wanted.cases, ...remainingCases.cases],
      before: [...wanted.before, ...remainingCases.before],
      weights: [...wanted.cases.map(() => 1), ...remainingCases.cases.map(() => weight)],
    };
  }

  /** What each edit leaves of the behaviour on the cases of a pool. */
  async remainingShare(pool: Pool, edits: readonly Edit[], stage: string): Promise<number[]> {
    const scores = await this.#score(pool, edits, stage);
    return scores.map((after) => remaining(pool.cases, pool.before, after, pool.weights));
  }

  /** Harm of each edit to all that must stay. */
  async harmsOf(edits: readonly Edit[]): Promise<number[]> {
    const { cases, before } = this.keep;
    const scores = await this.#score(this.keep, edits, 'Measuring harm');
    return scores.map((after) => harm(cases, before, after));
  }

  async scores(pool: Pool, edit: Edit): Promise<TrialScore[]> {
    const [scores = []] = await this.#score(pool, [edit], 'Checking');
    return scores;
  }

  /**
   * Those of the edits with which the goal is reached on all cases of the target.
   * @param mostShown share of the texts that may still be shown, where that is more than the goal.
   */
  async reaching<T extends { readonly edit: Edit }>(options: readonly T[], mostShown = 0): Promise<(T & Tried)[]> {
    const { cases, before, weights } = this.target;
    const scores = await this.#score(
      this.target,
      options.map(({ edit }) => edit),
      'Making it smaller',
    );
    return options.flatMap((option, index) => {
      const after = scores[index] ?? [];
      const isReached = this.isReached(after, mostShown);
      return isReached ? [{ ...option, remaining: remaining(cases, before, after, weights) }] : [];
    });
  }

  /**
   * Measures the harm of edits until it is clear which is the cheapest. An edit is given up as soon as what is left of the
   * behaviour and the harm measured so far cost more than another edit, or than `most`: harms only add up, so the cheapest is
   * never given up. Those that leave least are looked at first.
   * @returns by cost; of those given up (`isWhole` false), and costing `most` or more, harm and cost are at least so much.
   */
  async rate<T extends Tried>(edits: readonly T[], most: number): Promise<Rated<T>[]> {
    const [firstPart, ...otherParts] = this.#parts;
    const costOf = ({ tried, harms }: Running<T>) => this.costOf({ remaining: tried.remaining, harm: harms.least });
    const all: Running<T>[] = [];
    let limit = most;
    const waiting = [...edits].sort((a, b) => a.remaining - b.remaining);
    while (waiting.length > 0 && (waiting[0]?.remaining ?? limit) < limit) {
      const wave = waiting.splice(0, WAVE).map((tried): Running<T> => ({ tried, harms: new HarmTally(this.keep) }));
      all.push(...wave);
      if (firstPart) await this.#measure(wave, firstPart);
      // The one that looks best is measured whole at once: its cost is a limit for the others.
      const [first] = [...wave].sort((a, b) => costOf(a) - costOf(b));
      for (const part of otherParts) if (first && costOf(first) < limit) await this.#measure([first], part);
      if (first) limit = Math.min(limit, costOf(first) + SAME);
      for (const part of otherParts) {
        const running = wave.filter((each) => costOf(each) < limit);
        await this.#measure(running, part);
      }
      for (const each of wave) if (each.harms.isWhole) limit = Math.min(limit, costOf(each) + SAME);
    }
    return all
      .map((each) => ({
        ...each.tried,
        harm: each.harms.least,
        cost: costOf(each),
        isWhole: each.harms.isWhole,
      }))
      .sort((a, b) => a.cost - b.cost || Number(b.isWhole) - Number(a.isWhole));
  }

  /** @param after of all cases of the target. */
  isReached(after: readonly TrialScore[], mostShown = 0): boolean {
    const { cases, before } = this.target;
    const { goalShown, goalRemaining } = this.#context.settings;
    return cases.some(({ against }) => against.length > 0)
      ? remaining(cases, before, after) <= goalRemaining
      : shownShare(cases, before, after) <= Math.max(goalShown, mostShown);
  }

  /** Indices of the target's cases that still show the behaviour. */
  stillShown(after: readonly TrialScore[]): ReadonlySet<number> {
    const { cases, before } = this.target;
    return new Set(
      [...cases.keys()].filter((index) => {
        const each = cases[index];
        return each !== undefined && isStillShown(each, before[index], after[index]);
      }),
    );
  }

  /** Cases for `edits` edits within a round's tokens; the hard ones first, then as they come. */
  sample(edits: number, hard: ReadonlySet<number> = new Set()): Pool {
    const { cases, before, weights } = this.target;
    const mean = tokensOf(cases) / cases.length;
    const count = Math.max(12, Math.min(64, Math.floor(this.#context.settings.tokensPerRound / (edits * mean))));
    const hardOnes = [...hard].slice(0, Math.ceil(count / 2));
    const rest = [...cases.keys()].filter((index) => !hardOnes.includes(index));
    const chosen = [...hardOnes, ...rest.slice(0, Math.max(0, count - hardOnes.length))].sort((a, b) => a - b);
    return {
      cases: chosen.flatMap((index) => cases[index] ?? []),
      before: chosen.flatMap((index) => before[index] ?? []),
      ...(weights ? { weights: chosen.flatMap((index) => weights[index] ?? []) } : {}),
    };
  }

  async #measure(
    running: readonly { readonly tried: Tried; readonly harms: HarmTally }[],
    part: readonly number[],
  ): Promise<void> {
    const waiting = running.filter(({ harms }) => !harms.has(part));
    const pool = {
      cases: part.flatMap((index) => this.keep.cases[index] ?? []),
      before: part.flatMap((index) => this.keep.before[index] ?? []),
    };
    const edits = waiting.map(({ tried }) => tried.edit);
    const scores = await this.#score(pool, edits, 'Measuring harm');
    for (const [index, { harms }] of waiting.entries()) harms.add(part, scores[index] ?? []);
  }

  /** What an edit cannot reach keeps its score; only the rest is run. */
  async #score(pool: Pool, edits: readonly Edit[], stage: string): Promise<TrialScore[][]> {
    const { signal, onWork, activity } = this.#context;
    const results = edits.map(() => [...pool.before]);
    const open = edits.flatMap((edit, row) =>
      pool.cases.flatMap((shown, column) =>
        activity === undefined || activity.mayAct(edit, shown) ? [{ row, column, trial: { edit, shown } }] : [],
      ),
    );
    const scores = await this.#scorer.score(
      open.map(({ trial }) => trial),
      { signal, onTrials: (done) => onWork?.({ stage, done, total: open.length, unit: 'trials' }) },
    );
    this.count += open.length;
    for (const [index, { row, column }] of open.entries()) {
      const score = scores[index];
      const own = results[row];
      if (score && own) own[column] = score;
    }
    return results;
  }
}

/** Harm of one edit as far as it has been measured: per behaviour the sum over cases seen, over the number of all cases. */
class HarmTally {
  readonly #pool: Pool;
  readonly #sizes = new Map<string, number>();
  readonly #sums = new Map<string, number>();
  readonly #parts = new Set<readonly number[]>();
  #seen = 0;

  constructor(pool: Pool) {
    this.#pool = pool;
    for (const { behaviour } of pool.cases) this.#sizes.set(behaviour, (this.#sizes.get(behaviour) ?? 0) + 1);
  }

  /** All cases are in. */
  get isWhole(): boolean {
    return this.#seen === this.#pool.cases.length;
  }

  has(part: readonly number[]): boolean {
    return this.#parts.has(part);
  }

  add(part: readonly number[], after: readonly TrialScore[]): void {
    this.#parts.add(part);
    this.#seen += part.length;
    for (const [place, index] of part.entries()) {
      const shown = this.#pool.cases[index];
      if (!shown) throw new AppError('internal', 'A case that is not in the pool.');
      const more = caseHarm(shown, this.#pool.before[index], after[place]);
      this.#sums.set(shown.behaviour, (this.#sums.get(shown.behaviour) ?? 0) + more);
    }
  }

  /** At least so much; the harm itself once all parts are in. */
  get least(): number {
    return Math.max(0, ...[...this.#sums].map(([name, sum]) => sum / (this.#sizes.get(name) ?? NaN)));
  }
}

/** Cases dealt out like cards, behaviour by behaviour, so that each part has some of each. */
function partsOf(cases: readonly ShownCase[]): number[][] {
  const parts = Array.from({ length: Math.min(PARTS, cases.length) }, (): number[] => []);
  const dealt = new Map<string, number>();
  for (const [index, { behaviour }] of cases.entries()) {
    const turn = dealt.get(behaviour) ?? 0;
    dealt.set(behaviour, turn + 1);
    parts[turn % parts.length]?.push(index);
  }
  return parts;
}

/** Tokens to be read for all cases; continuations of one token are read with the prompt. */
export function tokensOf(cases: readonly ShownCase[]): number {
  const length = ({ ids }: ShownCase['said']) => ids.length - 1;
  return cases.reduce((sum, { said, against }) => {
    const own = against.filter(({ ids, promptLength }) => ids.length > promptLength + 1);
    return sum + length(said) + own.reduce((more, text) => more + length(text), 0);
  }, 0);
}
