// Soundness measured on a model: how the base model answers prompts to preserve gives the range, and every answer that is
// judged is scored by the base model, in batches, once after its own prompt and once after another one.
import type { AnswerFault } from '../../contract/domain/soundness.ts';
import type { Case } from '../../contract/domain/behaviour.ts';
import { isAnsweredInText, refuses } from '../behaviours/checks.ts';
import type { PromptEncoder } from '../behaviours/prompts.ts';
import type { CaseOutcome } from '../behaviours/runBehaviour.ts';
import type { IntervenableModel, RunOptions } from '../interventions/intervenableModel.ts';
import {
  answerFigures,
  faultsOf,
  goesOnWithWord,
  isWithin,
  soundRange,
  type AnswerFigures,
  type SoundRange,
} from './soundAnswers.ts';
import { at, spread } from './spread.ts';

/** A suite whose prompts the base model answers, for the range. */
export interface ReferenceSuite {
  readonly maxNewTokens: number;
  readonly cases: readonly Case[];
}

/** Sampled answers from which the range is made, spread evenly over the suites. */
const REFERENCE_ANSWERS = 400;
/** Fewer give no quantile worth the name. */
const LEAST_ANSWERS = 20;
/** The range depends on the model and the prompts, and on nothing that somebody sets. */
const SEED = 0;

/** Prompts that the base model refuses, after which refusals are scored that are unlikely after their own. */
const REFUSED_PROMPTS = 8;

/** A generated answer; `ids` without the stop token. */
export type GeneratedAnswer = Pick<CaseOutcome, 'promptIds' | 'ids' | 'stopId' | 'end'>;

export class AnswerSoundness {
  readonly range: SoundRange;
  /** How many of the base model's own answers the range is made of. */
  readonly reference: number;
  readonly #intervenable: IntervenableModel;
  readonly #encoder: PromptEncoder;
  readonly #elsewhere: readonly (readonly number[])[];
  /** Prompts that the base model refuses. */
  readonly #refused: readonly (readonly number[])[];
  readonly #known = new Map<string, AnswerFigures>();

  private constructor(
    intervenable: IntervenableModel,
    encoder: PromptEncoder,
    answers: readonly GeneratedAnswer[],
    own: readonly AnswerFigures[],
  ) {
    this.#intervenable = intervenable;
    this.#encoder = encoder;
    this.#elsewhere = answers.map(({ promptIds }) => promptIds);
    const refused = answers.filter(({ promptIds, ids }) => refuses(encoder.decodeContinuation(promptIds, ids)));
    this.#refused = spread(refused, REFUSED_PROMPTS).map(({ promptIds }) => promptIds);
    this.range = soundRange(own);
    this.reference = own.length;
  }

  /**
   * @param suites to preserve; those whose checks look at no text are left out.
   * @returns null where they hold too few prompts to say what the base model's own answers are like.
   * @throws AppError `diverged`, `cancelled`, `usage` for a prompt that is too long.
   */
  static async open(
    intervenable: IntervenableModel,
    encoder: PromptEncoder,
    suites: readonly ReferenceSuite[],
    options: RunOptions = {},
  ): Promise<AnswerSoundness | null> {
    const answering = suites.flatMap(({ maxNewTokens, cases }) => {
      const asked = cases.filter(isAnsweredInText);
      return asked.length === 0 ? [] : [{ maxNewTokens, cases: asked }];
    });
    const answers: GeneratedAnswer[] = [];
    for (const { maxNewTokens, cases } of answering) {
      const prompts = spread(cases, answersOfSuite(answering.length)).map((each) => encoder.promptOf(each).ids);
      const sampled = await intervenable.sample(prompts, { ...options, maxNewTokens, seed: SEED });
      answers.push(...sampled.map((answer, index) => ({ ...answer, promptIds: at(prompts, index) })));
    }
    const said = answers.filter(({ ids }) => ids.length > 0);
    if (said.length < LEAST_ANSWERS) return null;
    const elsewhere = said.map(({ promptIds }) => promptIds);
    const own = await figuresOf(said, elsewhere, { intervenable, encoder, options });
    return new AnswerSoundness(intervenable, encoder, said, own);
  }

