// Models on the WebGPU provider under a software driver: slow, but a real adapter with GPU numerics. Correctness only.
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { createOrtRuntime } from './ortRuntime.ts';
import type { Placement } from './placement.ts';
import type { Runtime } from '../core/onnx/runtime.ts';
import { openGenerator } from '../core/models/generate.ts';
import type { Model } from '../core/models/model.ts';
import { missingForSoftwareWebGpu, SOFTWARE_DRIVER } from '../testing/engine/softwareWebGpu.ts';
import { expectClose, floats, runtime as cpu, tokens } from '../testing/models/runVariant.ts';
import { openTinyModel } from '../testing/models/temporaryFolder.ts';
import { randomTokens, type TinyName } from '../testing/models/tinyModels.ts';
import { buildVariant } from '../core/models/variant.ts';

const missing = missingForSoftwareWebGpu();
if (missing !== null) console.log(`skipped: models on WebGPU, for want of ${missing}`);

async function forward(model: Model, runtime: Runtime) {
  const bytes = buildVariant(model, { head: ['logits', 'loss', 'kl'] });
  const session = await runtime.createSession(bytes, { weightsFolder: model.weightsFolder });
  const results = await session.run({ input_ids: tokens(randomTokens(11, 1), randomTokens(11, 2)) });
  await session.release();
  return results;
}

async function greedy(model: Model, runtime: Runtime): Promise<number[][]> {
  const generator = await openGenerator(model, runtime);
  const texts: number[][] = [[], []];
  const prompts = [randomTokens(4, 3), randomTokens(7, 4)];
  for await (const { sequence, id } of generator.generate(prompts, { maxNewTokens: 6, stopIds: [] })) {
    texts[sequence]!.push(id);
  }
  await generator.release();
  return texts;
}

/** Operators on indices and sizes: a few small vectors that the CPU knows already. Nothing with activations. */
const INDEX_OPERATORS = [
  ...['Shape', 'Concat', 'Squeeze', 'Unsqueeze', 'Range', 'Slice', 'Cast'],
  ...['Add', 'Sub', 'Mul', 'Div', 'Max', 'Min', 'LessOrEqual', 'GreaterOrEqual', 'Greater', 'And'],
];

describe.skipIf(missing !== null)('on WebGPU', () => {
  beforeAll(() => vi.stubEnv('VK_ICD_FILENAMES', SOFTWARE_DRIVER));
  afterAll(() => vi.unstubAllEnvs());

  it.each(['gpt2', 'gemma2'] as const satisfies TinyName[])(
    '%s computes and generates what it does on the CPU, its activations never leaving the device',
    async (name) => {
      const placements: Placement[] = [];
      const gpu = createOrtRuntime('webgpu', { onPlacement: (placement) => placements.push(placement) });
      const model = await openTinyModel(name);
      const [onGpu, onCpu] = [await forward(model, gpu), await forward(model, cpu)];
      for (const output of ['logits', 'loss', 'kl']) {
        expectClose(floats(onGpu[output]), floats(onCpu[output]), 1e-4, output); // other orders of addition, other exp
      }
      expect(await greedy(model, gpu)).toEqual(await greedy(model, cpu));
      expect(placements).toHaveLength(2);
      for (const placement of placements) {
        expect(placement['WebGpuExecutionProvider']).toHaveProperty('MatMul');
        for (const operator of Object.keys(placement['CPUExecutionProvider'] ?? {})) {
          expect(INDEX_OPERATORS).toContain(operator);
        }
      }
    },
    180_000, // shaders are compiled by the CPU
  );
});
