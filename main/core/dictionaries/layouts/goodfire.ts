// Goodfire: encoder_linear.* and decoder_linear.* (its Llama dictionaries) or encoder.* and decoder.* (its DeepSeek R1 ones, which
// are read by dictionary_learning's AutoEncoderNew: the same names and the same computation). ReLU; nothing is subtracted.
import { featureRows, has, sizesOf, vectorOf, type Layout } from './layout.ts';

export const goodfire: Layout<'goodfire'> = {
  name: 'goodfire',
  title: 'Goodfire',
  recognise: (material) =>
    has(material, 'encoder_linear.weight', 'encoder_linear.bias', 'decoder_linear.weight', 'decoder_linear.bias')
      ? 'It has encoder_linear and decoder_linear, each with weight and bias.'
      : null,
  async read(material) {
    const [size, d] = sizesOf(material, 'encoder_linear.weight');
    const conclusions = ['decoder_linear.bias is not subtracted before encoding, as the project does not.'];
    const matrix = (name: string, usual: 'features first' | 'width first') =>
      featureRows(material, name, { usual, size, width: d }, conclusions);
    const layer = /-l(\d+)/u.exec(material.place)?.[1];
    return {
      kind: 'relu',
      ...{ d, size, k: null, conclusions, perFeature: {}, subtractsDecoderBias: false },
      encoder: await matrix('encoder_linear.weight', 'features first'),
      decoder: await matrix('decoder_linear.weight', 'width first'),
      encoderBias: await vectorOf(material, 'encoder_linear.bias', size),
      decoderBias: await vectorOf(material, 'decoder_linear.bias', d),
      claims: { site: layer === undefined ? null : `model.layers.${layer}`, model: null, l0: null },
    };
  },
};
