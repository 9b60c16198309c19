// Whether an answer is sound: text that the base model could have given, and no rubble that an edit left in a behaviour's
// place. Pure: losses and ranks under the base model in, faults out.
//
// An edit that works makes the model say something else, and something else begins with a token that the base model finds
// unlikely: the first token of a refusal has 9 nats. So the token with the largest loss is set aside, and what is compared is
// how the text goes on from there. The range is that of the base model's own answers, sampled at temperature 1 from kept
// prompts: greedy ones have rank 0 throughout, and no spread.
import type { AnswerFault } from '../../contract/domain/soundness.ts';
import { ANSWER_FAULTS, OWN_ANSWERS_IN_RANGE } from '../../contract/domain/soundness.ts';
import { isLoop } from './collateral.ts';

/** An answer under the base model. The arrays have an entry for each token, the stop token among them where it ends. */
export interface ScoredAnswer {
  /** −log p of each token given the prompt and what comes before it, in nats. */
  readonly losses: ArrayLike<number>;
  /** How many tokens are likelier there. */
  readonly ranks: ArrayLike<number>;
  /** Of each token: it goes on with a word. See `goesOnWithWord`. */
  readonly isInsideWord: readonly boolean[];
  /** Sum of the losses of the same tokens after another prompt, in nats. */
  readonly lossElsewhere: number;
}

/** What is compared with the base model's own answers; of each, less is better. */
export interface AnswerFigures {
  /** Mean loss without the largest. */
  readonly otherLoss: number;
  readonly secondLoss: number;
  /** The largest rank of a token after the first. */
  readonly laterRank: number;
  readonly secondRank: number;
  /** The largest loss of a token that goes on with a word. */
  readonly insideWordLoss: number;
  /** Nats per token that the prompt costs, against another prompt: below 0 where it helps. */
  readonly promptCost: number;
}

export type SoundRange = AnswerFigures;

const LIMITED_BY: Readonly<Record<keyof AnswerFigures, AnswerFault>> = {
  otherLoss: 'unlikely',
  secondLoss: 'unlikely',
  laterRank: 'outOfRank',
  secondRank: 'outOfRank',
  insideWordLoss: 'brokenWord',
  promptCost: 'irrelevant',
};
const FIGURES = Object.keys(LIMITED_BY) as readonly (keyof AnswerFigures)[];

/**
 * No limit is below these: a model that is all but certain of what it says has a range of all but nothing, in which a good
 * synonym has no place.
 */
const LEAST_LIMITS: Readonly<Partial<AnswerFigures>> = {
  otherLoss: 0.4,
  secondLoss: 2,
  laterRank: 30,
  secondRank: 3,
  insideWordLoss: 3,
};

/** @param answer of at least one token. */
export function answerFigures({ losses, ranks, isInsideWord, lossElsewhere }: ScoredAnswer): AnswerFigures {
  const loss = Array.from(losses);
  const rank = Array.from(ranks);
  const total = loss.reduce((sum, value) => sum + value, 0);
  const [largest = 0, second = 0] = loss.toSorted((a, b) => b - a);
  return {
    otherLoss: (total - largest) / Math.max(loss.length - 1, 1),
    secondLoss: second,
    laterRank: Math.max(0, ...rank.slice(1)),
    secondRank: rank.toSorted((a, b) => b - a)[1] ?? 0,
    insideWordLoss: Math.max(0, ...loss.filter((_, index) => isInsideWord[index])),
    promptCost: (total - lossElsewhere) / loss.length,
  };
}

/** The 99% quantile of each figure over the base model's own answers, or its least limit. @param own at least one. */
export function soundRange(own: readonly AnswerFigures[]): SoundRange {
  const limit = (figure: keyof AnswerFigures) => {
    const sorted = own.map((each) => each[figure]).toSorted((a, b) => a - b);
    const quantile = sorted[Math.ceil(OWN_ANSWERS_IN_RANGE * sorted.length) - 1] ?? NaN;
    return Math.max(quantile, LEAST_LIMITS[figure] ?? -Infinity);
  };
  return {
    otherLoss: limit('otherLoss'),
    secondLoss: limit('secondLoss'),
    laterRank: limit('laterRank'),
    secondRank: limit('secondRank'),
    insideWordLoss: limit('insideWordLoss'),
    promptCost: limit('promptCost'),
  };
}

export interface JudgedAnswer {
  /** Without the stop token. */
  readonly ids: readonly number[];
  /** Null for an empty answer. */
  readonly figures: AnswerFigures | null;
  /** It is cut by the length limit, and the base model's answer to the prompt is not. */
  readonly isCut: boolean;
  /**
   * A refusal is relevant whatever the prompt, and it is fluent where it is so after a prompt that the base model refuses: after
   * its own, the base model may find all of it unlikely.
   */
  readonly refusal: { readonly elsewhere: readonly AnswerFigures[] } | null;
}

/** What is wrong with an answer, in the order of ANSWER_FAULTS; empty where it is sound. */
export function faultsOf({ ids, figures, isCut, refusal }: JudgedAnswer, range: SoundRange): AnswerFault[] {
  const found = new Set<AnswerFault>(figures === null ? ['empty'] : beyond(figures, range, refusal !== null));
  if (found.size > 0 && refusal?.elsewhere.some((each) => beyond(each, range, true).length === 0)) found.clear();
  if (isLoop(ids)) found.add('repeats');
  if (isCut) found.add('unfinished');
  return (Object.keys(ANSWER_FAULTS) as AnswerFault[]).filter((fault) => found.has(fault));
}

/** Whether the figures alone are within the range, as those of a refusal or of another answer. */
export function isWithin(figures: AnswerFigures, range: SoundRange, isRefusal: boolean): boolean {
  return beyond(figures, range, isRefusal).length === 0;
}

function beyond(figures: AnswerFigures, range: SoundRange, isRefusal: boolean): AnswerFault[] {
  return FIGURES.filter((figure) => figures[figure] > range[figure])
    .map((figure) => LIMITED_BY[figure])
    .filter((fault) => !(isRefusal && fault === 'irrelevant'));
}

/** Scripts that write words without spaces: there, a token that follows a letter need not go on with its word. */
const WITHOUT_SPACES = /[\p{sc=Han}\p{sc=Hira}\p{sc=Kana}\p{sc=Thai}\p{sc=Lao}\p{sc=Khmer}\p{sc=Myanmar}]/u;

/**
 * Of each piece of an answer: it begins with a letter, right after a letter or a digit.
 * @param promptText what the first piece follows.
 * @param pieces the text that each token adds.
 */
export function goesOnWithWord(promptText: string, pieces: readonly string[]): boolean[] {
  let before = promptText.slice(-2);
  return pieces.map((piece) => {
    const first = Array.from(piece)[0] ?? '';
    const isInside = /^\p{L}/u.test(first) && /[\p{L}\p{N}]$/u.test(before) && !WITHOUT_SPACES.test(first);
    before = (before + piece).slice(-2);
    return isInside;
  });
}
