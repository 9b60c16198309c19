// openai/sparse_autoencoder: a .pt with pre_bias, encoder.weight [n, d], latent_bias, decoder.weight [d, n] and the name of the
// activation. Those with TopK take inputs that were normalised per token, as the project's from_state_dict decides.
import { featureRows, has, sizesOf, unsupported, vectorOf, type Layout } from './layout.ts';

export const openAi: Layout<'openai'> = {
  name: 'openai',
  title: 'sparse_autoencoder (OpenAI)',
  recognise: (material) =>
    has(material, 'pre_bias', 'latent_bias', 'encoder.weight', 'decoder.weight')
      ? 'It has the tensors pre_bias, latent_bias, encoder.weight and decoder.weight.'
      : null,
  async read(material) {
    const { path, facts } = material;
    const activation = facts.get('activation') ?? 'ReLU';
    if (activation !== 'ReLU') {
      const why =
        activation === 'TopK' ? ' and normalises every token (LayerNorm), which cannot be applied here yet' : '';
      throw unsupported(path, `its activation is ${String(activation)}${why}`);
    }
    const [size, d] = sizesOf(material, 'encoder.weight');
    const conclusions = ['pre_bias is subtracted before encoding, as the project does.'];
    const matrix = (name: string, usual: 'features first' | 'width first') =>
      featureRows(material, name, { usual, size, width: d }, conclusions);
    return {
      kind: 'relu',
      ...{ d, size, k: null, conclusions, perFeature: {}, subtractsDecoderBias: true },
      encoder: await matrix('encoder.weight', 'features first'),
      decoder: await matrix('decoder.weight', 'width first'),
      encoderBias: await vectorOf(material, 'latent_bias', size),
      decoderBias: await vectorOf(material, 'pre_bias', d),
      claims: { site: null, model: null, l0: null },
    };
  },
};
