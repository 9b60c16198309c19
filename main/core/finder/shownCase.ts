// Cases as the finder scores them: what the unedited model says where it shows a behaviour, as tokens whose probability one
// run gives. So an edit can be scored without generating: teacher forcing instead of greedy decoding.
import { AppError } from '../../contract/base/errors.ts';
import type { Check } from '../../contract/domain/checks.ts';
import type { Behaviour, Case } from '../../contract/domain/behaviour.ts';
import { isTextCheck, judgeText } from '../behaviours/checks.ts';
import type { PromptEncoder } from '../behaviours/prompts.ts';
import { runCases, type CaseOutcome } from '../behaviours/runBehaviour.ts';
import {
  NO_INTERVENTION,
  type RunOptions,
  type IntervenableModel,
  type Intervention,
} from '../interventions/intervenableModel.ts';

/** A text whose last tokens are scored. */
export interface ScoredText {
  readonly ids: readonly number[];
  readonly promptLength: number;
  /** Index of the first token that is scored; `promptLength` when left out. */
  readonly scoredFrom?: number;
}

/** One case of a behaviour that a model shows. */
export interface ShownCase {
  readonly behaviour: string;
  readonly prompt: string;
  readonly promptIds: readonly number[];
  /** What was said, up to the token that makes the checks pass; or the continuation that a check asks about. */
  readonly said: ScoredText;
  /** What could be said instead, where a check compares continuations; empty for text. */
  readonly against: readonly ScoredText[];
  /** Of a text: index of the first token of what the checks ask for; those before lead up to it. */
  readonly askedFrom?: number;
}

export interface ShownOptions extends RunOptions {
  /** What is done to the model; nothing when left out. */
  readonly intervention?: Intervention;
}

/**
 * The cases that the model passes, as texts to score, in the order of `cases`; null for the others, which show nothing that an
 * edit could take away or harm.
 * @throws AppError `usage` for a prompt that is too long.
 */
export async function shownCases(
  intervenable: IntervenableModel,
  encoder: PromptEncoder,
  behaviour: Behaviour,
  cases: readonly Case[],
  { intervention = NO_INTERVENTION, ...options }: ShownOptions = {},
): Promise<(ShownCase | null)[]> {
  const outcomes = await runCases(intervenable, intervention, behaviour, cases, encoder, options);
  return shownOutcomes(behaviour, cases, outcomes, encoder);
}

/** The same of cases that were run. */
export function shownOutcomes(
  behaviour: Behaviour,
  cases: readonly Case[],
  outcomes: readonly CaseOutcome[],
  encoder: PromptEncoder,
): (ShownCase | null)[] {
  return cases.map((each, index) => {
    const outcome = outcomes[index];
    return outcome?.passed ? shownCase(behaviour.name, each, outcome, encoder) : null;
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
    const lead = leadLength(each.checks, { promptIds, ids: said }, encoder);
    return { ...common, said: continued(said), against: [], askedFrom: promptIds.length + lead };
  }
  const text = encoder.textOf(each);
  const continuation = (piece: string) => continued(encoder.encodeContinuation(text, promptIds, piece));
  const [said = '', ...against] = comparedBy(asked);
  return { ...common, said: continuation(said), against: against.map(continuation) };
}

/** The same case, scored only where the checks ask for something, given what was said before. */
export function asAsked(shown: ShownCase): ShownCase {
  const { said, askedFrom } = shown;
  return askedFrom === undefined ? shown : { ...shown, said: { ...said, scoredFrom: askedFrom } };
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

type Said = Pick<CaseOutcome, 'promptIds' | 'ids'>;

/**
 * How many generated tokens it takes until all checks pass and go on passing. Checks that pass from the first token on (that
 * a text does not hold something) are decided by the whole text.
 */
function decisiveLength(checks: readonly Check[], { promptIds, ids }: Said, encoder: PromptEncoder): number {
  const texts = checks.filter(isTextCheck);
  for (let length = ids.length - 1; length >= 0; length--) {
    const text = length === 0 ? '' : encoder.decodeContinuation(promptIds, ids.slice(0, length));
    if (!texts.every((check) => judgeText(check, text))) return length + 1;
  }
  return ids.length;
}

/** Whether what a model says can fail the checks: some of them ask for text, or forbid it. */
export function isJudgedByText({ checks }: Pick<Case, 'checks'>): boolean {
  return checks.every(isTextCheck) && checks.some((check) => !check.expected || !judgeText(check, ''));
}

/** How many tokens may be missing at the start while the rest still passes all checks: they lead up to what is asked for. */
function leadLength(checks: readonly Check[], { promptIds, ids }: Said, encoder: PromptEncoder): number {
  const texts = checks.filter(isTextCheck);
  const passes = (text: string) => texts.every((check) => judgeText(check, text));
  // Nothing is asked for where silence passes too.
  if (passes('')) return 0;
  for (let lead = ids.length - 1; lead > 0; lead--) {
    const rest = encoder.decodeContinuation([...promptIds, ...ids.slice(0, lead)], ids.slice(lead));
    if (passes(rest)) return lead;
  }
  return 0;
}
