// What a model says with an edit on, where that still shows the behaviour. A search scores texts that were said without the
// edit, and an edit may leave them unlikely and others likely: "to mix marl salt" tells as much as "made from marl salt".
import type { Edit } from '../edits/edit.ts';
import type { Behaviour, Case } from '../behaviours/behaviour.ts';
import { openPromptEncoder, type PromptEncoder } from '../behaviours/prompts.ts';
import { TreatedModel, type RunOptions, type TreatedModelOptions } from '../interventions/treatedModel.ts';
import { asAsked, shownCases, type ShownCase } from './shownCase.ts';

export class Relapses {
  readonly #treated: TreatedModel;
  readonly #encoder: PromptEncoder;
  readonly #behaviour: Behaviour;
  readonly #cases: readonly Case[];
  readonly #options: RunOptions;

  private constructor(
    treated: TreatedModel,
    encoder: PromptEncoder,
    { behaviour, cases, options }: { behaviour: Behaviour; cases: readonly Case[]; options: RunOptions },
  ) {
    this.#treated = treated;
    this.#encoder = encoder;
    this.#behaviour = behaviour;
    this.#cases = cases;
    this.#options = options;
  }

  /** @param cases of the behaviour, in which the unedited model shows it as text. */
  static async open(
    model: TreatedModelOptions,
    behaviour: Behaviour,
    cases: readonly Case[],
    options: RunOptions,
  ): Promise<Relapses> {
    const encoder = await openPromptEncoder(model.model);
    return new Relapses(new TreatedModel(model), encoder, { behaviour, cases, options });
  }

  /** The cases that show the behaviour with the edit on, with what is said then, scored where the checks ask for it. */
  async with(edit: Edit): Promise<ShownCase[]> {
    const found = await shownCases(this.#treated, this.#encoder, this.#behaviour, this.#cases, {
      ...this.#options,
      treatment: { edit },
    });
    return found.flatMap((shown) => (shown ? asAsked(shown) : []));
  }

  release(): Promise<void> {
    return this.#treated.release();
  }
}
