// SAELens: cfg.json and sae_weights.safetensors, from version 6 (metadata apart) and from before (all keys in one object, names of
// their own). What its loaders do at inference is applied here: x − b_dec where apply_b_dec_to_input, top-k over activations
// times the norm of the decoder row where rescale_acts_by_decoder_norm (folded into the rows).
import { AppError } from '../../../contract/base/errors.ts';
import { kindOfSaeLens, SAELENS_ARCHITECTURES } from '../kinds/index.ts';
import { THRESHOLD } from '../kinds/threshold.ts';
import { rowNorms } from '../storedMatrix.ts';
import {
  configAt,
  featureRows,
  has,
  numberAt,
  sizesOf,
  tensorOf,
  textAt,
  unsupported,
  vectorOf,
  type Config,
  type Layout,
  type Material,
  type Reading,
} from './layout.ts';
import { readFloats } from '../../formats/tensorInFile.ts';

interface Settings {
  readonly architecture: string;
  readonly trained: string | undefined;
  readonly k: number | null;
  readonly subtractsDecoderBias: boolean;
  readonly normalisation: string;
  readonly rescales: boolean;
  readonly claims: Reading['claims'];
  readonly refusal: string | null;
  readonly isBefore6: boolean;
}

const CONFIG = 'cfg.json';

export const saeLens: Layout<'saelens'> = {
  name: 'saelens',
  title: 'SAELens',
  recognise(material) {
    const config = material.configs.get(CONFIG);
    if (!config || !has(material, 'W_enc', 'W_dec', 'b_dec')) return null;
    const isOurs = ['architecture', 'd_sae', 'hook_point', 'hook_name', 'activation_fn_str'].some(
      (key) => key in config,
    );
    if (!isOurs) return null;
    const { architecture, isBefore6 } = settingsOf(config);
    return `Cfg.json, of a version ${isBefore6 ? 'before 6' : 'from 6 on'}, says ${architecture}, and W_enc, W_dec and b_dec are there.`;
  },
  async read(material) {
    const config = material.configs.get(CONFIG) ?? {};
    const settings = settingsOf(config);
    const { path } = material;
    if (settings.refusal !== null) throw unsupported(path, settings.refusal);
    const kind = SAELENS_ARCHITECTURES.includes(settings.architecture)
      ? kindOfSaeLens(settings.architecture, settings.trained)
      : undefined;
    if (!kind) throw unsupported(path, `dictionaries of the architecture ${settings.architecture} cannot be used here`);
    const conclusions: string[] = [];
    const [d, size] = await sizes(material, config);
    const matrix = (name: string, usual: 'features first' | 'width first') =>
      featureRows(material, name, { usual, size, width: d }, conclusions);
    const decoder = await matrix('W_dec', 'features first');
    await refuseScalingFactor(material, size);
    const arrays = await kind.saeLens.read((name) => arrayNamed(material, name, size));
    const scale = settings.rescales ? Float32Array.from(await rowNorms(decoder), (norm) => Math.max(norm, 1e-8)) : null;
    if (scale) {
      conclusions.push(
        'The largest are chosen by activation times the norm of the decoder row: folded into both matrices.',
      );
    }
    conclusions.push(
      `b_dec is ${settings.subtractsDecoderBias ? '' : 'not '}subtracted before encoding (apply_b_dec_to_input in ${CONFIG}).`,
    );
    return {
      kind: kind.name,
      ...{ d, size, k: kind.competes ? settings.k : null, decoder, claims: settings.claims, conclusions },
      encoder: await matrix('W_enc', 'width first'),
      ...(scale ? { featureScale: scale } : {}),
      encoderBias: scale ? arrays.encoderBias.map((bias, i) => bias * (scale[i] ?? 1)) : arrays.encoderBias,
      decoderBias: await vectorOf(material, 'b_dec', d),
      subtractsDecoderBias: settings.subtractsDecoderBias,
      perFeature: arrays.perFeature,
    };
  },
};

async function sizes(material: Material, config: Config): Promise<readonly [d: number, size: number]> {
  const [first, second] = sizesOf(material, 'W_enc');
  const said = [numberAt(config, 'd_in') ?? first, numberAt(config, 'd_sae') ?? second] as const;
  if (said[0] === first && said[1] === second) return said;
  if (said[0] === second && said[1] === first) return said; // turned, which featureRows says
  throw new AppError(
    'mismatch',
    `${material.path}: ${CONFIG} says d_in ${said[0]} and d_sae ${said[1]}, but W_enc has the shape [${first}, ${second}].`,
    { details: { path: material.path } },
  );
}

/** Training checkpoints hold the logarithm of the thresholds. */
async function arrayNamed(material: Material, name: string, size: number): Promise<Float32Array> {
  const isLogarithm = name === THRESHOLD && !has(material, THRESHOLD) && has(material, 'log_threshold');
  return isLogarithm ? (await vectorOf(material, 'log_threshold', size)).map(Math.exp) : vectorOf(material, name, size);
}

/** A factor that finetuning learned for each feature; files of a time hold one of ones, which does nothing. */
async function refuseScalingFactor(material: Material, size: number): Promise<void> {
  for (const name of ['scaling_factor', 'finetuning_scaling_factor']) {
    if (!has(material, name)) continue;
    const factor = await readFloats(tensorOf(material, name));
    if (factor.length === size && factor.every((value) => Math.abs(value - 1) < 1e-6)) continue;
    throw unsupported(material.path, `its ${name}, which multiplies activations after finetuning, is not applied here`);
  }
}

function settingsOf(config: Config): Settings {
  const metadata = configAt(config, 'metadata');
  const isBefore6 =
    metadata === undefined && !('architecture' in config && 'reshape_activations' in config && 'metadata' in config);
  const activation = textAt(config, 'activation_fn_str', 'activation_fn');
  const oldK = numberAt(configAt(config, 'activation_fn_kwargs'), 'k');
  const isTopk = isBefore6 && activation === 'topk' && oldK !== null;
  const architecture = isTopk ? 'topk' : (textAt(config, 'architecture') ?? 'standard');
  const normalise = config['normalize_activations'];
  const normalisation =
    normalise === true ? 'expected_average_only_in' : typeof normalise === 'string' ? normalise : 'none';
  const facts = isBefore6 ? config : metadata;
  const site = textAt(facts, 'hook_name', 'hook_point');
  const output = textAt(facts, 'hook_name_out');
  const settings = {
    ...{ architecture, normalisation, isBefore6 },
    trained: textAt(metadata, 'training_architecture') ?? undefined,
    k: isTopk ? oldK : numberAt(config, 'k'),
    subtractsDecoderBias: config['apply_b_dec_to_input'] !== false,
    rescales: config['rescale_acts_by_decoder_norm'] === true,
    claims: { site, model: textAt(facts, 'model_name'), l0: l0Of(facts) },
  };
  const head = facts?.['hook_head_index'] ?? config['hook_point_head_index'];
  const isTranscoder = architecture.includes('transcoder') || (output !== null && output !== site);
  const refusal = isTranscoder
    ? `it is a transcoder (it reads ${site ?? 'one site'} and writes ${output ?? 'another'}), which cannot be used here yet`
    : typeof head === 'number'
      ? `it is of one attention head (${head}), which cannot be used here`
      : normalisation === 'none'
        ? null
        : `it normalises activations (${normalisation}), which cannot be applied here yet`;
  return { ...settings, refusal };
}

function l0Of(facts: Config | undefined): Reading['claims']['l0'] {
  const l0 = numberAt(facts, 'final_l0', 'l0', 'metrics/l0');
  return l0 === null ? null : [l0, l0];
}
