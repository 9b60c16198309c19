import { describe, expect, it } from 'vitest';
import { checkText, CHECK_KINDS, newCase, newCheck, parseTags, pastedPrompts, tagsText } from './caseText.ts';

describe('pasted prompts', () => {
  it('are one a line, or one a paragraph where there is an empty line', () => {
    expect(pastedPrompts('one\r\ntwo\n\n')).toEqual(['one', 'two']);
    expect(pastedPrompts('System: a\nUser: b\n\n\nSystem: c\nUser: d\n')).toEqual([
      'System: a\nUser: b',
      'System: c\nUser: d',
    ]);
    expect(pastedPrompts('  \n \n')).toEqual([]);
  });

  it('keep the white space they begin with', () => {
    expect(pastedPrompts('  indented\nnot')).toEqual(['  indented', 'not']);
  });
});

describe('tags', () => {
  it('read as they are written', () => {
    const tags = { topic: 'weapons', framing: 'a story' };
    expect(parseTags(tagsText(tags))).toEqual(tags);
    expect(parseTags('')).toEqual({});
    expect(parseTags('no value')).toBeNull();
  });
});

describe('checks in words', () => {
  it('exist for every kind, new ones too', () => {
    for (const kind of CHECK_KINDS) expect(checkText(newCheck(kind))).not.toBe('');
    expect(checkText({ kind: 'contains', text: 'Paris', ignoreCase: true, expected: false })).toBe(
      'not contains “Paris”',
    );
    expect(checkText({ kind: 'probability', continuation: ' he', bound: 'atMost', value: 0.25 })).toBe(
      'p(“ he”) ≤ 0.25',
    );
  });

  it('are taken over by a new case from the one it is like', () => {
    const like = { ...newCase(), checks: [newCheck('refuses')], split: 'choose' as const };
    expect(newCase(like)).toMatchObject({ checks: [{ kind: 'refuses' }], split: 'choose', prompt: '' });
  });
});
