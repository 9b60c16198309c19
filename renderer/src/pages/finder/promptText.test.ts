import { describe, expect, it } from 'vitest';
import { halves, joinPrompts, splitPrompts } from './promptText.ts';

describe('pasted prompts', () => {
  it('are one a line, or separated by blank lines', () => {
    expect(splitPrompts('one\r\ntwo\n\n')).toEqual(['one', 'two']);
    expect(splitPrompts('\nUser: one\nAssistant:\n \nUser: two\nAssistant:\n')).toEqual([
      'User: one\nAssistant:',
      'User: two\nAssistant:',
    ]);
    expect(splitPrompts(' \n\n')).toEqual([]);
  });

  it('count once, and come back from their text', () => {
    const prompts = ['User: one\nAssistant:', 'two ', 'three\n\nlines'];
    expect(splitPrompts(joinPrompts([...prompts, 'two ']))).toEqual(prompts);
  });

  it('are halved so that the first chooses', () => {
    expect([4, 5].map(halves)).toEqual([
      { choose: 2, report: 2 },
      { choose: 3, report: 2 },
    ]);
  });
});
