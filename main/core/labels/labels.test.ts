import { describe, expect, it } from 'vitest';
import { UNLABELLED, type LabelContent } from '../../contract/domain/label.ts';
import { applyPatch, parseLabelPatch } from './labels.ts';

const LABELLED: LabelContent = {
  state: 'labelled',
  text: 'harmful requests',
  notes: 'n',
  tags: ['safety'],
  confidence: 4,
};

describe('a label', () => {
  it('follows its text where no state is given', () => {
    expect(applyPatch(UNLABELLED, { text: 'x' }).state).toBe('labelled');
    expect(applyPatch({ ...UNLABELLED, state: 'draft' }, { text: 'x' }).state).toBe('draft');
    expect(applyPatch({ ...UNLABELLED, state: 'uninterpretable' }, { text: 'x' }).state).toBe('labelled');
    expect(applyPatch(LABELLED, { text: '' })).toEqual({
      ...LABELLED,
      state: 'unlabelled',
      text: '',
      confidence: null,
    });
    expect(applyPatch(LABELLED, { tags: ['a'] })).toEqual({ ...LABELLED, tags: ['a'] });
  });

  it('made unlabelled keeps its notes and tags', () => {
    expect(applyPatch(LABELLED, { state: 'unlabelled' })).toEqual({ ...UNLABELLED, notes: 'n', tags: ['safety'] });
  });

  it('is kept in one spelling: composed Unicode, one line, tags sorted and distinct', () => {
    expect(
      parseLabelPatch({ text: '  e\u0301t\u00e9 \n\t of\u00a0 ', notes: 'a\r\nb\rc\n', tags: ['b', ' a ', 'b'] }),
    ).toEqual({
      text: 'été of',
      notes: 'a\nb\nc',
      tags: ['a', 'b'],
    });
  });

  it('keeps markup as the text it is', () => {
    const text = '<img src=x onerror=alert(1)> & "quotes"';
    expect(parseLabelPatch({ text }).text).toBe(text);
  });

  it.each([
    ['10 MB of text', { text: 'x'.repeat(10 * 1024 * 1024) }, /text: longer than 2000 characters/u],
    ['10 MB of notes', { notes: 'x'.repeat(10 * 1024 * 1024) }, /notes: longer than/u],
    ['a NUL', { text: 'a\u0000b' }, /control character/u],
    ['an escape sequence', { text: '\u001b[31mred' }, /control character/u],
    ['a control character in a tag', { tags: ['a\u0007'] }, /tags.0: the text holds a control character/u],
    ['half a surrogate pair', { text: '\ud800' }, /surrogate/u],
    ['an empty tag', { tags: [' '] }, /tags.0: the text is empty/u],
    ['too many tags', { tags: Array.from({ length: 65 }, (_, i) => `t${i}`) }, /more than 64 tags/u],
    ['an unknown state', { state: 'done' }, /expected one of unlabelled, draft/u],
    ['confidence 6', { confidence: 6 }, /expected 1 to 5/u],
    ['confidence NaN', { confidence: NaN }, /expected 1 to 5/u],
    ['an unknown field', { colour: 'red' }, /colour: is not known here/u],
  ])('refuses %s', (_, patch, message) => {
    expect(() => parseLabelPatch(patch)).toThrow(expect.objectContaining({ code: 'usage' }));
    expect(() => parseLabelPatch(patch)).toThrow(message);
  });

  it('refuses contradictions', () => {
    expect(() => applyPatch(UNLABELLED, { state: 'labelled' })).toThrow(/has a text/u);
    expect(() => applyPatch(UNLABELLED, { state: 'unlabelled', text: 'x' })).toThrow(/neither text nor confidence/u);
    expect(() => applyPatch(UNLABELLED, { confidence: 3 })).toThrow(/neither text nor confidence/u);
  });
});
