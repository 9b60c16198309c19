// Against the reference (huggingface/tokenizers 0.23.2): what it makes of 41 awkward texts with tokenizers put together as those of
// some thirty families are. The recipe is main/testing/models/make_tokenizers.py.
import { fileURLToPath } from 'node:url';
import * as v from 'valibot';
import { describe, expect, it } from 'vitest';
import { readJson } from '../files/json.ts';
import { Tokenizer } from './tokenizer.ts';

const ids = v.array(v.number());
const fileSchema = v.object({
  texts: v.array(v.string()),
  families: v.record(
    v.string(),
    v.object({
      definition: v.record(v.string(), v.unknown()),
      /** Null where the reference refuses the text; the last is null where a prompt has no other tokens. */
      cases: v.array(v.nullable(v.tuple([ids, v.string(), v.nullable(ids)]))),
    }),
  ),
});
const path = fileURLToPath(new URL('../../testing/models/tokenizers.json.gz', import.meta.url));
const { texts, families } = v.parse(fileSchema, await readJson(path));
const config = {
  modelType: 'gpt2',
  vocabularySize: 1000,
  hiddenSize: 8,
  layers: 1,
  heads: 1,
  keyValueHeads: 1,
  headDim: 8,
  intermediateSize: 8,
  contextLength: 64,
  residual: 'sequential',
  bosTokenId: null,
  eosTokenIds: [],
} as const;

describe('a tokenizer gives the ids, the text and the prompt of the reference', () => {
  it.each(Object.entries(families))('%s', (_, { definition, cases }) => {
    const tokenizer = new Tokenizer('tokenizer.json', definition, {}, config);
    for (const [index, expected] of cases.entries()) {
      const text = texts[index] ?? '';
      if (expected === null) {
        expect(() => tokenizer.encode(text), text).toThrow(/is no token/u);
        continue;
      }
      const [tokens, decoded, prompt] = expected;
      expect([...tokenizer.encode(text)], text).toEqual(tokens);
      expect(tokenizer.decode(tokens), text).toBe(decoded);
      expect([...tokenizer.encodePrompt(text)], text).toEqual(prompt ?? tokens);
    }
  });

  it('on at least 20 families and 41 texts each', () => {
    expect(Object.keys(families).length).toBeGreaterThanOrEqual(20);
    expect(Object.values(families).every(({ cases }) => cases.length === 41 && texts.length === 41)).toBe(true);
  });
});
