import { describe, expect, it } from 'vitest';
import { openingOf } from './opening.ts';

const template = (...single: readonly object[]) => ({
  type: 'TemplateProcessing',
  single,
  pair: [],
  special_tokens: {
    '<s>': { id: '<s>', ids: [1], tokens: ['<s>'] },
    '[gMASK]': { id: '[gMASK]', ids: [7], tokens: ['[gMASK]'] },
    '</s>': { id: '</s>', ids: [2], tokens: ['</s>'] },
  },
});
const special = (id: string) => ({ SpecialToken: { id, type_id: 0 } });
const text = { Sequence: { id: 'A', type_id: 0 } };
const byteLevel = { type: 'ByteLevel', add_prefix_space: false, trim_offsets: true, use_regex: true };
const opens = template(special('<s>'), text);
const opening = (postProcessor: unknown, addBos?: boolean, rule?: 'tokenizer' | 'always' | 'never') =>
  openingOf({ post_processor: postProcessor }, addBos === undefined ? {} : { add_bos_token: addBos }, {
    bosTokenId: 1,
    rule,
  });

describe('what stands before a text', () => {
  // What AutoTokenizer of transformers 5.17 does with the same files, as GPT2Tokenizer, LlamaTokenizerFast or of no class.
  it.each([
    ['no post-processor', null, undefined, []],
    ['add_bos_token false', null, false, []],
    ['a ByteLevel post-processor alone (GPT-2)', byteLevel, undefined, []],
    ['a template', opens, undefined, [1]],
    ['a template, with add_bos_token true', opens, true, [1]],
    ['a template, whatever add_bos_token says', opens, false, [1]],
    ['a template within a sequence (Llama 3)', { type: 'Sequence', processors: [byteLevel, opens] }, undefined, [1]],
    ['a template of two tokens (ChatGLM)', template(special('[gMASK]'), special('<s>'), text), undefined, [7, 1]],
    ['a template that closes only', template(text, special('</s>')), true, []],
    ['a template of the text alone (Qwen)', template(text), true, []],
    ['the steps of BERT', { type: 'BertProcessing', sep: ['</s>', 2], cls: ['<s>', 1] }, undefined, [1]],
  ] as const)('with %s is what the reference puts there', (_with, postProcessor, addBos, expected) => {
    expect(opening(postProcessor, addBos)).toEqual(expected);
  });

  it('is a BOS where only add_bos_token asks for it, as the classes of transformers 4 did', () => {
    expect(opening(null, true)).toEqual([1]);
    expect(opening(byteLevel, true)).toEqual([1]);
    expect(openingOf({}, { add_bos_token: true }, { bosTokenId: null })).toEqual([]);
  });

  it('is what the project says, where it says something', () => {
    expect(opening(opens, true, 'never')).toEqual([]);
    expect(opening(null, false, 'always')).toEqual([1]);
    expect(opening(template(special('[gMASK]'), special('<s>'), text), undefined, 'always')).toEqual([7, 1]);
    expect(openingOf({}, {}, { bosTokenId: null, rule: 'always' })).toEqual([]);
  });

  it('is nothing where a stranger wrote something else into the post-processor', () => {
    for (const broken of [
      'x',
      [],
      { type: 'Sequence' },
      { type: 'TemplateProcessing' },
      { type: 'TemplateProcessing', single: [null, 3] },
      { type: 'TemplateProcessing', single: [special('absent'), text] },
      { type: 'BertProcessing', cls: 'x' },
    ]) {
      expect(opening(broken)).toEqual([]);
    }
  });
});