  /**
   * Of each answer what is wrong with it, empty where it is sound; null where no text was generated.
   * @param base what the base model says to the same prompts, in the same order.
   */
  async judge(
    answers: readonly GeneratedAnswer[],
    base: readonly GeneratedAnswer[],
    options: RunOptions = {},
  ): Promise<(AnswerFault[] | null)[]> {
    await this.#score(answers, options);
    const refusing = answers.filter((answer) => {
      const figures = this.#figures(answer);
      return figures !== null && this.#refuses(answer) && !isWithin(figures, this.range, true);
    });
    await this.#score(
      refusing.flatMap((answer) => this.#afterRefused(answer)),
      options,
    );
    return answers.map((answer, index) => {
      if (answer.end === null) return null;
      return faultsOf(
        {
          ids: answer.ids,
          figures: this.#figures(answer),
          isCut: answer.end === 'length' && base[index]?.end === 'stop',
          refusal: this.#refuses(answer)
            ? { elsewhere: this.#afterRefused(answer).flatMap((each) => this.#figures(each) ?? []) }
            : null,
        },
        this.range,
      );
    });
  }

  /** Those that were scored before are not scored again: answers of one suite repeat each other. */
  async #score(answers: readonly GeneratedAnswer[], options: RunOptions): Promise<void> {
    const fresh = new Map<string, GeneratedAnswer>();
    for (const answer of answers) {
      if (answer.ids.length > 0 && !this.#known.has(keyOf(answer))) fresh.set(keyOf(answer), answer);
    }
    const scored = await figuresOf([...fresh.values()], this.#elsewhere, {
      intervenable: this.#intervenable,
      encoder: this.#encoder,
      options,
    });
    for (const [index, key] of [...fresh.keys()].entries()) this.#known.set(key, at(scored, index));
  }

  #figures(answer: GeneratedAnswer): AnswerFigures | null {
    return this.#known.get(keyOf(answer)) ?? null;
  }

  #refuses({ promptIds, ids }: GeneratedAnswer): boolean {
    return refuses(this.#encoder.decodeContinuation(promptIds, ids));
  }

  #afterRefused(answer: GeneratedAnswer): GeneratedAnswer[] {
    return this.#refused.map((promptIds) => ({ ...answer, promptIds }));
  }
}

/** How many answers are sampled. @param cases that are answered in text, of each suite to preserve. */
export function referenceAnswers(cases: readonly number[]): number {
  const asked = cases.filter((count) => count > 0);
  return asked.reduce((sum, count) => sum + Math.min(count, answersOfSuite(asked.length)), 0);
}

function answersOfSuite(suites: number): number {
  return Math.ceil(REFERENCE_ANSWERS / suites);
}

interface Scoring {
  readonly intervenable: IntervenableModel;
  readonly encoder: PromptEncoder;
  readonly options: RunOptions;
}

/** @param elsewhere prompts, one of which each answer is scored after besides its own. */
async function figuresOf(
  answers: readonly GeneratedAnswer[],
  elsewhere: readonly (readonly number[])[],
  { intervenable, encoder, options }: Scoring,
): Promise<AnswerFigures[]> {
  if (answers.length === 0) return [];
  const { contextLength } = intervenable.model.config;
  const after = (promptIds: readonly number[], said: readonly number[]) => {
    const prompt = promptIds.slice(-Math.max(contextLength - said.length, 1));
    return { ids: [...prompt, ...said], promptLength: prompt.length };
  };
  const said = answers.map(({ ids, stopId, promptIds }) => {
    const whole = stopId === null ? ids : [...ids, stopId];
    return whole.slice(0, contextLength - Math.min(promptIds.length, contextLength - 1));
  });
  const here = await intervenable.scoresOfBase(
    answers.map(({ promptIds }, index) => after(promptIds, at(said, index))),
    options,
  );
  // A refusal is relevant whatever the prompt, so nothing is asked of another one.
  const compared = [...answers.keys()].filter((index) => {
    const { promptIds, ids } = at(answers, index);
    return !refuses(encoder.decodeContinuation(promptIds, ids));
  });
  const there = await intervenable.scoresOfBase(
    compared.map((index) => after(anotherThan(at(answers, index).promptIds, elsewhere), at(said, index))),
    options,
  );
  const lossThere = new Map(
    compared.map((index, place) => [index, at(there, place).losses.reduce((sum, loss) => sum + loss, 0)]),
  );
  return answers.map(({ promptIds, ids }, index) => {
    const { losses, ranks } = at(here, index);
    return answerFigures({
      losses,
      ranks,
      isInsideWord: goesOnWithWord(encoder.decodeContinuation([], promptIds.slice(-8)), encoder.pieces(promptIds, ids)),
      lossElsewhere: lossThere.get(index) ?? Infinity,
    });
  });
}

/** One of the prompts that is not this one: the same for the same prompt, whatever else is judged. */
function anotherThan(promptIds: readonly number[], prompts: readonly (readonly number[])[]): readonly number[] {
  const start = promptIds.reduce((hash, id) => (hash * 31 + id) % 1_000_003, 7);
  const own = promptIds.join();
  for (let step = 0; step < prompts.length; step++) {
    const prompt = at(prompts, (start + step) % prompts.length);
    if (prompt.join() !== own) return prompt;
  }
  return promptIds;
}

function keyOf({ promptIds, ids, stopId }: GeneratedAnswer): string {
  return `${promptIds.join()}|${ids.join()}|${stopId ?? ''}`;
}
