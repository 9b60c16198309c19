import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Tokenizer as LibraryTokenizer } from '@huggingface/tokenizers';
import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import type { ModelConfig } from './config.ts';
import { openModel } from './model.ts';
import { runVariant, tokens } from '../../testing/models/runVariant.ts';
import { temporaryFolder } from '../../testing/models/temporaryFolder.ts';
import { tinyModel, writeTinyModel } from '../../testing/models/tinyModels.ts';
import { Tokenizer } from './tokenizer.ts';

const SPECIAL = ['<unk>', '<s>', '</s>'];

function addedTokens(): object[] {
  return SPECIAL.map((content, id) => ({
    id,
    content,
    single_word: false,
    lstrip: false,
    rstrip: false,
    normalized: false,
    special: true,
  }));
}

/** As Llama's: spaces become ▁, a text begins with one, characters that are no token become their bytes. */
function sentencePieceLike(): Record<string, unknown> {
  const bytes = Array.from({ length: 256 }, (_, byte) => `<0x${byte.toString(16).toUpperCase().padStart(2, '0')}>`);
  const pieces = ['▁', ...'abcdefgh', '▁a', '▁b', 'ab', '▁ab', 'abc', '▁abc', '▁▁', '▁▁▁▁', 'de', 'cde', 'gh', 'fgh'];
  const vocabulary = [...SPECIAL, ...bytes, ...pieces];
  const merges = [
    ['a', 'b'],
    ['▁', 'ab'],
    ['▁', 'a'],
    ['▁', 'b'],
    ['ab', 'c'],
    ['▁ab', 'c'],
    ['▁', '▁'],
    ['▁▁', '▁▁'],
    ['d', 'e'],
    ['c', 'de'],
    ['g', 'h'],
    ['f', 'gh'],
  ];
  return {
    version: '1.0',
    added_tokens: addedTokens(),
    normalizer: {
      type: 'Sequence',
      normalizers: [
        { type: 'Prepend', prepend: '▁' },
        { type: 'Replace', pattern: { String: ' ' }, content: '▁' },
      ],
    },
    pre_tokenizer: null,
    post_processor: {
      type: 'TemplateProcessing',
      single: [{ SpecialToken: { id: '<s>', type_id: 0 } }, { Sequence: { id: 'A', type_id: 0 } }],
      pair: [],
      special_tokens: { '<s>': { id: '<s>', ids: [1], tokens: ['<s>'] } },
    },
    decoder: {
      type: 'Sequence',
      decoders: [
        { type: 'Replace', pattern: { String: '▁' }, content: ' ' },
        { type: 'ByteFallback' },
        { type: 'Fuse' },
        { type: 'Strip', content: ' ', start: 1, stop: 0 },
      ],
    },
    model: {
      type: 'BPE',
      unk_token: '<unk>',
      byte_fallback: true,
      vocab: Object.fromEntries(vocabulary.map((token, id) => [token, id])),
      merges,
    },
  };
}

/** As GPT-2's: every byte is a character, spaces are kept as Ġ before words. */
function byteLevel(): Record<string, unknown> {
  const printable = (byte: number) =>
    (byte >= 33 && byte <= 126) || (byte >= 161 && byte <= 172) || (byte >= 174 && byte <= 255);
  let next = 256;
  const characters = Array.from({ length: 256 }, (_, byte) => String.fromCharCode(printable(byte) ? byte : next++));
  const vocabulary = [...SPECIAL, ...characters, 'Ġa', 'Ġab'];
  return {
    version: '1.0',
    added_tokens: addedTokens(),
    normalizer: null,
    pre_tokenizer: { type: 'ByteLevel', add_prefix_space: false, trim_offsets: true, use_regex: true },
    post_processor: { type: 'ByteLevel', add_prefix_space: true, trim_offsets: false },
    decoder: { type: 'ByteLevel', add_prefix_space: true, trim_offsets: true },
    model: {
      type: 'BPE',
      unk_token: null,
      vocab: Object.fromEntries(vocabulary.map((token, id) => [token, id])),
      merges: ['Ġ a', 'Ġa b'],
    },
  };
}

const settings = { bos_token: '<s>', eos_token: { content: '</s>' }, unk_token: '<unk>' };

async function open(definition: object | string | null, config: object | null = settings): Promise<Tokenizer> {
  const folder = await temporaryFolder();
  await writeTinyModel(folder, tinyModel('llama'));
  if (definition !== null) {
    const text = typeof definition === 'string' ? definition : JSON.stringify(definition);
    await writeFile(join(folder, 'tokenizer.json'), text);
  }
  if (config !== null) await writeFile(join(folder, 'tokenizer_config.json'), JSON.stringify(config));
  return (await openModel(folder)).tokenizer();
}

