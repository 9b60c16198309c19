// Cases as the finder scores them: what the unedited model says where it shows a behaviour, as tokens whose probability one
// run gives. So an edit can be scored without generating: teacher forcing instead of greedy decoding.
import { AppError } from '../contract/errors.ts';
import type { Behaviour, Case, Check } from '../evaluation/behaviour.ts';
import { isTextCheck, judgeText } from '../evaluation/checks.ts';
import type { PromptEncoder } from '../evaluation/prompts.ts';
import { runCases, type CaseOutcome } from '../evaluation/runBehaviour.ts';
import { UNTREATED, type RunOptions, type TreatedModel } from '../evaluation/treatedModel.ts';

/** A text whose last tokens, from `promptLength` on, are scored. */
export interface ScoredText {
  readonly ids: readonly number[];
  readonly promptLength: number;
}

/** One case of a behaviour that the unedited model shows. */
export interface ShownCase {
  readonly behaviour: string;
  readonly prompt: string;
  readonly promptIds: readonly number[];
  /** What was said, up to the token that makes the checks pass; or the continuation that a check asks about. */
  readonly said: ScoredText;
  /** What could be said instead, where a check compares continuations; empty for text. */
  readonly against: readonly ScoredText[];
}

/**
 * The cases that the unedited model passes, as texts to score. The others show nothing that an edit could take away or harm.
 * @throws AppError `usage` for a prompt that is too long.
 */
export async function shownCases(
  treated: TreatedModel,
  encoder: PromptEncoder,
  behaviour: Behaviour,
  cases: readonly Case[],
  options: RunOptions = {},
): Promise<ShownCase[]> {
  const outcomes = await runCases(treated, UNTREATED, behaviour, cases, encoder, options);
  return cases.flatMap((each, index) => {
    const outcome = outcomes[index];
    if (!outcome?.passed) return [];
    return [shownCase(behaviour.name, each, outcome, encoder)];
  });
}

function shownCase(behaviour: string, each: Case, outcome: CaseOutcome, encoder: PromptEncoder): ShownCase {
  const { promptIds } = outcome;
  const common = { behaviour, prompt: each.prompt, promptIds };
  const asked = each.checks.find((check) => !isTextCheck(check));
  const continued = (ids: readonly number[]): ScoredText => ({
    ids: [...promptIds, ...ids],
    promptLength: promptIds.length,
  });
  if (!asked) {
    const said = outcome.ids.slice(0, decisiveLength(each.checks, outcome, encoder));
    if (said.length === 0) {
      throw new AppError(
        'empty',
        `${behaviour}: the model says nothing to "${each.prompt}", so nothing can be scored.`,
      );
    }
    return { ...common, said: continued(said), against: [] };
  }
  const text = encoder.textOf(each);
  const continuation = (piece: string) => continued(encoder.encodeContinuation(text, promptIds, piece));
  const [said = '', ...against] = comparedBy(asked);
  return { ...common, said: continuation(said), against: against.map(continuation) };
}

/** The continuation that stands for passing, then those that stand for failing. */
function comparedBy(check: Check): readonly string[] {
  switch (check.kind) {
    case 'probability':
      return [check.continuation];
    case 'logitDifference':
      return check.bound === 'atLeast' ? [check.continuation, check.against] : [check.against, check.continuation];
    case 'multipleChoice': {
      const answer = check.choices[check.answer] ?? '';
      return [answer, ...check.choices.filter((_, index) => index !== check.answer)];
    }
    default:
      return [];
  }
}

/**
 * How many generated tokens it takes until all checks pass and go on passing. Checks that pass from the first token on (that
 * a text does not hold something) are decided by the whole text.
 */
function decisiveLength(checks: readonly Check[], { promptIds, ids }: CaseOutcome, encoder: PromptEncoder): number {
  const texts = checks.filter(isTextCheck);
  for (let length = ids.length - 1; length >= 0; length--) {
    const text = length === 0 ? '' : encoder.decodeContinuation(promptIds, ids.slice(0, length));
    if (!texts.every((check) => judgeText(check, text))) return length + 1;
  }
  return ids.length;
}
