// Rotary position embedding (Su et al. 2021, RoFormer): pairs of coordinates (i, i + dim/2) of every query and key turn by
// position · frequency_i. Also the published ways of stretching it to longer contexts, and both generations of config keys.
import { hashBytes } from '../files/hash.ts';
import type { Value } from '../onnx/graph.ts';
import * as op from '../onnx/ops.ts';
import type { ConfigFields } from './config.ts';

/** How a layer turns its queries and keys. */
export interface Rotary {
  /** How many leading coordinates of a head turn; the rest stay. Even. */
  readonly dim: number;
  /** Radians per position, `[dim / 2]`. */
  readonly frequencies: readonly number[];
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
  if (!scaling || kind === 'default') return { dim, frequencies: plain };
  if (kind === 'linear') {
    const factor = scaling.positive('factor');
    return { dim, frequencies: plain.map((frequency) => frequency / factor) };
  }
  if (kind === 'llama3') return { dim, frequencies: llama3Frequencies(plain, scaling, contextLength) };
  throw fields.error('unsupported', `the rope type "${kind}" is not supported (default, linear, llama3 are).`);
}

/**
 * Llama 3.1's stretching: wavelengths beyond the original context are multiplied by `factor`, short ones kept, those
 * between blended linearly in 1/wavelength (Meta's llama-models, `apply_scaling`).
 */
function llama3Frequencies(plain: readonly number[], scaling: ConfigFields, contextLength: number): number[] {
  const factor = scaling.positive('factor');
  const low = scaling.positive('low_freq_factor');
  const high = scaling.positive('high_freq_factor');
  if (high <= low) throw scaling.error('invalid-file', '"high_freq_factor" must be above "low_freq_factor".');
  const original = scaling.size('original_max_position_embeddings', contextLength);
  return plain.map((frequency) => {
    const wavelength = (2 * Math.PI) / frequency;
    if (wavelength > original / low) return frequency / factor;
    if (wavelength < original / high) return frequency;
    const share = (original / wavelength - low) / (high - low);
    return (1 - share) * (frequency / factor) + share * frequency;
  });
}

/**
 * Cosine and sine of the angles at given positions (int64 `[rows, time]`), each `[rows, time, 1, dim / 2]`.
 *
 * From tables computed in double precision, because cos and sin of large angles are inexact on GPUs (WGSL promises an error of
 * 2⁻¹¹ within ±π and nothing beyond). A table of every position would be large, so a position is split into
 * coarse·step + fine, with a table for each and cos(a + b) = cos a·cos b − sin a·sin b.
 */
export function rotaryAngles(
  positions: Value,
  { frequencies }: Rotary,
  contextLength: number,
): { cos: Value; sin: Value } {
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
  return {
    cos: op.unsqueeze(op.sub(op.mul(cosA, cosB), op.mul(sinA, sinB)), [-2]),
    sin: op.unsqueeze(op.add(op.mul(sinA, cosB), op.mul(cosA, sinB)), [-2]),
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
