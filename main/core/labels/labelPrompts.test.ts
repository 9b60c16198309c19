import { describe, expect, it } from 'vitest';
import type { FeaturePage } from '../../contract/domain/featurePage.ts';
import { detectionQuestion, labelQuestion, readDetections, readLabel } from './labelPrompts.ts';

const page = {
  max: 4,
  top: [{ tokens: ['the', ' bomb', ' is'], activations: [0.5, 4, 0], peak: 1, value: 4 }],
  logits: { top: [{ id: 1, token: '"quoted"', effect: 2 }], bottom: [], entropy: 1, vocabularySize: 5 },
} as unknown as FeaturePage;

describe('what a language model is asked', () => {
  it('shows the examples with the firing tokens marked, and the effects', () => {
    const question = labelQuestion(page)[1]?.content ?? '';
    expect(question).toContain('Text 1: the<< bomb>> is');
    expect(question).toContain('"\\"quoted\\""');
  });

  it('numbers the texts of a detection', () => {
    const [system, user] = detectionQuestion('bombs', [{ tokens: ['a', 'b'] }, { tokens: ['c'] }]);
    expect(system?.content).toContain('2 numbers');
    expect(user?.content).toBe('Description: bombs\n\nText 1: ab\n\nText 2: c');
  });
});

describe('its answers', () => {
  it.each([
    ['"Names of weapons"', 'Names of weapons'],
    ['<think>hm\nwell</think>\n\nLabel: **dangerous things**', 'dangerous things'],
    ['- a list item\nand more', 'a list item'],
    ['evil\u202elevil', 'evil levil'],
    [`${'x'.repeat(500)}`, 'x'.repeat(120)],
  ])('as labels: %j', (answer, label) => {
    expect(readLabel(answer)).toBe(label);
  });

  it.each(['', '  \n ', '""', '<think>never ends'])('that hold no label are refused: %j', (answer) => {
    expect(() => readLabel(answer)).toThrow(expect.objectContaining({ code: 'unreachable' }));
  });

  it('as detections: exactly as many as were asked for', () => {
    expect(readDetections('Sure: [1, 0,1]', 3)).toEqual([true, false, true]);
    for (const answer of ['[1,0]', '[1,0,2]', 'yes, no, yes', '', '[]']) {
      expect(() => readDetections(answer, 3)).toThrow(expect.objectContaining({ code: 'unreachable' }));
    }
  });
});
