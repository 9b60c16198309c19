// Runs the cases of a behaviour on a intervenable model: greedy text for checks that look at text, log-likelihoods of given
// continuations for the others, everything in batches.
import { AppError } from '../../contract/base/errors.ts';
import type { Behaviour, Case, CaseSplit } from '../../contract/domain/behaviour.ts';
import type { CaseResult } from '../../contract/domain/behaviourResult.ts';
import { isTextCheck, judgeText, type ScoreCheck } from './checks.ts';
import type { EncodedPrompt, PromptEncoder } from './prompts.ts';
import type {
  Continuation,
  RunOptions,
  Text,
  IntervenableModel,
  Intervention,
} from '../interventions/intervenableModel.ts';

/** What one check found. The score is the number that it compares; null for checks of text. */
export interface CheckVerdict {
  readonly passed: boolean;
  readonly score: number | null;
}

export interface CaseOutcome extends CaseResult {
  /** Of each check, in order. */
  readonly verdicts: readonly CheckVerdict[];
  readonly promptIds: readonly number[];
  /** Generated tokens without the stop token; empty where no check looks at text. */
  readonly ids: readonly number[];
  /** Null where no check looks at text. */
  readonly end: Continuation['end'] | null;
  /** The token that ended the text, where one did. */
  readonly stopId: number | null;
}

export interface BehaviourRunOptions extends RunOptions {
  /** What stands before every prompt, as PromptEncoder.textOf has it. */
  readonly instruction?: string;
}

/** The cases of one split, or all. @throws AppError `empty` when there are none. */
export function casesOf({ name, cases }: Behaviour, split?: CaseSplit): readonly Case[] {
  const chosen = split === undefined ? cases : cases.filter((each) => each.split === split);
  if (chosen.length > 0) return chosen;
  throw new AppError('empty', `The behaviour ${name} has no cases of the split "${split ?? ''}".`);
}

/**
 * @param cases of the behaviour, or some of them; the outcomes are in their order.
 * @throws AppError `usage` for a prompt that is too long for the model or a regular expression that explodes, `diverged`
 * when the model gives no finite numbers, `cancelled`.
 */
export async function runCases(
  intervenable: IntervenableModel,
  intervention: Intervention,
  { name, maxNewTokens }: Pick<Behaviour, 'name' | 'maxNewTokens'>,
  cases: readonly Case[],
  encoder: PromptEncoder,
  { instruction = '', signal, onRows }: BehaviourRunOptions = {},
): Promise<CaseOutcome[]> {
  const prompts = cases.map((each, index) => {
    const prompt = encoder.promptOf(each, instruction);
    encoder.checkLength(prompt.ids, each.checks.some(isTextCheck) ? 1 : 0, `${name}: the prompt of case ${index + 1}`);
    return prompt;
  });
  const generated = await generateTexts(intervenable, intervention, cases, prompts, { maxNewTokens, signal, onRows });
  const scored = await scoreContinuations(intervenable, intervention, name, cases, prompts, encoder, {
    signal,
    onRows,
  });
  return cases.map((each, index): CaseOutcome => {
    const promptIds = prompts[index]?.ids ?? [];
    const { ids = [], end = null, stopId = null } = generated.get(index) ?? {};
    const output = ids.length === 0 ? '' : encoder.decodeContinuation(promptIds, ids);
    const verdicts = each.checks.map((check, position): CheckVerdict =>
      isTextCheck(check)
        ? { passed: judgeText(check, output), score: null }
        : judgeScore(check, scored.get(`${index}.${position}`) ?? []),
    );
    const score = verdicts.find((verdict) => verdict.score !== null)?.score ?? null;
    return { passed: verdicts.every(({ passed }) => passed), score, output, verdicts, promptIds, ids, end, stopId };
  });
}

/** What is generated, by index of the case. */
async function generateTexts(
  intervenable: IntervenableModel,
  intervention: Intervention,
  cases: readonly Case[],
  prompts: readonly EncodedPrompt[],
  options: RunOptions & { readonly maxNewTokens: number },
): Promise<ReadonlyMap<number, Continuation>> {
  const wanted = [...cases.keys()].filter((index) => cases[index]?.checks.some(isTextCheck));
  if (wanted.length === 0) return new Map();
  const continuations = await intervenable.greedy(
    intervention,
    wanted.map((index) => prompts[index]?.ids ?? []),
    options,
  );
  return new Map(
    continuations.flatMap((continuation, row) => {
      const index = wanted[row];
      return index === undefined ? [] : [[index, continuation] as const];
    }),
  );
}

/** For `case.check`: of each of the check's continuations the log-likelihood and the number of tokens. */
async function scoreContinuations(
  intervenable: IntervenableModel,
  intervention: Intervention,
  name: string,
  cases: readonly Case[],
  prompts: readonly EncodedPrompt[],
  encoder: PromptEncoder,
  options: RunOptions,
): Promise<ReadonlyMap<string, readonly Likelihood[]>> {
  const texts: (Text & { readonly key: string })[] = [];
  for (const [index, { checks }] of cases.entries()) {
    const { text, ids } = prompts[index] ?? { text: '', ids: [] };
    for (const [position, check] of checks.entries()) {
      if (isTextCheck(check)) continue;
      for (const continuation of continuationsOf(check)) {
        const more = encoder.encodeContinuation(text, ids, continuation);
        encoder.checkLength(ids, more.length, `${name}: case ${index + 1} with its continuation`);
        texts.push({ key: `${index}.${position}`, ids: [...ids, ...more], promptLength: ids.length });
      }
    }
  }
  const scored = new Map<string, Likelihood[]>();
  if (texts.length === 0) return scored;
  const logProbabilities = await intervenable.logProbabilities(intervention, texts, options);
  for (const [row, { key }] of texts.entries()) {
    const values = logProbabilities[row] ?? [];
    const sum = values.reduce((total, value) => total + value, 0);
    scored.set(key, [...(scored.get(key) ?? []), { sum, tokens: values.length }]);
  }
  return scored;
}

interface Likelihood {
  /** ln p of the whole continuation. */
  readonly sum: number;
  readonly tokens: number;
}

function continuationsOf(check: ScoreCheck): readonly string[] {
  switch (check.kind) {
    case 'probability':
      return [check.continuation];
    case 'logitDifference':
      return [check.continuation, check.against];
    case 'multipleChoice':
      return check.choices;
  }
}

/**
 * The score of a multiple choice is by how much the answer's mean log-likelihood per token exceeds that of the best other
 * choice, in nats.
 */
function judgeScore(check: ScoreCheck, likelihoods: readonly Likelihood[]): { passed: boolean; score: number } {
  const sumOf = (index: number) => likelihoods[index]?.sum ?? NaN;
  switch (check.kind) {
    case 'probability':
      return within(check, Math.exp(sumOf(0)));
    case 'logitDifference':
      return within(check, sumOf(0) - sumOf(1));
    case 'multipleChoice': {
      const means = likelihoods.map(({ sum, tokens }) => sum / tokens);
      const others = means.filter((_, index) => index !== check.answer);
      const score = (means[check.answer] ?? NaN) - Math.max(...others);
      return { passed: score > 0 === check.expected, score };
    }
  }
}

function within({ bound, value }: { bound: 'atLeast' | 'atMost'; value: number }, score: number) {
  return { passed: bound === 'atLeast' ? score >= value : score <= value, score };
}
