// Tokenizers of vocab.json and merges.txt against those of a tokenizer.json with the same vocabulary, which the conformance
// tests hold to the reference.
import { existsSync } from 'node:fs';
import { cp, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { temporaryFolder } from '../../testing/models/temporaryFolder.ts';
import { openTokenizer } from './tokenizer.ts';

const gpt2 = fileURLToPath(new URL('../../../../shared/fixtures/tokenizers/gpt2/', import.meta.url));
const withGpt2 = it.skipIf(!existsSync(gpt2));
if (!existsSync(gpt2)) console.log('../shared/fixtures/tokenizers is absent: GPT-2 is not read from its merges.');

const config = {
  ...{ modelType: 'gpt2', vocabularySize: 300, hiddenSize: 8, layers: 1, heads: 1, keyValueHeads: 1, headDim: 8 },
  ...{ intermediateSize: 8, contextLength: 64, residual: 'sequential' as const, bosTokenId: null, eosTokenIds: [] },
};

const TEXTS = [
  'The capital of France is Paris.',
  "I'm sure they'll've been  there:\n\n\t12345 × 3 – naïve café",
  'end<|endoftext|>begin',
  '日本語 and 🙂 ',
];

async function folderWith(files: Readonly<Record<string, string>>): Promise<string> {
  const folder = await temporaryFolder();
  for (const [name, content] of Object.entries(files)) await writeFile(join(folder, name), content);
  return folder;
}

const VOCABULARY = { a: 0, b: 1, c: 2, ab: 3, abc: 4, Ġ: 5, Ġa: 6, '1': 7, '2': 8, '12': 9, '<end>': 10 };
const MERGES = '#version: 0.2\na b\nab c\nĠ a\n1 2\n';
const tiny = { 'vocab.json': JSON.stringify(VOCABULARY), 'merges.txt': MERGES };

describe('a tokenizer of vocab.json and merges.txt', () => {
  withGpt2('of GPT-2 gives the ids of its tokenizer.json, and the text back', async () => {
    const folder = await temporaryFolder();
    for (const name of ['vocab.json', 'merges.txt', 'tokenizer_config.json', 'special_tokens_map.json'])
      await cp(join(gpt2, name), join(folder, name));
    const [own, reference] = [await openTokenizer(folder, config), await openTokenizer(gpt2, config)];
    for (const text of TEXTS) {
      expect([...own.encode(text)], text).toEqual([...reference.encode(text)]);
      expect(own.decode([...own.encode(text)]), text).toBe(text);
    }
    expect([own.bosTokenId, own.eosTokenId]).toEqual([reference.bosTokenId, reference.eosTokenId]);
  });

  it('merges in the order of the file, and finds special tokens whole', async () => {
    const folder = await folderWith({ ...tiny, 'tokenizer_config.json': JSON.stringify({ eos_token: '<end>' }) });
    const tokenizer = await openTokenizer(folder, config);
    expect([...tokenizer.encode('abc ab12<end>')]).toEqual([4, 5, 3, 9, 10]);
    expect(tokenizer.eosTokenId).toBe(10);
  });

  it('cuts the text as the class of the tokenizer says', async () => {
    const settings = { tokenizer_class: 'Qwen2Tokenizer', eos_token: '<end>' };
    const folder = await folderWith({ ...tiny, 'tokenizer_config.json': JSON.stringify(settings) });
    // Qwen cuts before every digit, so the merge of both never happens.
    expect([...(await openTokenizer(folder, config)).encode('ab12')]).toEqual([3, 7, 8]);
  });

  it('of a class that is not known, or with a line that is not a pair, is refused', async () => {
    const other = { ...tiny, 'tokenizer_config.json': JSON.stringify({ tokenizer_class: 'WhisperTokenizer' }) };
    await expect(openTokenizer(await folderWith(other), config)).rejects.toMatchObject({ code: 'unsupported' });
    const broken = { ...tiny, 'merges.txt': 'a b\nabc\n' };
    await expect(openTokenizer(await folderWith(broken), config)).rejects.toMatchObject({
      code: 'invalid-file',
      message: expect.stringContaining('line 2') as string,
    });
    await expect(openTokenizer(await folderWith({}), config)).rejects.toMatchObject({ code: 'not-found' });
  });
});
