import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import { createOrtRuntime } from './ortRuntime.ts';
import { missingForSoftwareWebGpu, SOFTWARE_DRIVER } from '../testing/engine/softwareWebGpu.ts';

const missing = missingForSoftwareWebGpu();
if (missing !== null) console.log(`skipped: operators that fall back to the CPU, for want of ${missing}`);

/** Runs a script beside this file in a process of its own. @returns its standard output. */
async function runAlone(script: string, environment: Readonly<Record<string, string>>): Promise<string> {
  const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '-e', script], {
    cwd: fileURLToPath(new URL('.', import.meta.url)),
    env: { ...process.env, ...environment },
  });
  return stdout;
}

describe('the runtime', () => {
  it('keeps to itself: the telemetry client of ONNX Runtime is never made', async (context) => {
    const temporary = await mkdtemp(join(tmpdir(), 'errata-telemetry-'));
    const script = (runtime: string) => `
      import { Tensor } from 'onnxruntime-node';
      import { GraphBuilder } from '../core/onnx/graph.ts';
      import * as op from '../core/onnx/ops.ts';
      ${runtime}
      const graph = new GraphBuilder('g');
      graph.output(op.relu(graph.input('x', 'float32', [1])), 'y');
      const session = await create(graph.toBytes());
      await session.run({ x: new Tensor('float32', [1], [1]) });`;
    const ours = `import { createOrtRuntime } from './ortRuntime.ts';
      const create = (model) => createOrtRuntime('cpu').createSession(model);`;
    const bare = `import { InferenceSession } from 'onnxruntime-node';
      delete process.env.ORT_DISABLE_TELEMETRY;
      const create = (model) => InferenceSession.create(model);`;
    await runAlone(script(ours), { TMPDIR: temporary });
    expect(await readdir(temporary)).toEqual([]);
    // The client leaves a session file, though not on every machine; where it does not, the file shows nothing.
    await runAlone(script(bare), { TMPDIR: temporary });
    const shows = (await readdir(temporary)).includes('.ses');
    await rm(temporary, { recursive: true });
    context.skip(!shows, 'the telemetry client leaves no trace on this machine, even when it is not switched off');
  });

  it('refuses a graph that is none with a clear error', async () => {
    await expect(createOrtRuntime('cpu').createSession(Uint8Array.of(1, 2, 3))).rejects.toMatchObject({
      code: 'internal',
      message: expect.stringMatching(/^The engine refused the graph: /) as string,
    });
  });

  it('refuses a device that this build does not have, instead of quietly taking the CPU', async () => {
    const other = process.platform === 'win32' ? 'coreml' : 'dml';
    await expect(createOrtRuntime(other).createSession(new Uint8Array())).rejects.toMatchObject({
      code: 'device',
      message: expect.stringMatching(/has no (dml|coreml) provider/) as string,
    });
  });

  it.skipIf(missing !== null)(
    'tells once which operators fell back to the CPU, goes on computing the same, and leaves no file behind',
    { timeout: 120_000 },
    async () => {
      const temporary = await mkdtemp(join(tmpdir(), 'errata-placement-'));
      const script = `
        import { Tensor } from 'onnxruntime-node';
        import { createOrtRuntime } from './ortRuntime.ts';
        import { GraphBuilder } from '../core/onnx/graph.ts';
        import * as op from '../core/onnx/ops.ts';
        const graph = new GraphBuilder('g');
        const x = graph.input('x', 'float32', [2]);
        const [nan] = graph.node('IsNaN', [x], [{ type: 'bool', shape: [2] }]); // the WebGPU provider has no kernel for it
        graph.output(nan, 'nan');
        graph.output(op.add(op.mul(x, 2), x), 'y');
        const placements = [];
        const session = await createOrtRuntime('webgpu', { onPlacement: (p) => placements.push(p) })
          .createSession(graph.toBytes());
        const feeds = { x: new Tensor('float32', [1, 2], [2]) };
        const results = [await session.run(feeds), await session.run(feeds)].map(({ y }) => [...y.data]);
        await session.release();
        console.log(JSON.stringify({ placements, results }));
        process.exit(0);`;
      const stdout = await runAlone(script, { VK_ICD_FILENAMES: SOFTWARE_DRIVER, TMPDIR: temporary });
      const { placements, results } = JSON.parse(stdout) as { placements: unknown[]; results: number[][] };
      expect(results).toEqual([
        [3, 6],
        [3, 6],
      ]);
      expect(placements).toHaveLength(1);
      expect(placements[0]).toMatchObject({
        WebGpuExecutionProvider: { Mul: 1, Add: 1 },
        CPUExecutionProvider: { IsNaN: 1 },
      });
      expect(await readdir(temporary)).toEqual([]);
      await rm(temporary, { recursive: true });
    },
  );
});
