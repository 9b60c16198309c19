// What a model says with an edit on: where that still shows the behaviour, and whether what is said instead is sound. A search
// scores texts that were said without the edit, and an edit may leave them unlikely and others likely: "to mix marl salt"
// tells as much as "made from marl salt".
import type { Edit } from '../../contract/domain/edit.ts';
import type { Behaviour, Case } from '../../contract/domain/behaviour.ts';
import { openPromptEncoder, type PromptEncoder } from '../behaviours/prompts.ts';
import { runCases, type CaseOutcome } from '../behaviours/runBehaviour.ts';
import { AnswerSoundness } from '../evaluation/answerSoundness.ts';
import { spread } from '../evaluation/spread.ts';
import {
  IntervenableModel,
  NO_INTERVENTION,
  type RunOptions,
  type IntervenableModelOptions,
} from '../interventions/intervenableModel.ts';
import { asAsked, shownOutcomes, type ShownCase } from './shownCase.ts';

/** Answers by which edits are compared while there are many of them. */
const COMPARED_ANSWERS = 32;

/** What is said with an edit on. */
export interface Said {
  /** The cases that still show the behaviour, scored where the checks ask for it. */
  readonly shown: readonly ShownCase[];
  /** Of the other answers, those that are sound, and how many there are; null where nothing says what is sound. */
  readonly sound: { readonly count: number; readonly of: number } | null;
}

export class RemainingCases {
  readonly #intervenable: IntervenableModel;
  readonly #encoder: PromptEncoder;
  readonly #behaviour: Behaviour;
  readonly #cases: readonly Case[];
  readonly #options: RunOptions;
  readonly #keep: readonly Behaviour[];
  /** Opened when first needed: where nothing is found, nothing is judged. */
  #soundness: Promise<AnswerSoundness | null> | null = null;
  /** What the base model says, by the case. */
  readonly #base = new Map<Case, CaseOutcome>();

  private constructor(
    intervenable: IntervenableModel,
    encoder: PromptEncoder,
    keep: readonly Behaviour[],
    { behaviour, cases, options }: { behaviour: Behaviour; cases: readonly Case[]; options: RunOptions },
  ) {
    this.#intervenable = intervenable;
    this.#encoder = encoder;
    this.#keep = keep;
    this.#behaviour = behaviour;
    this.#cases = cases;
    this.#options = options;
  }

  /**
   * @param cases of the behaviour, in which the unedited model shows it as text.
   * @param keep whose prompts show what the base model's own answers are like; cases of the split `choose`.
   */
  static async open(
    model: IntervenableModelOptions,
    behaviour: Behaviour,
    cases: readonly Case[],
    keep: readonly Behaviour[],
    options: RunOptions,
  ): Promise<RemainingCases> {
    const encoder = await openPromptEncoder(model.model);
    return new RemainingCases(new IntervenableModel(model), encoder, keep, { behaviour, cases, options });
  }

  #openSoundness(): Promise<AnswerSoundness | null> {
    return (this.#soundness ??= AnswerSoundness.open(
      this.#intervenable,
      this.#encoder,
      this.#keep.map(({ maxNewTokens, cases: all }) => {
        return { maxNewTokens, cases: all.filter(({ split }) => split === 'choose') };
      }),
      this.#options,
    ));
  }

  async with(edit: Edit): Promise<Said> {
    const outcomes = await this.#run(edit, this.#cases);
    const found = shownOutcomes(this.#behaviour, this.#cases, outcomes, this.#encoder);
    return {
      shown: found.flatMap((shown) => (shown ? asAsked(shown) : [])),
      sound: await this.#soundOf(
        this.#cases.filter((_, index) => outcomes[index]?.passed === false),
        outcomes.filter(({ passed }) => !passed),
      ),
    };
  }

  /** Share of the answers that are sound, those among them that still show the behaviour; on some cases. Null as in `Said`. */
  async soundShare(edit: Edit): Promise<number | null> {
    if (!(await this.#openSoundness())) return null;
    const cases = spread(this.#cases, COMPARED_ANSWERS);
    const sound = await this.#soundOf(cases, await this.#run(edit, cases));
    return sound && sound.of > 0 ? sound.count / sound.of : null;
  }

  #run(edit: Edit, cases: readonly Case[]): Promise<CaseOutcome[]> {
    return runCases(this.#intervenable, { edit }, this.#behaviour, cases, this.#encoder, this.#options);
  }

  async #soundOf(cases: readonly Case[], outcomes: readonly CaseOutcome[]): Promise<Said['sound']> {
    const soundness = await this.#openSoundness();
    if (!soundness) return null;
    if (outcomes.length === 0) return { count: 0, of: 0 };
    const faults = await soundness.judge(outcomes, await this.#baseOf(cases), this.#options);
    return { count: faults.filter((each) => each?.length === 0).length, of: outcomes.length };
  }

  async #baseOf(cases: readonly Case[]): Promise<CaseOutcome[]> {
    const fresh = cases.filter((each) => !this.#base.has(each));
    const outcomes =
      fresh.length === 0
        ? []
        : await runCases(this.#intervenable, NO_INTERVENTION, this.#behaviour, fresh, this.#encoder, this.#options);
    for (const [index, outcome] of outcomes.entries()) {
      const each = fresh[index];
      if (each) this.#base.set(each, outcome);
    }
    return cases.flatMap((each) => this.#base.get(each) ?? []);
  }

  release(): Promise<void> {
    return this.#intervenable.release();
  }
}
