// Rotary position embedding (Su et al. 2021, RoFormer): pairs of coordinates (i, i + dim/2) of every query and key turn by
// position · frequency_i. Reads both generations of config keys; ropeScaling.ts stretches it to longer contexts.
import { hashBytes } from '../files/hash.ts';
import type { Value } from '../onnx/graph.ts';
import * as op from '../onnx/ops.ts';
import type { ConfigFields } from './config.ts';
import { ROPE_TYPES } from './ropeScaling.ts';

/** How a layer turns its queries and keys. */
export interface Rotary {
  /** How many leading coordinates of a head turn; the rest stay. Even. */
  readonly dim: number;
  /** Radians per position, `[dim / 2]`. */
  readonly frequencies: readonly number[];
  /** What cosine and sine are multiplied by; 1 for most. */
  readonly scale: number;
  /** Other frequencies for texts of more tokens than `after` (LongRoPE). */
  readonly beyond: { readonly after: number; readonly frequencies: readonly number[] } | null;
}

interface RotarySource {
  /** Where `factor`, `rope_type` … stand; undefined when nothing is said. */
  readonly scaling: ConfigFields | undefined;
  readonly theta: number;
}

export interface RotaryDefaults {
  readonly headDim: number;
  readonly contextLength: number;
  readonly theta?: number;
  /** The part of a head that turns, where config.json does not say. */
  readonly partialFactor?: number;
}

/**
 * Reads `rope_parameters` (transformers 5) or `rope_theta`, `rope_scaling`, `partial_rotary_factor` (before; GPT-NeoX:
 * `rotary_emb_base`, `rotary_pct`). With `layerType`, rope_parameters may hold one object per type of layer.
 * @throws AppError `unsupported` for a kind of scaling that is not known, `invalid-file` for impossible numbers.
 */
export function readRotary(fields: ConfigFields, defaults: RotaryDefaults, layerType?: string): Rotary {
  const parameters = fields.object('rope_parameters');
  const own = layerType === undefined ? undefined : parameters?.object(layerType);
  const nested = own ?? parameters;
  const theta = nested?.has('rope_theta')
    ? nested.positive('rope_theta')
    : fields.positive(fields.has('rotary_emb_base') ? 'rotary_emb_base' : 'rope_theta', defaults.theta ?? 10_000);
  const partial = nested?.has('partial_rotary_factor')
    ? nested.positive('partial_rotary_factor')
    : fields.positive(fields.has('rotary_pct') ? 'rotary_pct' : 'partial_rotary_factor', defaults.partialFactor ?? 1);
  return rotary(fields, { theta, scaling: nested ?? fields.object('rope_scaling') }, partial, defaults);
}

/** A rotary embedding without scaling and with its own base: gemma 3's local layers in the older config. */
export function plainRotary(fields: ConfigFields, theta: number, defaults: RotaryDefaults): Rotary {
  return rotary(fields, { theta, scaling: undefined }, defaults.partialFactor ?? 1, defaults);
}

function rotary(
  fields: ConfigFields,
  { theta, scaling }: RotarySource,
  partialFactor: number,
  { headDim, contextLength }: RotaryDefaults,
): Rotary {
  const dim = Math.trunc(headDim * partialFactor);
  if (dim % 2 !== 0 || dim < 2 || dim > headDim) {
    throw fields.error('invalid-file', `${partialFactor} of a head of width ${headDim} cannot be turned in pairs.`);
  }
  const plain = Array.from({ length: dim / 2 }, (_, pair) => theta ** ((-2 * pair) / dim));
  const kind = scaling?.has('rope_type') ? scaling.text('rope_type') : (scaling?.text('type', 'default') ?? 'default');
  const stretch = Object.hasOwn(ROPE_TYPES, kind) ? ROPE_TYPES[kind] : undefined;
  if (!stretch) {
    const known = Object.keys(ROPE_TYPES).join(', ');
    throw fields.error(
      'unsupported',
      `the rope type ${JSON.stringify(kind.slice(0, 60))} is not supported (${known} are).`,
    );
  }
  if (!scaling || kind === 'default') return { dim, scale: 1, beyond: null, frequencies: plain };
  // As in transformers, what stands outside of rope_scaling wins (Phi 3).
  const originalContext = fields.has(ORIGINAL) ? fields.size(ORIGINAL) : scaling.size(ORIGINAL, contextLength);
  const {
    frequencies,
    scale = 1,
    beyond = null,
  } = stretch(plain, scaling, {
    ...{ dim, theta, contextLength, originalContext },
  });
  return { dim, frequencies, scale, beyond };
}

