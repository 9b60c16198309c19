// A checkpoint of an artifact as sessions: imported as any model is.
import type { FixedEdit } from '../../edits/editPatches.ts';
import type { Model } from '../../models/model.ts';
import { buildVariant } from '../../models/variant.ts';
import type { Runtime } from '../../onnx/runtime.ts';
import type { ArtifactModel } from '../artifactModel.ts';

/** @param edit what is not in its weights: spliced in. */
export function checkpointModel(
  runtime: Runtime,
  model: Model,
  edit: Pick<FixedEdit, 'patches' | 'feeds'> | null,
): ArtifactModel {
  return {
    open: (cache) =>
      runtime.createSession(buildVariant(model, { head: 'logits', patches: edit?.patches ?? [], cache }), {
        weightsFolder: model.weightsFolder,
      }),
    feedsOf: (facts) => edit?.feeds(facts) ?? {},
  };
}
