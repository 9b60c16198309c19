import { describe, expect, it } from 'vitest';
import { defaultTargets } from './defaultTargets.ts';

const behaviours = [
  { name: 'bias', aim: 'lower' },
  { name: 'facts', aim: 'keep' },
  { name: 'jailbreak', aim: 'lower' },
  { name: 'manners', aim: 'raise' },
] as const;

describe('what an edit is judged by', () => {
  it('is what it must satisfy: other behaviours that could be changed only report', () => {
    expect(defaultTargets(behaviours, new Set(['jailbreak', 'facts']))).toEqual(['jailbreak']);
    expect(defaultTargets(behaviours, new Set(['manners', 'bias']))).toEqual(['bias', 'manners']);
  });
  it('is every behaviour that could be changed where the edit names none, or only ones to be kept', () => {
    expect(defaultTargets(behaviours, new Set())).toEqual(['bias', 'jailbreak', 'manners']);
    expect(defaultTargets(behaviours, new Set(['facts', 'gone']))).toEqual(['bias', 'jailbreak', 'manners']);
  });
});
