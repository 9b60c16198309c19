// Qwen-Scope (arXiv 2605.11887): layerL.sae.pt with W_enc [n, d], W_dec [d, n], b_enc, b_dec: the other way round than most that
// use these names. TopK, whose k only the repository's name says; of the output of block L; nothing is subtracted.
import { featureRows, has, sizesOf, unsupported, vectorOf, type Layout } from './layout.ts';

const FILE = /(?:^|\/)layer(\d+)\.sae\.pt$/u;
const K = /(?:^|[-_/])(?:k|l0|topk)[-_]?(\d+)(?=[-_/]|$)/iu;

export const qwenScope: Layout<'qwen_scope'> = {
  name: 'qwen_scope',
  title: 'Qwen-Scope',
  recognise: (material) =>
    FILE.test(material.place) && has(material, 'W_enc', 'W_dec', 'b_enc', 'b_dec')
      ? 'The file is called layerN.sae.pt and has W_enc, W_dec, b_enc and b_dec.'
      : null,
  async read(material) {
    const { path, place } = material;
    const [, layer] = FILE.exec(place) ?? [];
    const k = Number(K.exec(place.slice(0, place.lastIndexOf('/')))?.[1] ?? Number.NaN);
    if (!Number.isSafeInteger(k)) {
      throw unsupported(
        path,
        'only the name of its repository says k (L0_50, L0_100): keep the file in a folder of that name',
      );
    }
    const [size, d] = sizesOf(material, 'W_enc');
    const conclusions = [
      `The ${k} largest of each token fire, as the folder says.`,
      'b_dec is not subtracted before encoding, as the project does not.',
    ];
    const matrix = (name: string, usual: 'features first' | 'width first') =>
      featureRows(material, name, { usual, size, width: d }, conclusions);
    return {
      kind: 'topk',
      ...{ d, size, k, conclusions, perFeature: {}, subtractsDecoderBias: false },
      encoder: await matrix('W_enc', 'features first'),
      decoder: await matrix('W_dec', 'width first'),
      encoderBias: await vectorOf(material, 'b_enc', size),
      decoderBias: await vectorOf(material, 'b_dec', d),
      claims: { site: `model.layers.${layer ?? ''}`, model: null, l0: [k, k] },
    };
  },
};
