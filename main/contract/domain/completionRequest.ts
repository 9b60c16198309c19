// What another program may ask of a served model: the requests of OpenAI's API for completions and chat completions
// (github.com/openai/openai-openapi), as far as they mean something here. What would change an answer and is not done is refused;
// what does not (`user`, `metadata`) is not looked at.
import * as v from 'valibot';
import { real, whole } from '../base/setting.ts';

const MOST_CHOICES = 128;
const LONGEST = 1 << 24;
const MOST_STOPS = 16;

const optional = <Schema extends v.GenericSchema>(schema: Schema) => v.optional(v.nullable(schema), null);
const text = v.pipe(v.string('expected a text'), v.maxLength(LONGEST, 'is too long'));
const tokens = v.pipe(v.array(whole(0, 2 ** 31 - 1)), v.minLength(1, 'has no tokens'));

/** Only as its neutral value, which clients send unasked. */
const only = <const Value>(value: Value, allowed: (given: unknown) => boolean = (given) => given === value) =>
  v.optional(
    v.custom<unknown>((given) => given === null || allowed(given), `only ${JSON.stringify(value)} is supported`),
    null,
  );
const isEmpty = (given: unknown) =>
  given === '' || (typeof given === 'object' && given !== null && Object.keys(given).length === 0);

const common = {
  model: v.optional(v.string('expected the name of a model'), ''),
  temperature: v.pipe(
    optional(real(0, 2)),
    v.transform((value) => value ?? 1),
  ),
  top_p: v.pipe(
    optional(v.pipe(v.number('expected a number'), v.gtValue(0, 'must be above 0'), v.maxValue(1, 'at most 1'))),
    v.transform((value) => value ?? 1),
  ),
  n: v.pipe(
    optional(whole(1, MOST_CHOICES)),
    v.transform((value) => value ?? 1),
  ),
  stream: v.pipe(
    optional(v.boolean('expected true or false')),
    v.transform((value) => value ?? false),
  ),
  stream_options: optional(v.object({ include_usage: v.optional(v.boolean(), false) })),
  stop: v.pipe(
    optional(v.union([text, v.pipe(v.array(text), v.maxLength(MOST_STOPS, `at most ${MOST_STOPS} texts`))])),
    v.transform((value) => (value === null ? [] : typeof value === 'string' ? [value] : value)),
  ),
  seed: optional(v.pipe(v.number('expected a number'), v.safeInteger('expected a whole number'))),
  frequency_penalty: only(0),
  presence_penalty: only(0),
  logit_bias: only({}, isEmpty),
};

export const completionSchema = v.object({
  ...common,
  prompt: v.union(
    [
      text,
      v.pipe(v.array(text), v.minLength(1, 'has no texts'), v.maxLength(MOST_CHOICES, `at most ${MOST_CHOICES} texts`)),
      tokens,
      v.pipe(
        v.array(tokens),
        v.minLength(1, 'has no texts'),
        v.maxLength(MOST_CHOICES, `at most ${MOST_CHOICES} texts`),
      ),
    ],
    'expected a text, a list of texts, or tokens',
  ),
  max_tokens: v.pipe(
    optional(whole(0, LONGEST)),
    v.transform((value) => value ?? 16),
  ),
  echo: v.pipe(
    optional(v.boolean('expected true or false')),
    v.transform((value) => value ?? false),
  ),
  logprobs: optional(whole(0, 5)),
  suffix: only('', isEmpty),
  best_of: optional(whole(1, MOST_CHOICES)),
});
export type CompletionRequest = v.InferOutput<typeof completionSchema>;

const contentPart = v.object({
  type: v.literal('text', 'only parts of the type text are supported'),
  text,
});

export const chatSchema = v.object({
  ...common,
  messages: v.pipe(
    v.array(
      v.object({
        role: v.picklist(['system', 'developer', 'user', 'assistant'], 'expected system, user or assistant'),
        content: v.union([text, v.array(contentPart), v.null()], 'expected a text'),
      }),
    ),
    v.minLength(1, 'has no messages'),
  ),
  max_tokens: optional(whole(0, LONGEST)),
  max_completion_tokens: optional(whole(0, LONGEST)),
  logprobs: v.pipe(
    optional(v.boolean('expected true or false')),
    v.transform((value) => value ?? false),
  ),
  top_logprobs: optional(whole(0, 20)),
  tools: only([], isEmpty),
  functions: only([], isEmpty),
  response_format: only({ type: 'text' }, (given) => v.is(v.object({ type: v.literal('text') }), given)),
});
export type ChatRequest = v.InferOutput<typeof chatSchema>;