/** Words of the vocabulary's letters, runs of spaces, and characters that are no tokens. */
const text = fc
  .array(fc.constantFrom('abc', 'a', 'bcde', 'fgh', 'h', ' ', '  ', '    ', '\n', 'é', '🙂', '▁', 'x', '<s>'), {
    maxLength: 30,
  })
  .map((pieces) => pieces.join(''));

describe('a SentencePiece-like tokenizer', () => {
  it('gives the tokens that the library gives for the text as one word', async () => {
    const tokenizer = await open(sentencePieceLike());
    const library = new LibraryTokenizer(sentencePieceLike(), settings);
    fc.assert(
      fc.property(text, (sample) => {
        expect(tokenizer.encode(sample)).toEqual(library.encode(sample, { add_special_tokens: false }).ids);
      }),
      { numRuns: 300 },
    );
  });

  it('does so too when some token reaches across the start of a word', async () => {
    const definition = sentencePieceLike();
    const model = definition['model'] as { vocab: Record<string, number>; merges: string[][] };
    model.vocab['h▁a'] = 999;
    model.merges.unshift(['h', '▁a'], ['▁', 'a']);
    const tokenizer = await open(definition);
    expect(tokenizer.encode('h a')).toContain(999);
  });

  it('adds no special tokens to a text, and as many as its makers to a prompt', async () => {
    const tokenizer = await open(sentencePieceLike());
    expect(tokenizer.encode('a')).toEqual([268]);
    expect(tokenizer.encodePrompt('a')).toEqual([1, 268]);
    expect([tokenizer.bosTokenId, tokenizer.eosTokenId]).toEqual([1, 2]);
  });

  it('shows tokens as they read in the middle of a text', async () => {
    const tokenizer = await open(sentencePieceLike());
    const shown = [...tokenizer.encode('a ab'), 1, 3 + 0xc3, 3 + 10, 5000].map((id) => tokenizer.tokenText(id));
    expect(shown).toEqual([' a', ' ab', '<s>', '⟨C3⟩', '\n', '⟨5000⟩']);
  });
});

describe.each([
  ['a SentencePiece-like tokenizer', sentencePieceLike],
  ['a byte-level tokenizer', byteLevel],
] as const)('%s', (_what, definition) => {
  it('decodes what it encoded, whole and token by token', async () => {
    const tokenizer = await open(definition());
    fc.assert(
      fc.property(text, (sample) => {
        fc.pre(!sample.includes('▁') && !sample.includes('<s>'));
        const ids = tokenizer.encode(sample);
        expect(tokenizer.decode(ids)).toBe(sample);
        const stream = tokenizer.stream();
        const pieces = ids.map((id) => stream.next(id));
        expect(pieces.join('') + stream.end()).toBe(sample);
        for (const piece of pieces) expect(piece).not.toContain('\uFFFD');
      }),
      { numRuns: 300 },
    );
  });

  it('keeps special tokens in a decoded text unless told otherwise', async () => {
    const tokenizer = await open(definition());
    const ids = [1, ...tokenizer.encode('ab'), 2];
    expect(tokenizer.decode(ids)).toMatch(/^<s> ?ab<\/s>$/u);
    expect(tokenizer.decode(ids, { skipSpecial: true })).toBe('ab');
    expect(tokenizer.decode([])).toBe('');
  });
});

it('a byte-level token that is part of a character is shown as its bytes', async () => {
  const tokenizer = await open(byteLevel());
  expect(tokenizer.encode(' ab🙂').map((id) => tokenizer.tokenText(id))).toEqual([
    ' ab',
    '⟨F0⟩',
    '⟨9F⟩',
    '⟨99⟩',
    '⟨82⟩',
  ]);
});

describe('special tokens', () => {
  it('come from config.json where tokenizer_config.json does not speak of them, and are absent where it says so', async () => {
    const silent = await open(byteLevel(), null);
    expect([silent.bosTokenId, silent.eosTokenId]).toEqual([1, 2]);
    const without = await open(byteLevel(), { bos_token: null, eos_token: '</s>' });
    expect([without.bosTokenId, without.eosTokenId]).toEqual([null, 2]);
  });
});

