// Dictionaries for tests of the finder: without any meaning, and with one cause planted in it.
import { join } from 'node:path';
import type { Dictionary } from '../../core/dictionaries/dictionary.ts';
import type { Behaviour } from '../../contract/domain/behaviour.ts';
import { readBehaviourFile } from '../../core/behaviours/behaviourFile.ts';
import { openPromptEncoder } from '../../core/behaviours/prompts.ts';
import { casesOf } from '../../core/behaviours/runBehaviour.ts';
import { openModel } from '../../core/models/model.ts';
import { tokenTensor } from '../../core/models/tokenBatch.ts';
import { buildVariant } from '../../core/models/variant.ts';
import { Random } from '../../core/numerics/random.ts';
import type { Runtime } from '../../core/onnx/runtime.ts';

export const SITE = 'blocks.1.hook_resid_post';
export const sampleModel = join(import.meta.dirname, '../../../resources/sample/model');

export function sampleBehaviour(name: string): Promise<Behaviour> {
  return readBehaviourFile(join(sampleModel, `../behaviours/${name}.json`), 'json');
}

/** Directions without any meaning, each of which fires on about half of the positions. */
export function randomDictionary(modelHash: string, size: number, seed = 3): Dictionary {
  const random = new Random(seed);
  const d = 128;
  const rows = () => Float32Array.from({ length: size * d }, () => random.normal() / Math.sqrt(d));
  return {
    architecture: 'relu',
    d,
    size,
    k: null,
    encoder: rows(),
    encoderBias: new Float32Array(size),
    decoder: rows(),
    decoderBias: new Float32Array(d),
    centre: new Float32Array(d),
    perFeature: {},
    site: SITE,
    modelHash,
  };
}

/** Makes `feature` fire along the difference of two behaviours' mean activations at the last token, above their middle. */
export async function plant(
  runtime: Runtime,
  dictionary: Dictionary,
  feature: number,
  one: Behaviour,
  other: Behaviour,
): Promise<void> {
  const model = await openModel(sampleModel);
  const encoder = await openPromptEncoder(model);
  const session = await runtime.createSession(buildVariant(model, { taps: [SITE] }), {
    weightsFolder: model.weightsFolder,
  });
  const { d } = dictionary;
  const meanOf = async (behaviour: Behaviour) => {
    const cases = casesOf(behaviour, 'choose').slice(0, 40);
    const mean = new Float64Array(d);
    for (const each of cases) {
      const ids = encoder.promptOf(each).ids;
      const { [SITE]: x } = await session.run({ input_ids: tokenTensor([ids], 'right') });
      const row = (x?.data as Float32Array).slice((ids.length - 1) * d);
      for (let j = 0; j < d; j++) mean[j] = (mean[j] ?? 0) + (row[j] ?? 0) / cases.length;
    }
    return mean;
  };
  const [a, b] = [await meanOf(one), await meanOf(other)];
  await session.release();
  const norm = Math.hypot(...a.map((value, j) => value - (b[j] ?? 0)));
  let middle = 0;
  for (let j = 0; j < d; j++) {
    const unit = ((a[j] ?? 0) - (b[j] ?? 0)) / norm;
    dictionary.encoder[feature * d + j] = unit;
    dictionary.decoder[feature * d + j] = unit;
    middle += (unit * ((a[j] ?? 0) + (b[j] ?? 0))) / 2;
  }
  dictionary.encoderBias[feature] = -middle;
}
