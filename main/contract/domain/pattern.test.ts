import { describe, expect, it } from 'vitest';
import { readPattern, wrongPattern } from './pattern.ts';

const finds = (pattern: string, text: string) => {
  const { source, flags } = readPattern(pattern);
  return new RegExp(source, `u${flags}`).exec(text);
};

describe('a regular expression of Python', () => {
  it.each<[string, string, string]>([
    [String.raw`#### (\-?[0-9\.\,]+)`, 'x #### -1,234.5', '-1,234.5'],
    ['(?i)(the answer is)', 'The Answer IS', 'The Answer IS'],
    [String.raw`(?P<n>\d+)`, 'a 42', '42'],
    [String.raw`(?P<q>['\"]).*?(?P=q)`, `say "it's" now`, '"'],
    [String.raw`\A(yes)\Z`, 'yes', 'yes'],
    ['(?s)(a.b)', 'a\nb', 'a\nb'],
    ['(?im)^(b)$', 'a\nB', 'B'],
    [String.raw`(\#\ \%\&\~\@\!\_)`, '# %&~@!_', '# %&~@!_'],
    ['([]a]+)\\-', ']a]-', ']a]'],
    ['([a[]+)\\ ', '[a ', '[a'],
    [String.raw`\{"a": (\d{,3})}\,`, '{"a": 12},', '12'],
    [String.raw`(\U0001F600)\-`, '😀-', '😀'],
    ['(?#the number)(x)', 'x', 'x'],
  ])('%s finds what it finds there', (pattern, text, group) => {
    expect(finds(pattern, text)?.[1]).toBe(group);
  });

  it('\\A and \\Z hold at the ends of the text and nowhere else', () => {
    expect(finds(String.raw`\Ayes\Z`, 'yes\n')).toBeNull();
    expect(finds(String.raw`(?m)\Ab`, 'a\nb')).toBeNull();
  });

  it.each<[string, RegExp]>([
    ['(?x) a b', /at character 1: of the flags, only i, m and s/u],
    ['a(?i)b', /at character 2: flags may only be given at the start.*set ignoreCase/u],
    ['(?>a+)b', /at character 1: atomic groups/u],
    ['a++b', /at character 3: possessive/u],
    ['(a)?(?(1)b|c)', /at character 5: conditions on groups/u],
    [String.raw`a\Qb`, /at character 2: \\Q has no meaning here/u],
    ['[abc', /never closed/u],
    ['(', /not a regular expression \(ECMAScript, flag u\): unterminated group/u],
    ['a\\', /it ends with a backslash/u],
  ])('%s is refused with the place and the reason', (pattern, message) => {
    expect(wrongPattern(pattern)).toMatch(message);
  });

  it('that ECMAScript reads as it stands is left as it is', () => {
    for (const source of [String.raw`^\p{Lu}\w+$`, '(?<n>a)\\k<n>', '[\\w-]', '(?i:a)b']) {
      expect(readPattern(source)).toEqual({ source, flags: '' });
    }
  });
});
