// EleutherAI/sparsify: <hookpoint>/sae.safetensors and cfg.json. encoder.weight [n, d], W_dec [n, d]; b_dec is subtracted before
// encoding. multi_topk is a loss of training: at inference the k largest fire, as without. groupmax: the largest of each of k
// groups of features.
import { featureRows, has, numberAt, sizesOf, textAt, unsupported, vectorOf, type Layout } from './layout.ts';

export const sparsify: Layout<'sparsify'> = {
  name: 'sparsify',
  title: 'sparsify (EleutherAI)',
  recognise: (material) =>
    has(material, 'encoder.weight', 'encoder.bias', 'W_dec', 'b_dec')
      ? 'It has the tensors encoder.weight, encoder.bias, W_dec and b_dec.'
      : null,
  async read(material) {
    const { path, place } = material;
    const config = material.configs.get('cfg.json');
    if (config?.['transcode'] === true || has(material, 'W_skip')) {
      throw unsupported(path, 'it is a transcoder or has a skip connection, which cannot be used here yet');
    }
    const k = numberAt(config, 'k');
    if (k === null) throw unsupported(path, 'its cfg.json, which says k, is missing');
    const activation = textAt(config, 'activation') ?? 'topk';
    if (activation !== 'topk' && activation !== 'groupmax') {
      throw unsupported(path, `its activation ${activation} is not known here`);
    }
    const [size, d] = sizesOf(material, 'encoder.weight');
    const conclusions = [
      activation === 'topk'
        ? `The ${k} largest of each token fire, as cfg.json says${config?.['multi_topk'] === true ? '; multi_topk is of training only' : ''}.`
        : `Of each of ${k} groups of features the largest fires, as cfg.json says.`,
      'b_dec is subtracted before encoding, as the project does.',
    ];
    const matrix = (name: string) =>
      featureRows(material, name, { usual: 'features first', size, width: d }, conclusions);
    return {
      kind: activation,
      ...{ d, size, k, conclusions, perFeature: {}, subtractsDecoderBias: true },
      encoder: await matrix('encoder.weight'),
      decoder: await matrix('W_dec'),
      encoderBias: await vectorOf(material, 'encoder.bias', size),
      decoderBias: await vectorOf(material, 'b_dec', d),
      // The folder is the name of the module.
      claims: { site: place.split('/').at(-2) ?? null, model: null, l0: [k, k] },
    };
  },
};
