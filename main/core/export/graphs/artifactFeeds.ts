// What an artifact's models ask for beside tokens, cache and padding: only edits with the scopes promptOnly, generatedOnly and
// fromFirstFiring ask for anything.
import { Tensor } from 'onnxruntime-common';
import { AppError } from '../../../contract/base/errors.ts';
import { int64Tensor } from '../../models/tokenBatch.ts';
import type { Manifest } from '../manifest.ts';
import type { FeedsOf } from '../modelRuns.ts';

export function artifactFeeds({ promptLength, states }: Manifest['inputs']): FeedsOf {
  return ({ batch, promptLengths }) => {
    const feeds: Record<string, Tensor> = {};
    if (promptLength) {
      if (promptLengths?.length !== batch) throw new AppError('internal', 'The lengths of the prompts are missing.');
      feeds['prompt_length'] = int64Tensor(promptLengths);
    }
    for (const { name, operations } of states) {
      feeds[`past_${name}`] = new Tensor('bool', new Uint8Array(operations * batch), [operations, batch, 1]);
    }
    return feeds;
  };
}
