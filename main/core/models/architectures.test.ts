// Every architecture on tiny random checkpoints: against a double-precision reference, with the cache against without,
// in every way weights are stored.
import { Tensor } from 'onnxruntime-common';
import { describe, expect, it } from 'vitest';
import { float16ToFloat32, float32ToBfloat16, float32ToFloat16, bfloat16ToFloat32 } from '../numerics/halfPrecision.ts';
import type { Value } from '../onnx/graph.ts';
import * as op from '../onnx/ops.ts';
import { openGenerator } from './generate.ts';
import { presentKeyName } from './modelGraph.ts';
import { referenceGpt2, referenceLlama, type Forward } from '../../testing/models/referenceForward.ts';
import { expectClose, floats, runtime, runVariant, tokens } from '../../testing/models/runVariant.ts';
import { openTinyModel } from '../../testing/models/temporaryFolder.ts';
import { randomTokens, TINY_NAMES, tinyModel, type TinyModel } from '../../testing/models/tinyModels.ts';
import { buildVariant } from './variant.ts';

// Two blocks of single precision on numbers of order 1 to 10: errors of a few 1e-6 were seen; a wrong formula is off by 1e-2
// and more.
const TOLERANCE = 3e-5;

describe.each([
  ['gpt2', referenceGpt2],
  ['llama', referenceLlama],
] as const)('%s', (name, reference: (model: TinyModel, ids: readonly number[]) => Forward) => {
  it('agrees with the double-precision reference at every site and in its logits', async () => {
    const tiny = tinyModel(name);
    const model = await openTinyModel(tiny);
    const ids = [randomTokens(12, 5), randomTokens(12, 6)];
    const taps = model.sites.map((site) => site.name);
    const results = await runVariant(model, { taps, head: 'logits' }, { input_ids: tokens(...ids) });
    const expected = ids.map((row) => reference(tiny, row));
    for (const site of model.sites) {
      expect(results[site.name]?.dims).toEqual([2, 12, ...site.shape.slice(2)]);
      const rows = expected.flatMap(({ sites }) => sites.get(site.name)!);
      expectClose(floats(results[site.name]), rows.flat(), TOLERANCE, site.name);
    }
    const logits = expected.flatMap((forward) => forward.logits.flat());
    expectClose(floats(results['logits']), logits, TOLERANCE, 'logits');
  });

  it.each(['F16', 'BF16'] as const)('reads weights stored as %s', async (dtype) => {
    const tiny = tinyModel(name);
    const rounded = {
      ...tiny,
      tensors: new Map(
        [...tiny.tensors].map(([tensor, { shape, values }]) => [
          tensor,
          {
            shape,
            values:
              dtype === 'F16'
                ? float16ToFloat32(float32ToFloat16(values))
                : bfloat16ToFloat32(float32ToBfloat16(values)),
          },
        ]),
      ),
    };
    const ids = randomTokens(9, 7);
    const model = await openTinyModel(tiny, { dtype });
    const { logits } = await runVariant(model, { head: 'logits' }, { input_ids: tokens(ids) });
    expectClose(floats(logits), reference(rounded, ids).logits.flat(), TOLERANCE, dtype);
  });

  it('reads sharded weights, and ignores tensors it does not know', async () => {
    const tiny = tinyModel(name);
    const buffer = { shape: [1, 1, 4, 4], values: new Float32Array(16) };
    const withBuffer = { ...tiny, tensors: new Map([...tiny.tensors, ['transformer.h.0.attn.bias', buffer]]) };
    const model = await openTinyModel(withBuffer, { shards: 3 });
    const ids = randomTokens(9, 8);
    const { logits } = await runVariant(model, { head: 'logits' }, { input_ids: tokens(ids) });
    expectClose(floats(logits), reference(tiny, ids).logits.flat(), TOLERANCE, 'logits');
  });
});

it('reads a checkpoint of the bare model, without prefix', async () => {
  const tiny = tinyModel('gpt2');
  const bare = new Map([...tiny.tensors].map(([name, tensor]) => [name.replace('transformer.', ''), tensor]));
  const ids = randomTokens(9, 9);
  const { logits } = await runVariant(
    await openTinyModel({ ...tiny, tensors: bare }),
    { head: 'logits' },
    { input_ids: tokens(ids) },
  );
  expectClose(floats(logits), referenceGpt2(tiny, ids).logits.flat(), TOLERANCE, 'logits');
});

