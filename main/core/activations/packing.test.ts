import fc from 'fast-check';
import { existsSync } from 'node:fs';
import { mkdtemp, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Tokenizer, type TextEncoder } from '../models/tokenizer.ts';
import type { ModelConfig } from '../models/config.ts';
import { openCorpus, type CorpusOptions, type TextPiece } from './corpus.ts';
import { encodeDocuments } from './encodeDocuments.ts';
import { ContextFile, packCorpus, type PackingOptions } from './packing.ts';

const fixtures = fileURLToPath(new URL('../../../../shared/fixtures/', import.meta.url));
const withFixtures = it.skipIf(!existsSync(fixtures));
if (!existsSync(fixtures)) console.log('../shared/fixtures is absent: real tokenizers are not tried.');

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'errata-packing-'));
});
afterEach(async () => {
  await rm(folder, { recursive: true, force: true });
});

/** A token per character, so that tokens read as text; 0 is BOS. */
const characters: TextEncoder = {
  bosTokenId: 0,
  opening: [0],
  encode: (text) => Int32Array.from(text, (c) => c.charCodeAt(0)),
};

async function pack(
  content: string,
  options: PackingOptions & CorpusOptions,
  encoder: TextEncoder = characters,
): Promise<string[]> {
  const text = join(folder, 'corpus.txt');
  const path = join(folder, 'tokens.safetensors');
  await writeFile(text, content);
  const contexts = await packCorpus(path, await openCorpus(text, options), encoder, options);
  const file = await ContextFile.open(path);
  expect([file.contexts, file.contextLength]).toEqual([contexts, options.contextLength]);
  const rows: string[] = [];
  for (let i = 0; i < contexts; i++) {
    rows.push(Array.from(await file.read(i, 1), (id) => (id === 0 ? '^' : String.fromCharCode(id))).join(''));
  }
  await file.close();
  return rows;
}

describe('packing', () => {
  it('opens every context with BOS and drops what does not fill one', async () => {
    expect(await pack('abcdefghij', { contextLength: 4 })).toEqual(['^abc', '^def', '^ghi']);
    expect(await pack('abcdefghi', { contextLength: 4 })).toEqual(['^abc', '^def', '^ghi']);
    expect(await pack('abcdefghij', { contextLength: 4, maxContexts: 2 })).toEqual(['^abc', '^def']);
    const noBos = { ...characters, bosTokenId: null, opening: [] };
    expect(await pack('abcdefghij', { contextLength: 4 }, noBos)).toEqual(['abcd', 'efgh']);
  });

  it('opens no context where the tokenizer opens no text, and parts documents all the same', async () => {
    const unopened = { ...characters, opening: [] };
    const options = { contextLength: 4, textDocuments: 'line' } as const;
    expect(await pack('ab\ncde\nfghi\n', options, unopened)).toEqual(['ab^c', 'de^f']);
  });

  it('opens contexts with all that opens a text, and needs room for a token more', async () => {
    const two = { ...characters, opening: [0, 0] };
    expect(await pack('abcdef', { contextLength: 4 }, two)).toEqual(['^^ab', '^^cd', '^^ef']);
    await expect(pack('abcdef', { contextLength: 2 }, two)).rejects.toThrow(/at least 3 tokens/u);
  });

  it('puts one BOS between documents, also where a context begins', async () => {
    const options = { contextLength: 5, textDocuments: 'line' } as const;
    expect(await pack('ab\ncdefgh\nijkl\nm\n', options)).toEqual(['^ab^c', '^defg', '^h^ij', '^kl^m']);
    expect(await pack('abcd\nefgh\n', options)).toEqual(['^abcd', '^efgh']);
    expect(await pack('abc\ndefg\n', options)).toEqual(['^abc^', '^defg']);
  });

  it('holds at every number of contexts, also around the size of a write', async () => {
    for (const contexts of [1, 255, 256, 257, 513]) {
      const rows = await pack('x'.repeat(contexts * 2 + 1), { contextLength: 3 });
      expect(rows.length).toBe(contexts);
      expect(rows.every((row) => row === '^xx')).toBe(true);
    }
  });

  it('refuses a corpus that fills no context, and leaves no file', async () => {
    await expect(pack('ab', { contextLength: 4 })).rejects.toMatchObject({ code: 'empty', details: { tokens: 3 } });
    await expect(pack('ab', { contextLength: 1 })).rejects.toMatchObject({ code: 'usage' });
    await expect(pack('abcdef', { contextLength: 4, signal: AbortSignal.abort() })).rejects.toMatchObject({
      code: 'cancelled',
    });
    expect(await readdir(folder)).toEqual(['corpus.txt']);
  });

  it('reads back only a file of contexts', async () => {
    await writeFile(join(folder, 'x'), 'no');
    await expect(ContextFile.open(join(folder, 'x'))).rejects.toMatchObject({ code: 'invalid-file' });
  });
});

