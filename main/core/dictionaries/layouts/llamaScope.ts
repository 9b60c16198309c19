// Llama Scope 1 (OpenMOSS): <name>/hyperparams.json and checkpoints/final.safetensors. It is trained on x·s with
// s = √d / dataset_average_activation_norm; in units of raw activations the project (standardize_parameters_of_dataset_norm)
// keeps W_enc and the threshold, and has b_enc/s_in, W_dec·s_in/s_out and b_dec/s_out.
import { AppError } from '../../../contract/base/errors.ts';
import { THRESHOLD } from '../kinds/threshold.ts';
import { configAt, featureRows, has, numberAt, sizesOf, textAt, unsupported, vectorOf, type Layout } from './layout.ts';

const CONFIG = 'hyperparams.json';

export const llamaScope: Layout<'llama_scope'> = {
  name: 'llama_scope',
  title: 'Llama Scope (OpenMOSS)',
  recognise: (material) =>
    material.configs.has(CONFIG) && has(material, 'encoder.weight', 'encoder.bias', 'decoder.weight')
      ? `${CONFIG} is next to the file or its folder, and it has encoder.weight, encoder.bias and decoder.weight.`
      : null,
  async read(material) {
    const { path } = material;
    const config = material.configs.get(CONFIG);
    const [size, d] = sizesOf(material, 'encoder.weight');
    const activation = textAt(config, 'act_fn') ?? 'jumprelu';
    const threshold = numberAt(config, 'jump_relu_threshold');
    if (activation.toLowerCase() !== 'jumprelu' || threshold === null) {
      throw unsupported(
        path,
        `its activation is ${activation}; of this layout only jumprelu with a jump_relu_threshold is read`,
      );
    }
    const [input, output] = [textAt(config, 'hook_point_in'), textAt(config, 'hook_point_out')];
    if (output !== null && output !== input) {
      throw unsupported(path, `it is a transcoder (${input ?? ''} to ${output}), which cannot be used here yet`);
    }
    const normalisation = textAt(config, 'norm_activation') ?? 'dataset-wise';
    if (!['dataset-wise', 'inference'].includes(normalisation)) {
      throw unsupported(path, `it normalises activations (${normalisation}), which cannot be applied here yet`);
    }
    const subtractsDecoderBias = config?.['apply_decoder_bias_to_pre_encoder'] === true;
    const conclusions = [
      `Features fire above ${threshold}, in units of raw activations.`,
      `decoder.bias is ${subtractsDecoderBias ? '' : 'not '}subtracted before encoding, as ${CONFIG} says.`,
    ];
    const scale = (of: 'in' | 'out') => {
      if (normalisation === 'inference') return 1;
      const norm = numberAt(configAt(config, 'dataset_average_activation_norm'), of);
      if (norm !== null && norm > 0) return Math.sqrt(d) / norm;
      throw new AppError('invalid-file', `${path}: ${CONFIG} does not say dataset_average_activation_norm.${of}.`, {
        details: { path },
      });
    };
    const [scaleIn, scaleOut] = [scale('in'), scale('out')];
    if (normalisation !== 'inference') {
      conclusions.push(
        `It was trained on activations times ${scaleIn.toPrecision(6)}: biases and decoder are in raw units here.`,
      );
    }
    const matrix = (name: string, usual: 'features first' | 'width first') =>
      featureRows(material, name, { usual, size, width: d }, conclusions);
    const hasDecoderBias = has(material, 'decoder.bias');
    return {
      kind: 'jumprelu',
      ...{ d, size, k: null, conclusions, subtractsDecoderBias },
      encoder: await matrix('encoder.weight', 'features first'),
      decoder: await matrix('decoder.weight', 'width first'),
      decoderScale: scaleIn / scaleOut,
      encoderBias: (await vectorOf(material, 'encoder.bias', size)).map((value) => value / scaleIn),
      decoderBias: hasDecoderBias
        ? (await vectorOf(material, 'decoder.bias', d)).map((value) => value / scaleOut)
        : new Float32Array(d),
      perFeature: { [THRESHOLD]: new Float32Array(size).fill(Math.max(0, threshold)) },
      claims: { site: input, model: textAt(config, 'model_name'), l0: null },
    };
  },
};
