// What was generated, in the words of OpenAI's API. Pure.
import type { ServedModel } from '../../workbench/serving.ts';
import type { Completion } from '../../workbench/serving.ts';

type Token = Completion['tokens'][number];

export interface Heading {
  readonly id: string;
  /** Seconds since 1970. */
  readonly created: number;
  readonly model: string;
}

export function modelList(models: readonly ServedModel[], created: number) {
  return { object: 'list', data: models.map(({ id }) => ({ id, object: 'model', created, owned_by: 'errata' })) };
}

/** Character offsets are those of the tokens' texts, one after another, as OpenAI counts them. */
function textLogProbs(tokens: readonly Token[], from = 0) {
  let offset = from;
  return {
    tokens: tokens.map(({ text }) => text),
    token_logprobs: tokens.map(({ logProb }) => logProb),
    top_logprobs: tokens.map(({ logProb, alternatives }) =>
      logProb === null ? null : Object.fromEntries(alternatives.map((each) => [each.text, each.logProb])),
    ),
    text_offset: tokens.map(({ text }) => {
      const at = Math.max(0, offset);
      offset += text.length;
      return at;
    }),
  };
}

export function textChoice(
  index: number,
  completion: Pick<Completion, 'text' | 'tokens' | 'promptTokens'> & { readonly promptText: string },
  { end, logprobs, offset = 0 }: { end: Completion['end'] | null; logprobs: boolean; offset?: number },
) {
  const { text, tokens, promptTokens, promptText } = completion;
  // What the tokenizer puts before a text is among the tokens, and not in the text.
  const opening = promptTokens.reduce((sum, token) => sum + token.text.length, 0) - promptText.length;
  return {
    index,
    text: promptText + text,
    logprobs: logprobs ? textLogProbs([...promptTokens, ...tokens], offset - opening) : null,
    finish_reason: end,
  };
}

const bytesOf = (text: string) => [...Buffer.from(text)];

function chatLogProbs(tokens: readonly Token[]) {
  const entry = ({ text, logProb }: { text: string; logProb: number | null }) => ({
    token: text,
    logprob: logProb,
    bytes: bytesOf(text),
  });
  return {
    content: tokens.map((token) => ({ ...entry(token), top_logprobs: token.alternatives.map(entry) })),
    refusal: null,
  };
}

export function chatChoice(index: number, { text, tokens, end }: Completion, logprobs: boolean) {
  return {
    index,
    message: { role: 'assistant', content: text, refusal: null },
    logprobs: logprobs ? chatLogProbs(tokens) : null,
    finish_reason: end,
  };
}

export function chatDelta(
  index: number,
  delta: { readonly role?: 'assistant'; readonly content?: string },
  { end = null, tokens }: { end?: Completion['end'] | null; tokens?: readonly Token[] } = {},
) {
  return { index, delta, logprobs: tokens ? chatLogProbs(tokens) : null, finish_reason: end };
}

/** Tokens of the prompts are counted once each, however many choices were made of them. */
export function usageOf(promptTokens: number, completions: readonly Pick<Completion, 'newTokens'>[]) {
  const completionTokens = completions.reduce((sum, { newTokens }) => sum + newTokens, 0);
  return {
    prompt_tokens: promptTokens,
    completion_tokens: completionTokens,
    total_tokens: promptTokens + completionTokens,
  };
}