async function tokensInPieces(
  text: string,
  encoder: TextEncoder,
  pieceLength: number,
): Promise<{ ids: number[]; pieces: number }> {
  const ids: number[] = [];
  let pieces = 0;
  // Fed in lumps that have nothing to do with where it may be cut.
  async function* fed(): AsyncGenerator<TextPiece> {
    for (let i = 0; i < text.length; i += 777) yield { text: text.slice(i, i + 777), endsDocument: false };
    yield { text: '', endsDocument: true };
  }
  for await (const { ids: some, startsDocument } of encodeDocuments(fed(), encoder, pieceLength)) {
    expect(startsDocument).toBe(pieces === 0);
    for (let i = 0; i < some.length; i++) ids.push(some[i]!);
    pieces++;
  }
  return { ids, pieces };
}

/** Tokens are words that swallow the newlines before them, but for a newline alone at the text's end. */
const greedyNewlines: TextEncoder = {
  bosTokenId: 0,
  opening: [0],
  encode: (text) =>
    (text.match(/\n{2,}\w+|\w+|\n|./gs) ?? []).map((token) =>
      [...token].reduce((h, c) => (h * 31 + c.charCodeAt(0)) % 1e6, 7),
    ),
};

/** Joins every line to the one before it: there is no place to cut. */
const uncuttable: TextEncoder = {
  bosTokenId: 0,
  opening: [0],
  encode: (text) =>
    (text.match(/[^\n]?\n[^\n]?|[^\n]/g) ?? []).map((token) =>
      [...token].reduce((h, c) => h * 256 + c.charCodeAt(0), 0),
    ),
};

describe('tokenizing in pieces', () => {
  it('gives the tokens of the whole text for awkward tokenizers', async () => {
    const line = fc.stringMatching(/^[a-z .]{0,60}$/);
    await fc.assert(
      fc.asyncProperty(fc.array(line, { minLength: 100, maxLength: 150 }), async (list) => {
        const text = list.join('\n');
        for (const encoder of [greedyNewlines, uncuttable, characters]) {
          const { ids } = await tokensInPieces(text, encoder, 500);
          expect(ids).toEqual(Array.from(encoder.encode(text)));
        }
      }),
      { numRuns: 20 },
    );
    const long = 'some words\n\n\nand\nmore\n'.repeat(1000);
    expect((await tokensInPieces(long, greedyNewlines, 500)).pieces).toBeGreaterThan(10);
    expect((await tokensInPieces(long, uncuttable, 500)).pieces).toBe(1);
  });

  const config = { bosTokenId: null, eosTokenIds: [] } as unknown as ModelConfig;
  async function realTokenizer(name: string): Promise<Tokenizer> {
    const read = async (file: string) =>
      JSON.parse(await readFile(join(fixtures, name, file), 'utf8')) as Record<string, unknown>;
    const path = join(fixtures, name, 'tokenizer.json');
    return new Tokenizer(path, await read('tokenizer.json'), await read('tokenizer_config.json'), config);
  }

  withFixtures.each(['models/stories260K', 'tokenizers/gpt2'])(
    'gives the tokens of the whole text for %s',
    async (name) => {
      const tokenizer = await realTokenizer(name);
      for (const corpus of ['tinystories/tiny_stories.txt', 'tinyshakespeare/input.txt']) {
        const text = (await readFile(join(fixtures, 'corpora', corpus), 'utf8')).slice(0, 150_000);
        const { ids, pieces } = await tokensInPieces(text, tokenizer, 5_000);
        expect(pieces).toBeGreaterThan(20);
        expect(ids).toEqual(tokenizer.encode(text));
      }
    },
  );

  withFixtures('gives TinyStories its published number of tokens and contexts', async () => {
    const tokenizer = await realTokenizer('models/stories260K');
    const corpus = await openCorpus(join(fixtures, 'corpora/tinystories/tiny_stories.txt'));
    let count = 0;
    for await (const { ids } of encodeDocuments(corpus.pieces(), tokenizer)) count += ids.length;
    expect(count).toBe(477_172);
    const path = join(folder, 'tokens');
    expect(await packCorpus(path, corpus, tokenizer, { contextLength: 256 })).toBe(Math.floor(477_172 / 255));
    const file = await ContextFile.open(path);
    expect((await file.read(1870, 1))[0]).toBe(1);
    await file.close();
  });
});
