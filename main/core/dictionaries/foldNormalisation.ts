// From the state of a training run to a dictionary: the normalisation of the activations is folded into its arrays.
import type { Dictionary } from './dictionary.ts';
import { kindOf, trainingOf } from './kinds/index.ts';
import type { TrainingConfig } from './trainingConfig.ts';
import type { TrainingState } from './trainingState.ts';

/**
 * The dictionary in the units of the raw activations. With x' = s(x − μ): pre' = ⟨w, x'⟩ + b = s(⟨w, x − μ⟩ + b/s), so
 * activations shrink by s, and x̂ = x̂'/s + μ; the decoder rows stay of unit norm.
 */
export function foldNormalisation(
  config: TrainingConfig,
  state: TrainingState,
  provenance: { readonly site: string; readonly modelHash: string },
): Dictionary {
  const { mean, scale } = state.normalisation;
  const { W_enc, b_enc, W_dec } = state.features;
  return {
    architecture: config.architecture,
    d: config.d,
    size: config.size,
    k: kindOf(config).competes ? config.k : null,
    encoder: W_enc.value.slice(),
    encoderBias: b_enc.value.map((bias) => bias / scale),
    decoder: W_dec.value.slice(),
    decoderBias: state.decoderBias.value.map((bias, j) => bias / scale + (mean[j] as number)),
    centre: mean.slice(),
    perFeature: trainingOf(config).perFeature(config, state),
    ...provenance,
  };
}
