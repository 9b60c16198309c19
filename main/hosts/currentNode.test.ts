import { expect, it } from 'vitest';
import { isCurrentNode } from './currentNode.ts';

it.each<[string, boolean]>([
  ['18.20.4', false],
  ['20.20.2', false],
  ['22.12.0', false],
  ['22.14.0', false],
  ['22.15.0', true],
  ['22.22.1', true],
  ['23.7.0', false],
  ['23.11.0', true],
  ['24.0.0', true],
  ['24.21.0', true],
  ['26.1.0', true],
])('Node %s can run the program: %s', (version, can) => {
  expect(isCurrentNode(version)).toBe(can);
});
