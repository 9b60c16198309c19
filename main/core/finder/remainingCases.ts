// What a model says with an edit on, where that still shows the behaviour. A search scores texts that were said without the
// edit, and an edit may leave them unlikely and others likely: "to mix marl salt" tells as much as "made from marl salt".
import type { Edit } from '../../contract/domain/edit.ts';
import type { Behaviour, Case } from '../behaviours/behaviour.ts';
import { openPromptEncoder, type PromptEncoder } from '../behaviours/prompts.ts';
import {
  IntervenableModel,
  type RunOptions,
  type IntervenableModelOptions,
} from '../interventions/intervenableModel.ts';
import { asAsked, shownCases, type ShownCase } from './shownCase.ts';

export class RemainingCases {
  readonly #intervenable: IntervenableModel;
  readonly #encoder: PromptEncoder;
  readonly #behaviour: Behaviour;
  readonly #cases: readonly Case[];
  readonly #options: RunOptions;

  private constructor(
    intervenable: IntervenableModel,
    encoder: PromptEncoder,
    { behaviour, cases, options }: { behaviour: Behaviour; cases: readonly Case[]; options: RunOptions },
  ) {
    this.#intervenable = intervenable;
    this.#encoder = encoder;
    this.#behaviour = behaviour;
    this.#cases = cases;
    this.#options = options;
  }

  /** @param cases of the behaviour, in which the unedited model shows it as text. */
  static async open(
    model: IntervenableModelOptions,
    behaviour: Behaviour,
    cases: readonly Case[],
    options: RunOptions,
  ): Promise<RemainingCases> {
    const encoder = await openPromptEncoder(model.model);
    return new RemainingCases(new IntervenableModel(model), encoder, { behaviour, cases, options });
  }

  /** The cases that show the behaviour with the edit on, with what is said then, scored where the checks ask for it. */
  async with(edit: Edit): Promise<ShownCase[]> {
    const found = await shownCases(this.#intervenable, this.#encoder, this.#behaviour, this.#cases, {
      ...this.#options,
      intervention: { edit },
    });
    return found.flatMap((shown) => (shown ? asAsked(shown) : []));
  }

  release(): Promise<void> {
    return this.#intervenable.release();
  }
}
