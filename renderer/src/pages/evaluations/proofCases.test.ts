import { expect, it } from 'vitest';
import type { Report } from '../../api/types.ts';
import { filterProof, proofCases } from './proofCases.ts';

type Suite = Report['suites'][number];
const estimate = { value: 1, low: 1, high: 1, n: 2 };
const pair = { before: estimate, after: estimate, difference: estimate };
const suite = (name: string, role: Suite['role'], aim: Suite['aim'], changed: Suite['changed']): Suite => ({
  ...{ name, behaviour: name, aim, role, rate: pair, isSignificant: false, heldOut: null, score: null },
  ...{ refuses: null, loops: null, kl: null, changed, brokenCases: 0, mendedCases: 0 },
});
const one = (prompt: string, passedBefore: boolean, faults: Suite['changed'][number]['faults'] = []) => ({
  ...{ prompt, before: 'b', after: 'a', passedBefore, faults },
});

it('the proof begins with the targets, and tells what is lost and what is broken', () => {
  const cases = proofCases([
    suite('facts', 'keep', 'keep', [one('lost', true), one('regained', false)]),
    suite('jailbreak', 'target', 'lower', [one('gone', true), one('garbage', true, ['brokenWord'])]),
  ]);
  expect(cases.map(({ prompt }) => prompt)).toEqual(['gone', 'garbage', 'lost', 'regained']);
  expect(filterProof(cases, 'lost').map(({ prompt }) => prompt)).toEqual(['lost']);
  expect(filterProof(cases, 'broken').map(({ prompt }) => prompt)).toEqual(['garbage']);
  expect(filterProof(cases, 'changed')).toHaveLength(4);
});
