import { Tensor } from 'onnxruntime-common';
import { describe, expect, it } from 'vitest';
import { GraphBuilder } from '../onnx/graph.ts';
import { ConfigFields } from './config.ts';
import { readRotary, rotaryAngles, rotate, type Rotary } from './rotary.ts';
import { floats, runtime } from '../../testing/models/runVariant.ts';

const defaults = { headDim: 8, contextLength: 131_072 };
const read = (values: Readonly<Record<string, unknown>>, layerType?: string): Rotary =>
  readRotary(new ConfigFields('config.json', values), defaults, layerType);

/** x turned by position·frequency, in double precision. */
function turned(x: readonly number[], position: number, { dim, frequencies }: Rotary): number[] {
  return x.map((value, i) => {
    if (i >= dim) return value;
    const half = dim / 2;
    const angle = position * frequencies[i % half]!;
    return i < half
      ? value * Math.cos(angle) - x[i + half]! * Math.sin(angle)
      : value * Math.cos(angle) + x[i - half]! * Math.sin(angle);
  });
}

describe('rotary positions', () => {
  it.each([1, 0.5])('turn %d of a head, exactly also far into a long context', async (partial) => {
    const rotary = read({ rope_theta: 10_000, partial_rotary_factor: partial });
    const positions = [0, 1, 2, 361, 362, 363, 511, 512, 100_003, 131_071];
    const graph = new GraphBuilder('rotary');
    const at = graph.input('positions', 'int64', [1, 'time']);
    const x = graph.input('x', 'float32', [1, 'time', 1, 8]);
    graph.output(rotate(x, rotary, rotaryAngles(at, rotary, defaults.contextLength)), 'y');
    const session = await runtime.createSession(graph.toBytes());
    const row = [0.5, -1, 2, 0.25, 1, 3, -2, 0.125];
    const { y } = await session.run({
      positions: new Tensor('int64', BigInt64Array.from(positions, BigInt), [1, 10]),
      x: new Tensor('float32', Float32Array.from(positions.flatMap(() => row)), [1, 10, 1, 8]),
    });
    const expected = positions.flatMap((position) => turned(row, position, rotary));
    const worst = Math.max(...floats(y).map((value, index) => Math.abs(value - expected[index]!)));
    expect(worst).toBeLessThan(2e-6); // a few roundings of single precision on numbers up to 3
    await session.release();
  });

  it('are read alike from both generations of config keys', () => {
    const scaling = { rope_type: 'llama3', factor: 8, low_freq_factor: 1, high_freq_factor: 4 };
    const original = { original_max_position_embeddings: 64 };
    expect(read({ rope_theta: 500, rope_scaling: { ...scaling, ...original } })).toEqual(
      read({ rope_parameters: { rope_theta: 500, ...scaling, ...original } }),
    );
    expect(read({ rotary_emb_base: 500, rotary_pct: 0.5 })).toEqual(
      read({ rope_parameters: { rope_theta: 500, partial_rotary_factor: 0.5, rope_type: 'default' } }),
    );
    const perLayer = {
      rope_parameters: { sliding_attention: { rope_theta: 10 }, full_attention: { rope_theta: 500 } },
    };
    expect(read(perLayer, 'sliding_attention')).toEqual(read({ rope_theta: 10 }));
    expect(read(perLayer, 'full_attention')).toEqual(read({ rope_theta: 500 }));
  });

  it('stretched linearly, turn by the factor slower', () => {
    const plain = read({ rope_theta: 500 }).frequencies;
    const stretched = read({ rope_theta: 500, rope_scaling: { type: 'linear', factor: 4 } }).frequencies;
    expect(stretched).toEqual(plain.map((frequency) => frequency / 4));
  });

  it('stretched as in Llama 3.1, keep short wavelengths, stretch long ones and blend between', () => {
    const plain = read({ rope_theta: 10_000 }).frequencies; // 1, 0.1, 0.01, 0.001: wavelengths 6.3, 63, 628, 6283
    const scaling = { rope_type: 'llama3', factor: 8, low_freq_factor: 1, high_freq_factor: 4 };
    const stretched = read({
      rope_theta: 10_000,
      rope_scaling: { ...scaling, original_max_position_embeddings: 100 },
    }).frequencies;
    expect(stretched[0]).toBe(plain[0]); // 6.3 < 100/4
    expect(stretched[2]).toBe(plain[2]! / 8); // 628 > 100/1
    expect(stretched[3]).toBe(plain[3]! / 8);
    const share = (100 / (2 * Math.PI * 10) - 1) / (4 - 1); // 25 < 63 < 100
    expect(stretched[1]).toBeCloseTo((1 - share) * (0.1 / 8) + share * 0.1, 12);
  });
});
