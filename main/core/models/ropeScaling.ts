// The published ways of stretching rotary frequencies to contexts longer than those of the training, as transformers has them
// (modeling_rope_utils.py). One entry a `rope_type`; each reads its own fields of config.json.
import type { ConfigFields } from './config.ts';

export interface Stretched {
  /** Radians per position, `[dim / 2]`. */
  readonly frequencies: readonly number[];
  /** What cosine and sine are multiplied by, which sharpens attention in long contexts. */
  readonly scale?: number;
  /** Other frequencies for texts of more tokens than `after`. */
  readonly beyond?: { readonly after: number; readonly frequencies: readonly number[] };
}

export interface RopeFacts {
  /** Width of what turns. */
  readonly dim: number;
  readonly theta: number;
  readonly contextLength: number;
  /** The context of the training: Phi 3 says it outside of `rope_scaling`. */
  readonly originalContext: number;
}

type Stretch = (plain: readonly number[], scaling: ConfigFields, facts: RopeFacts) => Stretched;

export const ROPE_TYPES: Readonly<Record<string, Stretch>> = {
  default: (frequencies) => ({ frequencies }),
  linear,
  // Stretched only beyond max_position_embeddings, where our contexts end.
  dynamic: (frequencies, scaling) => {
    scaling.positive('factor');
    return { frequencies };
  },
  llama3,
  yarn,
  longrope: longRope,
  su: longRope, // its name before transformers 4.43
};

/** Positions divided by the factor (Chen et al. 2023). */
function linear(plain: readonly number[], scaling: ConfigFields): Stretched {
  const factor = scaling.positive('factor');
  return { frequencies: plain.map((frequency) => frequency / factor) };
}

/**
 * Llama 3.1's stretching: wavelengths beyond the original context are multiplied by `factor`, short ones kept, those
 * between blended linearly in 1/wavelength (Meta's llama-models, `apply_scaling`).
 */
function llama3(plain: readonly number[], scaling: ConfigFields, { originalContext }: RopeFacts): Stretched {
  const factor = scaling.positive('factor');
  const low = scaling.positive('low_freq_factor');
  const high = scaling.positive('high_freq_factor');
  if (high <= low) throw scaling.error('invalid-file', '"high_freq_factor" must be above "low_freq_factor".');
  const frequencies = plain.map((frequency) => {
    const wavelength = (2 * Math.PI) / frequency;
    if (wavelength > originalContext / low) return frequency / factor;
    if (wavelength < originalContext / high) return frequency;
    const share = (originalContext / wavelength - low) / (high - low);
    return (1 - share) * (frequency / factor) + share * frequency;
  });
  return { frequencies };
}

/**
 * YaRN (Peng et al. 2023): pairs that turn more than `beta_fast` times in the original context are kept, those below
 * `beta_slow` turns are slowed by the factor, a ramp over the pairs between.
 */
function yarn(plain: readonly number[], scaling: ConfigFields, facts: RopeFacts): Stretched {
  const { dim, theta, contextLength, originalContext } = facts;
  const factor = scaling.positive('factor', contextLength / originalContext);
  const pairOfTurns = (turns: number) =>
    (dim * Math.log(originalContext / (turns * 2 * Math.PI))) / (2 * Math.log(theta));
  const isWhole = scaling.boolean('truncate', true);
  const fast = pairOfTurns(scaling.positive('beta_fast', 32));
  const slow = pairOfTurns(scaling.positive('beta_slow', 1));
  const low = Math.max(isWhole ? Math.floor(fast) : fast, 0);
  const high = Math.min(isWhole ? Math.ceil(slow) : slow, dim - 1);
  const width = low === high ? 0.001 : high - low;
  const frequencies = plain.map((frequency, pair) => {
    const slowed = Math.min(Math.max((pair - low) / width, 0), 1);
    return (frequency / factor) * slowed + frequency * (1 - slowed);
  });
  const growth = (weight: number) => (factor <= 1 ? 1 : 0.1 * weight * Math.log(factor) + 1);
  const hasWeights = scaling.has('mscale') && scaling.has('mscale_all_dim');
  const [own, all] = hasWeights ? [scaling.number('mscale'), scaling.number('mscale_all_dim')] : [0, 0];
  const growthNow = own !== 0 && all !== 0 ? growth(own) / growth(all) : growth(1);
  return { frequencies, scale: scaling.positive('attention_factor', growthNow) };
}

/** LongRoPE (Ding et al. 2024): a factor for every pair, one list for texts within the original context, one for longer. */
function longRope(plain: readonly number[], scaling: ConfigFields, facts: RopeFacts): Stretched {
  const { contextLength, originalContext } = facts;
  const divided = (name: string) => {
    const factors = scaling.positives(name, plain.length);
    return plain.map((frequency, pair) => frequency / (factors[pair] ?? 1));
  };
  const factor = scaling.positive('factor', contextLength / originalContext);
  const growth = factor <= 1 ? 1 : Math.sqrt(1 + Math.log(factor) / Math.log(originalContext));
  return {
    frequencies: divided('short_factor'),
    scale: scaling.positive('attention_factor', growth),
    ...(contextLength > originalContext
      ? { beyond: { after: originalContext, frequencies: divided('long_factor') } }
      : {}),
  };
}