describe('without a usable tokenizer', () => {
  it('a model still runs on token ids', async () => {
    const folder = await temporaryFolder();
    await writeTinyModel(folder, tinyModel('llama'));
    const model = await openModel(folder);
    const { logits } = await runVariant(model, { head: 'logits' }, { input_ids: tokens([3, 4]) });
    expect(logits?.dims).toEqual([1, 2, 29]);
    await expect(model.tokenizer()).rejects.toMatchObject({ code: 'not-found' });
    await expect(model.tokenizer()).rejects.toThrow(/tokenizer\.json: this model has no tokenizer/u);
  });

  it.each([
    ['not JSON', '{', 'invalid-file'],
    ['a kind that is not known', { ...byteLevel(), model: { type: 'Psychic' } }, 'unsupported'],
    ['a part missing', { version: '1.0' }, 'unsupported'],
    ['tokens that are no list', { ...byteLevel(), added_tokens: 5 }, 'unsupported'],
  ])('%s', async (_what, definition, code) => {
    const opened = open(definition);
    await expect(opened).rejects.toMatchObject({ name: 'AppError', code });
    await expect(opened).rejects.toThrow(/tokenizer\.json/u);
  });
});

describe('the tokenizer of a stranger', () => {
  let config: ModelConfig;
  beforeAll(async () => {
    const folder = await temporaryFolder();
    await writeTinyModel(folder, tinyModel('llama'));
    config = (await openModel(folder)).config;
  });
  /** With little patience, so that the tests do not wait. */
  const stranger = (parts: object) =>
    new Tokenizer('/stranger/tokenizer.json', { ...byteLevel(), ...parts }, {}, config, {
      limit: { milliseconds: 200, perCharacter: 0 },
    });
  const replaces = (pattern: object, content: string) => ({ type: 'Replace', pattern, content });
  const splits = (Regex: string) => ({ type: 'Split', pattern: { Regex }, behavior: 'Isolated', invert: false });

  it.each([
    ['pre-tokenizer', { pre_tokenizer: splits('(a+)+$') }],
    ['normalizer', { normalizer: replaces({ Regex: '(a|a)*b' }, '') }],
  ])('with a %s that explodes is ended on the text that it explodes on, by the name of its file', (_where, parts) => {
    const tokenizer = stranger(parts);
    expect(() => tokenizer.encode(`${'a'.repeat(40)} c`)).toThrow(
      /^\/stranger\/tokenizer\.json: this tokenizer failed on a text of 42 characters.*did not come to an end within 200 ms/u,
    );
    expect(tokenizer.encode('a').length).toBeGreaterThan(0); // other texts it can read
  });

  it('with a decoder that explodes is ended, too', () => {
    const tokenizer = stranger({
      decoder: { type: 'Sequence', decoders: [{ type: 'Fuse' }, replaces({ Regex: '(a+)+$' }, '')] },
    });
    const ids = stranger({}).encode(`${'a'.repeat(40)} `);
    expect(() => tokenizer.decode(ids)).toThrow(/did not come to an end within 200 ms/u);
  });

  it('with normalizers that make a text longer and longer is refused before there is such a text', () => {
    const eight = Array.from({ length: 8 }, () => replaces({ String: 'a' }, 'a'.repeat(30)));
    expect(() => stranger({ normalizer: { type: 'Sequence', normalizers: eight } }).encode('a')).toThrow(
      /tokenizer\.json: .*its normalizer makes a text of 810000 characters of it/u,
    );
    const once = stranger({ normalizer: replaces({ String: 'a' }, 'a'.repeat(30)) });
    expect(once.encode('a')).toHaveLength(30);
  });

  it('whose vocabulary has ids that are not whole numbers is refused where a text would take one', () => {
    const model = { type: 'BPE', unk_token: '<unk>', vocab: { '<unk>': 0, a: 0.5 }, merges: [] };
    const tokenizer = stranger({ model, pre_tokenizer: null });
    expect(() => tokenizer.encode('a')).toThrow(/^\/stranger\/tokenizer\.json: .* the id 0\.5, .* not a whole number/u);
  });

  it('with a pattern that is neither text nor expression is refused: the library would leave it out', () => {
    expect(() => stranger({ normalizer: replaces({ Glob: 'a*' }, '') })).toThrow(
      /tokenizer\.json: .* \{"Glob":"a\*"\}/u,
    );
  });

  it('that cuts text into pieces of no length is refused', () => {
    const pre_tokenizer = { type: 'Sequence', pretokenizers: [{ type: 'FixedLength', length: 0 }] };
    expect(() => stranger({ pre_tokenizer })).toThrow(/it cuts text into pieces of no length/u);
  });
});
