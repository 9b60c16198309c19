// Stretched rotary frequencies against transformers 5.18 (main/testing/models/make_rope_scaling.py), and that a text is turned
// by the frequencies of its length.
import { Tensor } from 'onnxruntime-common';
import { describe, expect, it } from 'vitest';
import { floats, runtime } from '../../testing/models/runVariant.ts';
import reference from '../../testing/models/ropeScaling.json' with { type: 'json' };
import { GraphBuilder } from '../onnx/graph.ts';
import { ConfigFields } from './config.ts';
import { readRotary, rotaryAngles } from './rotary.ts';

/** transformers computes in single precision. */
const CLOSE = 2e-6;

const read = (parameters: Readonly<Record<string, unknown>>, context: number, extra = {}) =>
  readRotary(new ConfigFields('config.json', { rope_parameters: parameters, ...extra }), {
    ...{ headDim: 16, contextLength: context },
  });

const worstOf = (ours: readonly number[], theirs: readonly number[]) => {
  expect(ours).toHaveLength(theirs.length);
  return Math.max(...ours.map((value, index) => Math.abs(value / theirs[index]! - 1)));
};

describe('rotary frequencies as transformers stretches them', () => {
  it.each(Object.entries(reference))('%s', (_, { context, parameters, frequencies, scale, ...more }) => {
    const rotary = read(parameters, context);
    expect(worstOf(rotary.frequencies, frequencies)).toBeLessThan(CLOSE);
    expect(rotary.scale).toBeCloseTo(scale, 6);
    if ('long' in more) expect(worstOf(rotary.beyond?.frequencies ?? [], more.long)).toBeLessThan(CLOSE);
    else expect(rotary.beyond).toBeNull();
  });

  it('the original context that stands outside of rope_scaling wins, as Phi 3 has it', () => {
    const { context, parameters } = reference.longrope;
    const { original_max_position_embeddings: original, ...rest } = parameters;
    const outside = read(rest, context, { original_max_position_embeddings: original });
    expect(outside).toEqual(read(parameters, context));
    expect(outside.beyond?.after).toBe(4096);
  });

  it('lists of another length, factors of 0 and unknown types are refused', () => {
    const { context, parameters } = reference.longrope;
    const refused = (changed: object) => () => read({ ...parameters, ...changed }, context);
    expect(refused({ long_factor: [1, 2] })).toThrow(/list of 8 numbers/u);
    expect(refused({ short_factor: [0, 1, 1, 1, 1, 1, 1, 1] })).toThrow(/above 0/u);
    expect(refused({ rope_type: '__proto__' })).toThrow(/not supported/u);
  });
});

it('a text that is longer than the original context is turned by the other frequencies, and scaled', async () => {
  const { parameters } = reference.longrope;
  const rotary = read({ ...parameters, original_max_position_embeddings: 8 }, 64);
  const graph = new GraphBuilder('rotary');
  const at = graph.input('positions', 'int64', [1, 'time']);
  graph.output(rotaryAngles(at, rotary, 64).cos, 'cos');
  const session = await runtime.createSession(graph.toBytes());
  for (const [length, frequencies] of [
    [8, rotary.frequencies],
    [9, rotary.beyond?.frequencies ?? []],
  ] as const) {
    const positions = new Tensor(
      'int64',
      BigInt64Array.from({ length }, (_, index) => BigInt(index)),
      [1, length],
    );
    const { cos } = await session.run({ positions });
    const expected = Array.from({ length }, (_, position) =>
      frequencies.map((frequency) => rotary.scale * Math.cos(position * frequency)),
    ).flat();
    const worst = Math.max(...floats(cos).map((value, index) => Math.abs(value - expected[index]!)));
    expect(worst, `${length} tokens`).toBeLessThan(2e-6);
  }
  await session.release();
});
