import { expect, it } from 'vitest';
import type { Operation } from '../../contract/domain/operations/index.ts';
import { openTinyModel } from '../../testing/models/temporaryFolder.ts';
import { editExactness } from './editExactness.ts';

const ABLATE: Operation = {
  ...{ dictionary: 'd'.repeat(64), site: 'blocks.1.hook_resid_post', feature: 1 },
  ...{ scope: { positions: 'all' }, gates: [], kind: 'ablate' },
};

it.each([[], [ABLATE], [ABLATE, { ...ABLATE, feature: 2 }]])(
  'an edit of operations that are all exact is exact, applies, and says no more than where it is computed',
  async (...operations) => {
    const model = await openTinyModel('gpt2');
    const dictionaryOf = () => ({ architecture: 'topk' as const, size: 8, k: 2 });
    expect(editExactness({ model, operations, dictionaryOf }, 'In the graph.')).toEqual({
      applies: true,
      badge: 'exact',
      reason: 'In the graph.',
    });
  },
);