it('uses a head of its own where the embedding is not tied', async () => {
  const tiny = tinyModel('gpt2');
  const embedding = tiny.tensors.get('transformer.wte.weight')!;
  const doubled = { ...embedding, values: embedding.values.map((value) => 2 * value) };
  const untied = {
    config: { ...tiny.config, tie_word_embeddings: false },
    tensors: new Map([...tiny.tensors, ['lm_head.weight', doubled]]),
  };
  const ids = randomTokens(9, 9);
  const { logits } = await runVariant(await openTinyModel(untied), { head: 'logits' }, { input_ids: tokens(ids) });
  const expected = referenceGpt2(tiny, ids).logits.flat();
  expectClose(
    floats(logits),
    expected.map((value) => 2 * value),
    2 * TOLERANCE,
    'logits',
  );
});

describe.each(TINY_NAMES)('%s', (name) => {
  it('gives each site the shape it promises, and a causal text: later tokens change nothing before them', async () => {
    const model = await openTinyModel(name);
    const taps = model.sites.map((site) => site.name);
    const first = randomTokens(14, 11);
    const second = [...first.slice(0, 9), ...randomTokens(5, 12)];
    const results = await runVariant(model, { taps, head: 'logits' }, { input_ids: tokens(first, second) });
    for (const site of model.sites) expect(results[site.name]?.dims).toEqual([2, 14, ...site.shape.slice(2)]);
    const logits = floats(results['logits']);
    expect(logits.every(Number.isFinite)).toBe(true);
    const row = logits.length / 2;
    const prefix = (row / 14) * 9;
    expect(logits.slice(0, prefix)).toEqual(logits.slice(row, row + prefix));
    expect(logits.slice(prefix, row)).not.toEqual(logits.slice(row + prefix));
  });

  it('lets every site be edited, and what comes after it follows', async () => {
    const model = await openTinyModel(name);
    const ids = tokens(randomTokens(6, 18));
    const gain = (site: string, index: number) => ({
      site,
      apply: (value: Value) =>
        op.mul(
          value,
          op.slice(value.graph.find('gains') ?? value.graph.input('gains', 'float32', [99]), 0, index, index + 1),
        ),
    });
    const session = await runtime.createSession(
      buildVariant(model, { head: 'logits', patches: model.sites.map((site, index) => gain(site.name, index)) }),
      { weightsFolder: model.weightsFolder },
    );
    const logits = async (silenced: number | null) => {
      const gains = new Float32Array(99).fill(1);
      if (silenced !== null) gains[silenced] = 0;
      return floats((await session.run({ input_ids: ids, gains: new Tensor('float32', gains, [99]) }))['logits']);
    };
    const plain = floats((await runVariant(model, { head: 'logits' }, { input_ids: ids }))['logits']);
    expectClose(await logits(null), plain, TOLERANCE, 'all gains 1');
    for (const [index, site] of model.sites.entries()) {
      const edited = await logits(index);
      expect(Math.max(...edited.map((value, i) => Math.abs(value - plain[i]!))), site.name).toBeGreaterThan(0.01);
    }
    await session.release();
  });

  it('scores chosen positions as if all were computed, wherever an edit is', async () => {
    const model = await openTinyModel(name);
    const ids = tokens(randomTokens(7, 21), randomTokens(7, 22));
    const chosen = [0, 3, 1, 0, 1, 6, 0, 6, 1, 6]; // row, position; out of order, and one twice
    const count = chosen.length / 2;
    const targets = Array.from({ length: count }, (_, index) => (7 * index + 1) % model.config.vocabularySize);
    const int64 = (values: readonly number[], dims: number[]) =>
      new Tensor('int64', BigInt64Array.from(values, BigInt), dims);
    // As edits do, it tells rows and positions apart.
    const ramp = Float32Array.from({ length: 2 * 7 }, (_, place) => 0.5 + place / 20);
    const ramped = (site: string, ones: readonly number[]) => ({
      site,
      apply: (value: Value) => op.mul(value, value.graph.input('ramp', 'float32', ['batch', 'time', ...ones])),
    });
    const edits = model.sites.map((site) => {
      const ones = site.shape.slice(2).map(() => 1);
      return { patches: [ramped(site.name, ones)], feeds: { ramp: new Tensor('float32', ramp, [2, 7, ...ones]) } };
    });
    for (const { patches, feeds } of [{ patches: [], feeds: {} }, ...edits]) {
      const results = await runVariant(
        model,
        { head: 'chosenLogProbs', patches },
        {
          ...feeds,
          input_ids: ids,
          scored_positions: int64(chosen, [count, 2]),
          scored_targets: int64(targets, [count, 1]),
        },
      );
      const logits = floats(
        (await runVariant(model, { head: 'logits', patches }, { ...feeds, input_ids: ids }))['logits'],
      );
      const { vocabularySize } = model.config;
      const expected = targets.map((target, index) => {
        const start = (chosen[2 * index]! * 7 + chosen[2 * index + 1]!) * vocabularySize;
        const row = Array.from(logits.slice(start, start + vocabularySize));
        return row[target]! - Math.log(row.reduce((sum, value) => sum + Math.exp(value), 0));
      });
      expectClose(floats(results['chosen_log_probs']), expected, TOLERANCE, patches[0]?.site ?? 'unedited');
    }
  });

  it('gives the same logits with a cache and left padding, step by step, as in one pass without', async () => {
    const model = await openTinyModel(name);
    const { layers, keyValueHeads, headDim, vocabularySize } = model.config;
    const long = randomTokens(14, 13);
    const short = randomTokens(10, 14);
    const whole = await Promise.all(
      [long, short].map(async (ids) =>
        floats((await runVariant(model, { head: 'logits' }, { input_ids: tokens(ids) }))['logits']),
      ),
    );
    const session = await runtime.createSession(buildVariant(model, { head: 'logits', cache: true }), {
      weightsFolder: model.weightsFolder,
    });
    let past: Record<string, Tensor> = {};
    for (let block = 0; block < layers; block++) {
      for (const kind of ['key', 'value']) {
        past[`past_${kind}.${block}`] = new Tensor('float32', new Float32Array(0), [2, keyValueHeads, 0, headDim]);
      }
    }
    const padded = [long, [0, 0, 0, 0, ...short]];
    // First eight tokens at once, then one, then the rest at once.
    for (const [start, end] of [
      [0, 8],
      [8, 9],
      [9, 14],
    ] as const) {
      const results = await session.run({
        ...past,
        input_ids: tokens(...padded.map((row) => row.slice(start, end))),
        left_padding: new Tensor('int64', BigInt64Array.of(0n, 4n), [2]),
      });
      expect(results[presentKeyName(0)]?.dims).toEqual([2, keyValueHeads, end, headDim]);
      past = Object.fromEntries(
        Object.entries(results)
          .filter(([output]) => output.startsWith('present_'))
          .map(([output, tensor]) => [output.replace('present_', 'past_'), tensor]),
      );
      const logits = floats(results['logits']);
      const width = (end - start) * vocabularySize;
      const expectRows = (row: number, from: number, to: number, padding: number) =>
        expectClose(
          logits.slice(row * width + (from - start) * vocabularySize, row * width + (to - start) * vocabularySize),
          whole[row]!.slice((from - padding) * vocabularySize, (to - padding) * vocabularySize),
          TOLERANCE,
          `row ${row}, tokens ${from} to ${to}`,
        );
      expectRows(0, start, end, 0);
      expectRows(1, Math.max(start, 4), end, 4);
    }
    await session.release();
  });

  it('generates the same greedy text in one batch with a cache as alone without', async () => {
    const model = await openTinyModel(name);
    const prompts = [randomTokens(3, 15), randomTokens(7, 16), randomTokens(1, 17)];
    const texts = async (cache: boolean, batch: readonly number[][]) => {
      const generator = await openGenerator(model, runtime, { cache });
      const rows = batch.map((): number[] => []);
      for await (const { sequence, id } of generator.generate(batch, { maxNewTokens: 12, stopIds: [] })) {
        rows[sequence]!.push(id);
      }
      await generator.release();
      return rows;
    };
    const together = await texts(true, prompts);
    expect(together.map((row) => row.length)).toEqual([12, 12, 12]);
    for (const [index, prompt] of prompts.entries()) {
      expect((await texts(false, [prompt]))[0]).toEqual(together[index]);
    }
  });
});
