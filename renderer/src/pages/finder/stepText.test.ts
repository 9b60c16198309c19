import { describe, expect, it } from 'vitest';
import type { FoundStep } from '../../api/types.ts';
import { labelsIn } from '../edits/versionNames.ts';
import { stepWords } from './stepText.ts';

const dictionary = 'd'.repeat(64);
const clamp = (feature: number) => ({
  kind: 'clampActive' as const,
  value: -3,
  feature,
  dictionary,
  site: 'blocks.1.hook_resid_post',
  scope: { positions: 'all' as const },
  gates: [],
});
const step: FoundStep = {
  action: 'add',
  operations: [clamp(7)],
  remaining: 0.25,
  harm: 0.01,
  before: { remaining: 1, harm: 0 },
  tried: 512,
  runnersUp: [{ operations: [clamp(9)], remaining: 0.3, harm: 0.2, isLeast: true }],
};

describe('a step of a search', () => {
  it('says what was taken, of how many, what it does and what came next', () => {
    const labelOf = labelsIn({ labels: [{ dictionary, feature: 7, text: 'complies' }] });
    expect(stepWords(step, labelOf)).toEqual({
      did: 'Added',
      what: 'feature 7 “complies”: clampActive to −3',
      why:
        'The best of 512 edits tried: 25.0% of the behaviour is left (before: 100.0%), at a harm of 0.01 nats (before: 0 nats). ' +
        'The next best, feature 9: clampActive to −3, would leave 30.0% at ≥ 0.2 nats.',
    });
    expect(stepWords({ ...step, action: 'remove', runnersUp: [] }, labelOf).why).toMatch(/^It was not needed/u);
    const sounder = { share: 0.75, passedOver: 0.25 };
    expect(stepWords({ ...step, sound: sounder }, labelOf).why).toContain(
      '75.0% of the answers are sound; it was preferred to an edit with 25.0%.',
    );
    expect(stepWords({ ...step, action: 'alter', sound: sounder }, labelOf)).toMatchObject({
      did: 'Changed the numbers',
      why: expect.stringMatching(/^What is said instead is sounder/u) as string,
    });
    const anew = stepWords({ ...step, action: 'beginAnew', before: { remaining: 0.9, harm: 0.01 } }, labelOf);
    expect(anew.did).toBe('Restarted without');
    expect(anew.why).toContain('90.0% is left');
  });
});
