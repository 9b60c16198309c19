// saprmarks/dictionary_learning: ae.pt (a state dict) and config.json {trainer: {dict_class, …}}. One row per class; classes
// that share their keys are told apart by config.json. Biases and threshold are in the units of raw activations: its trainers
// undo their normalisation when they save (scale_biases).
//
// Its gated and jumprelu classes multiply activations by the norm of the decoder row and divide by it before decoding: that
// changes the unit in which an activation is given, and nothing else, and is not done here.
import type { DictionaryKind } from '../kinds/index.ts';
import { GATE_BIAS, LOG_SCALE, MAGNITUDE_BIAS } from '../kinds/gated.ts';
import type { PerFeature } from '../kinds/kind.ts';
import { THRESHOLD } from '../kinds/threshold.ts';
import { AppError } from '../../../contract/base/errors.ts';
import {
  configAt,
  elementsOf,
  featureRows,
  has,
  listed,
  numberAt,
  numberOf,
  tensorOf,
  textAt,
  vectorOf,
  type Axes,
  type Layout,
  type Material,
  type Reading,
} from './layout.ts';

interface Selection {
  readonly kind: DictionaryKind;
  readonly k: number | null;
  readonly perFeature: PerFeature;
  readonly conclusion: string | null;
}

interface DictClass {
  /** The classes of the project with this form. */
  readonly classes: readonly string[];
  readonly encoder: readonly [name: string, axes: Axes];
  readonly decoder: readonly [name: string, axes: Axes];
  readonly encoderBias: string;
  readonly decoderBias: string;
  readonly subtractsDecoderBias: boolean;
  /** Besides those. */
  readonly keys: readonly string[];
  readonly select: (material: Material, size: number) => Selection | Promise<Selection>;
}

const LINEAR = {
  encoder: ['encoder.weight', 'features first'],
  decoder: ['decoder.weight', 'width first'],
  encoderBias: 'encoder.bias',
} as const;
const NAMED = {
  encoder: ['W_enc', 'width first'],
  decoder: ['W_dec', 'features first'],
  encoderBias: 'b_enc',
  decoderBias: 'b_dec',
} as const;
const relu = () => ({ kind: 'relu', k: null, perFeature: {}, conclusion: null }) as const;

/** The more particular first: a class is known by keys that those after it lack. */
const CLASSES: readonly DictClass[] = [
  {
    classes: ['GatedAutoEncoder'],
    ...LINEAR,
    encoderBias: 'gate_bias',
    decoderBias: 'decoder_bias',
    subtractsDecoderBias: true,
    keys: ['r_mag', 'mag_bias'],
    select: async (material, size) => ({
      kind: 'gated',
      k: null,
      perFeature: {
        [LOG_SCALE]: await vectorOf(material, 'r_mag', size),
        [MAGNITUDE_BIAS]: await vectorOf(material, 'mag_bias', size),
        [GATE_BIAS]: await vectorOf(material, 'gate_bias', size),
      },
      conclusion: null,
    }),
  },
  {
    classes: ['MatryoshkaBatchTopKSAE'],
    ...NAMED,
    subtractsDecoderBias: true,
    keys: ['k', 'group_sizes'],
    select: byThresholdOrLargest,
  },
  {
    classes: ['JumpReluAutoEncoder'],
    ...NAMED,
    subtractsDecoderBias: false,
    keys: ['threshold'],
    select: async (material, size) => ({
      kind: 'jumprelu',
      k: null,
      // A threshold below 0 lets relu decide, as max(threshold, 0) does.
      perFeature: { [THRESHOLD]: (await vectorOf(material, 'threshold', size)).map((value) => Math.max(0, value)) },
      conclusion: null,
    }),
  },
  {
    classes: ['AutoEncoderTopK', 'BatchTopKSAE'],
    ...LINEAR,
    decoderBias: 'b_dec',
    subtractsDecoderBias: true,
    keys: ['k'],
    select: topkOrBatchtopk,
  },
  {
    classes: ['AutoEncoderNew'],
    ...LINEAR,
    decoderBias: 'decoder.bias',
    subtractsDecoderBias: false,
    keys: [],
    select: relu,
  },
  { classes: ['AutoEncoder'], ...LINEAR, decoderBias: 'bias', subtractsDecoderBias: true, keys: [], select: relu },
];

const keysOf = ({ encoder, decoder, encoderBias, decoderBias, keys }: DictClass) => [
  encoder[0],
  decoder[0],
  encoderBias,
  decoderBias,
  ...keys,
];

