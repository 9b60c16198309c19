// Gemma Scope 1 (params.npz: W_enc, W_dec, b_enc, b_dec, threshold) and 2 (params.safetensors: the same in lower case, and
// config.json). JumpReLU; b_dec is not subtracted; nothing is normalised. Folders say layer and L0.
import type { Claims } from '../../../contract/domain/importedDictionary.ts';
import { THRESHOLD } from '../kinds/threshold.ts';
import {
  featureRows,
  has,
  numberAt,
  sizesOf,
  textAt,
  unsupported,
  vectorOf,
  type Layout,
  type Material,
} from './layout.ts';

interface Names {
  readonly encoder: string;
  readonly decoder: string;
}

async function read(material: Material, { encoder, decoder }: Names, claims: Claims) {
  const [d, size] = sizesOf(material, encoder);
  const conclusions = ['b_dec is not subtracted before encoding, as the project does not.'];
  const matrix = (name: string, usual: 'features first' | 'width first') =>
    featureRows(material, name, { usual, size, width: d }, conclusions);
  return {
    kind: 'jumprelu' as const,
    ...{ d, size, k: null, claims, conclusions, subtractsDecoderBias: false },
    encoder: await matrix(encoder, 'width first'),
    decoder: await matrix(decoder, 'features first'),
    encoderBias: await vectorOf(material, 'b_enc', size),
    decoderBias: await vectorOf(material, 'b_dec', d),
    perFeature: { [THRESHOLD]: (await vectorOf(material, 'threshold', size)).map((value) => Math.max(0, value)) },
  };
}

function isVector({ tensors }: Material, name: string): boolean {
  return tensors.get(name)?.shape.length === 1;
}

// ---- 1 --------------------------------------------------------------------------------------------------------------

/** By the end of the repository's name. The feed-forward layer's are of its output after the norm. */
const SITES_1: Readonly<Record<string, string>> = { res: 'hook_resid_post', mlp: 'hook_mlp_out', att: 'attn.hook_z' };

export const gemmaScope1: Layout<'gemma_scope'> = {
  name: 'gemma_scope',
  title: 'Gemma Scope',
  recognise(material) {
    const isThere = has(material, 'W_enc', 'W_dec', 'b_enc', 'b_dec', 'threshold') && isVector(material, 'threshold');
    const isOthers = ['cfg.json', 'config.json'].some((name) => material.configs.has(name));
    return isThere && !isOthers
      ? 'It has W_enc, W_dec, b_enc, b_dec and a threshold for each feature, and no configuration.'
      : null;
  },
  read(material) {
    if (/transcoder/u.test(material.place)) throw unsupported(material.path, TRANSCODER);
    return read(material, { encoder: 'W_enc', decoder: 'W_dec' }, claims1(material));
  },
};

const TRANSCODER = 'it is a transcoder, which cannot be used here yet';

function claims1({ place }: Material): Claims {
  const layer = /(?:^|\/)layer_(\d+)(?:\/|$)/u.exec(place)?.[1];
  const [, model, end] = /(?:^|\/|--)gemma-scope-(\w+?-(?:pt|it))-(res|mlp|att)/u.exec(place) ?? [];
  const name = SITES_1[end ?? ''];
  const isEmbedding = /(?:^|\/)embedding(?:\/|$)/u.test(place);
  const l0 = /average_l0_(\d+)/u.exec(place)?.[1];
  const site = isEmbedding
    ? 'hook_embed'
    : layer === undefined || name === undefined
      ? null
      : `blocks.${layer}.${name}`;
  return {
    site,
    model: model === undefined ? null : `gemma-2-${model}`,
    l0: l0 === undefined ? null : [Number(l0), Number(l0)],
  };
}

// ---- 2 --------------------------------------------------------------------------------------------------------------

const L0_OF_SIZE: Readonly<Record<string, readonly [number, number]>> = {
  small: [10, 20],
  medium: [30, 60],
  big: [90, 150],
};
const SITES_2: Readonly<Record<string, string>> = {
  resid_post: 'hook_resid_post',
  mlp_out: 'hook_mlp_out',
};

export const gemmaScope2: Layout<'gemma_scope_2'> = {
  name: 'gemma_scope_2',
  title: 'Gemma Scope 2',
  recognise: (material) =>
    has(material, 'w_enc', 'w_dec', 'b_enc', 'b_dec', 'threshold')
      ? 'It has w_enc, w_dec, b_enc, b_dec and threshold, in lower case.'
      : null,
  read(material) {
    const { path, place } = material;
    if (has(material, 'affine_skip_connection') || /transcoder/u.test(place)) throw unsupported(path, TRANSCODER);
    if (/crosscoder/u.test(place))
      throw unsupported(path, 'it is a crosscoder of several layers, which cannot be used here yet');
    if (/(?:^|\/)clt\//u.test(place))
      throw unsupported(path, 'it is a cross-layer transcoder, which cannot be used here yet');
    return read(material, { encoder: 'w_enc', decoder: 'w_dec' }, claims2(material));
  },
};

function claims2({ place, configs }: Material): Claims {
  const config = configs.get('config.json');
  const [, layer, size] = /layer_(\d+)_width_\w+?_l0_(small|medium|big)/u.exec(place) ?? [];
  const [, folder] = /(?:^|\/)(resid_post|mlp_out)(?:_all)?\//u.exec(place) ?? [];
  const name = SITES_2[folder ?? ''];
  const range = L0_OF_SIZE[size ?? ''];
  const said = numberAt(config, 'l0');
  return {
    site: layer !== undefined && name !== undefined ? `blocks.${layer}.${name}` : textAt(config, 'hf_hook_point_in'),
    model: textAt(config, 'model_name'),
    l0: said !== null ? [said, said] : range ? [range[0], range[1]] : null,
  };
}
