import { expect, it } from 'vitest';
import { matchesPattern } from './namePattern.ts';

it('a pattern matches names as fnmatch does: * is any text, / included, ? one character', () => {
  for (const [pattern, name] of [
    ['*', 'a/b'],
    ['layer_7/*', 'layer_7/width_16k/params.safetensors'],
    ['*.safetensors', 'a/b.safetensors'],
    ['layer_?/w', 'layer_7/w'],
    ['config.json', 'config.json'],
    ['*a*b*', 'xxaxxbxx'],
  ] as const)
    expect(matchesPattern(name, pattern), pattern).toBe(true);
  for (const [pattern, name] of [
    ['layer_7/*', 'layer_77/x'],
    ['config.json', 'configXjson'],
    ['*.json', 'a.json.bak'],
    ['a', 'ab'],
    ['', 'a'],
  ] as const)
    expect(matchesPattern(name, pattern), pattern).toBe(false);
});

it('a pattern of many stars is judged at once', () => {
  const started = performance.now();
  expect(matchesPattern('a'.repeat(1000), `${'*a'.repeat(100)}b`)).toBe(false);
  expect(performance.now() - started).toBeLessThan(1000);
});