export const dictionaryLearning: Layout<'dictionary_learning'> = {
  name: 'dictionary_learning',
  title: 'dictionary_learning (saprmarks)',
  recognise(material) {
    const found = classOf(material);
    if (!found) return null;
    const named = textAt(trainerOf(material), 'dict_class');
    const isLinear = found.encoder[0] === LINEAR.encoder[0];
    // W_enc, b_enc, W_dec, b_dec and threshold are also the names of other projects.
    if (!isLinear && named === null && !has(material, 'group_sizes')) return null;
    return `It has the tensors ${listed(keysOf(found))} of ${named ?? found.classes.join(' or ')}.`;
  },
  async read(material) {
    const found = classOf(material);
    if (!found) throw new AppError('invalid-file', `${material.path}: it has the tensors of no class of the project.`);
    const trainer = trainerOf(material);
    const named = textAt(trainer, 'dict_class');
    if (named !== null && !found.classes.includes(named)) {
      throw new AppError(
        'mismatch',
        `${material.path}: config.json says ${named}, but its tensors are those of ${found.classes.join(' or ')}.`,
        { details: { path: material.path } },
      );
    }
    const conclusions: string[] = [];
    const size = elementsOf(tensorOf(material, found.encoderBias));
    const d = elementsOf(tensorOf(material, found.decoderBias));
    checkConfig(material, trainer, { dict_size: size, activation_dim: d });
    const matrix = ([name, usual]: DictClass['encoder']) =>
      featureRows(material, name, { usual, size, width: d }, conclusions);
    const { kind, k, perFeature, conclusion } = await found.select(material, size);
    if (conclusion !== null) conclusions.push(conclusion);
    conclusions.push(
      found.subtractsDecoderBias
        ? `${found.decoderBias} is subtracted before encoding, as its class does.`
        : `${found.decoderBias} is not subtracted before encoding, as its class does not.`,
    );
    const reading: Reading = {
      ...{ kind, d, size, k, perFeature },
      encoder: await matrix(found.encoder),
      decoder: await matrix(found.decoder),
      encoderBias: await vectorOf(material, found.encoderBias, size),
      decoderBias: await vectorOf(material, found.decoderBias, d),
      subtractsDecoderBias: found.subtractsDecoderBias,
      claims: claimsOf(trainer),
      conclusions,
    };
    return reading;
  },
};

function classOf(material: Material): DictClass | undefined {
  return CLASSES.find((each) => has(material, ...keysOf(each).filter((key) => key !== 'k')) && hasK(material, each));
}

/** k is a tensor where the class keeps it as a buffer, and was a plain attribute, in config.json only, before. */
function hasK(material: Material, { keys }: DictClass): boolean {
  return !keys.includes('k') || has(material, 'k') || numberAt(trainerOf(material), 'k') !== null;
}

function trainerOf({ configs }: Material) {
  return configAt(configs.get('config.json'), 'trainer');
}

async function kOf(material: Material): Promise<number> {
  const k = (await numberOf(material, 'k')) ?? numberAt(trainerOf(material), 'k');
  if (k !== null && Number.isSafeInteger(k) && k > 0) return k;
  throw new AppError('invalid-file', `${material.path}: k is ${String(k)}, not a whole number from 1.`, {
    details: { path: material.path },
  });
}

/** The project keeps −1 for a threshold that training has not reached. */
async function thresholdIn(material: Material): Promise<number | null> {
  const threshold = await numberOf(material, 'threshold');
  return threshold === null || threshold < 0 ? null : threshold;
}

async function byThresholdOrLargest(material: Material, size: number): Promise<Selection> {
  const [k, threshold] = [await kOf(material), await thresholdIn(material)];
  if (threshold === null) {
    return {
      ...{ kind: 'topk', k, perFeature: {} },
      conclusion: `Its threshold is not set: the ${k} largest of each token fire.`,
    };
  }
  return {
    kind: 'batchtopk',
    k: null,
    perFeature: { [THRESHOLD]: new Float32Array(size).fill(threshold) },
    conclusion: `Features fire above its threshold ${Number(threshold.toPrecision(4))}; k = ${k} was the mean number in training.`,
  };
}

async function topkOrBatchtopk(material: Material, size: number): Promise<Selection> {
  const named = textAt(trainerOf(material), 'dict_class');
  if (named === 'BatchTopKSAE') return byThresholdOrLargest(material, size);
  const k = await kOf(material);
  const conclusion =
    named === 'AutoEncoderTopK'
      ? `The ${k} largest of each token fire, as config.json says (AutoEncoderTopK).`
      : `No config.json says whether it is AutoEncoderTopK or BatchTopKSAE, which share their tensors: read as the former, the ${k} largest of each token fire.`;
  return { kind: 'topk', k, perFeature: {}, conclusion };
}

/** @throws AppError `mismatch` where config.json and the tensors differ. */
function checkConfig(
  { path }: Material,
  trainer: ReturnType<typeof trainerOf>,
  sizes: Readonly<Record<string, number>>,
): void {
  for (const [key, size] of Object.entries(sizes)) {
    const said = numberAt(trainer, key);
    if (said === null || said === size) continue;
    throw new AppError('mismatch', `${path}: config.json says ${key} ${said}, but its tensors have ${size}.`, {
      details: { path },
    });
  }
}

function claimsOf(trainer: ReturnType<typeof trainerOf>): Reading['claims'] {
  const layer = numberAt(trainer, 'layer');
  const submodule = textAt(trainer, 'submodule_name');
  const k = numberAt(trainer, 'k');
  return {
    site: submodule ?? (layer === null ? null : `layer ${layer}`),
    model: textAt(trainer, 'lm_name'),
    l0: k === null ? null : [k, k],
  };
}
