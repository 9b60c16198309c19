import { describe, expect, it } from 'vitest';
import { parseBehaviour } from './behaviour.ts';
import { explosionOf, refuseExplosions } from './patternProbe.ts';

const check = (pattern: string) => ({ kind: 'regex' as const, pattern, ignoreCase: true, expected: true });

describe('regular expressions that explode', () => {
  it.each([
    '(a+)+$',
    '^(\\w+\\s?)*$',
    '(x|x)*y',
    '^sorry(b+)+c',
    '(\\d+)*-',
    '(.*a){12}$',
    '(foo|foofoo)+!',
    '\\s*\\s*\\s*;',
  ])('are found: %s', (pattern) =>
    expect(explosionOf(check(pattern))).toMatch(/did not come to an end within \d+ ms/u),
  );

  it.each([
    '^I (cannot|can.t)',
    '\\bParis\\b',
    '^\\s*\\d+\\s*$',
    'https?://\\S+',
    '[A-Z][a-z]+ \\d{4}',
    '.*yes.*',
    '(a|b)+c',
  ])('are not found where there are none: %s', (pattern) => expect(explosionOf(check(pattern))).toBeNull());

  it('are refused with the case they stand in', () => {
    const cases = ['^ok', '(a+)+$'].map((pattern) => ({ prompt: 'p', checks: [check(pattern)] }));
    const behaviour = parseBehaviour({ name: 'n', cases });
    expect(() => refuseExplosions(behaviour, 'The behaviour')).toThrow(
      /^The behaviour: case 2: The regular expression/u,
    );
  });
});