const ORIGINAL = 'original_max_position_embeddings';

/**
 * Cosine and sine of the angles at given positions (int64 `[rows, time]`), each `[rows, time, 1, dim / 2]`.
 *
 * From tables computed in double precision, because cos and sin of large angles are inexact on GPUs (WGSL promises an error of
 * 2⁻¹¹ within ±π and nothing beyond). A table of every position would be large, so a position is split into
 * coarse·step + fine, with a table for each and cos(a + b) = cos a·cos b − sin a·sin b.
 */
export function rotaryAngles(positions: Value, rotary: Rotary, contextLength: number): Angles {
  const { frequencies, scale, beyond } = rotary;
  const near = scaledAngles(positions, frequencies, scale, contextLength);
  if (beyond === null) return near;
  const far = scaledAngles(positions, beyond.frequencies, scale, contextLength);
  const isLong = op.greaterOrEqual(op.reduceMax(positions, [0, 1], { keepDims: false }), beyond.after);
  return { cos: op.where(isLong, far.cos, near.cos), sin: op.where(isLong, far.sin, near.sin) };
}

interface Angles {
  readonly cos: Value;
  readonly sin: Value;
}

function scaledAngles(positions: Value, frequencies: readonly number[], scale: number, contextLength: number): Angles {
  const { graph } = positions;
  const step = 2 ** Math.ceil(Math.log2(contextLength) / 2);
  const coarseRows = Math.ceil(contextLength / step);
  const key = hashBytes(`${contextLength}:${frequencies.join()}`).slice(0, 12);
  const table = (kind: 'cos' | 'sin', grain: 'coarse' | 'fine'): Value => {
    const name = `rotary.${key}.${kind}.${grain}`;
    const known = graph.find(name);
    if (known) return known;
    const [rows, stride] = grain === 'coarse' ? [coarseRows, step] : [step, 1];
    const angles = Array.from({ length: rows }, (_, row) => frequencies.map((each) => row * stride * each)).flat();
    return graph.initializer(
      name,
      'float32',
      [rows, frequencies.length],
      Float32Array.from(angles, (angle) => Math[kind](angle)),
    );
  };
  const coarse = op.div(positions, step);
  const fine = op.sub(positions, op.mul(coarse, step));
  const [cosA, sinA] = [op.gather(table('cos', 'coarse'), coarse), op.gather(table('sin', 'coarse'), coarse)];
  const [cosB, sinB] = [op.gather(table('cos', 'fine'), fine), op.gather(table('sin', 'fine'), fine)];
  const scaled = (value: Value) => op.unsqueeze(scale === 1 ? value : op.mul(value, scale), [-2]);
  return {
    cos: scaled(op.sub(op.mul(cosA, cosB), op.mul(sinA, sinB))),
    sin: scaled(op.add(op.mul(sinA, cosB), op.mul(cosA, sinB))),
  };
}

/** Turns queries or keys `[batch, time, heads, headDim]`. */
export function rotate(x: Value, { dim }: Rotary, { cos, sin }: { cos: Value; sin: Value }): Value {
  const rest = op.fixedSize(x, -1) - dim;
  const [first, second, still] = op.split(x, rest > 0 ? [dim / 2, dim / 2, rest] : [dim / 2, dim / 2], -1) as [
    Value,
    Value,
    Value?,
  ];
  const turnedFirst = op.sub(op.mul(first, cos), op.mul(second, sin));
  const turnedSecond = op.add(op.mul(second, cos), op.mul(first, sin));
  return op.concat([turnedFirst, turnedSecond, ...(still ? [still] : [])], -1);
}
