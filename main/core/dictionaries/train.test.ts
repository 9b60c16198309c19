import { spawn } from 'node:child_process';
import { appendFile, open, readFile, readdir, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { describe, expect, it, vi } from 'vitest';
import { readManifest } from '../activations/manifest.ts';
import { temporaryFolder } from '../../testing/models/temporaryFolder.ts';
import { CHECKPOINT_FILE, loadCheckpoint } from './checkpoint.ts';
import { readCurves } from './curves.ts';
import { loadDictionary } from './saeLens.ts';
import { prepare, REQUEST, SITE, trainOptions, trainOrResume } from '../../testing/dictionaries/trainingRun.ts';
import { resume, train } from './train.ts';

// Training until the end several times, beside whatever else the machine does.
vi.setConfig({ testTimeout: 240_000 });

const PROGRAM = join(import.meta.dirname, '../../testing/dictionaries/trainingRun.ts');

/** Runs the training program and kills it after some of its steps. */
async function trainAndKill(folder: string, steps: number): Promise<void> {
  const child = spawn(process.execPath, [PROGRAM, folder], { stdio: ['ignore', 'pipe', 'inherit'] });
  let seen = 0;
  child.stdout.on('data', (chunk: Buffer) => {
    seen += chunk.length;
    if (seen >= steps) child.kill('SIGKILL');
  });
  await new Promise((resolve) => child.once('exit', resolve));
}

const artifacts = async (folder: string) => ({
  weights: await readFile(join(folder, 'run/sae_weights.safetensors')),
  curves: (await readCurves(join(folder, 'run'))).map(({ seconds, ...point }) => point),
});

describe('a training run', () => {
  it('ends with a dictionary, its curves and its measured quality', async () => {
    const folder = await temporaryFolder();
    const result = await trainOrResume(folder);
    expect(result.fvu).toBeLessThan(0.5);
    // The threshold was calibrated on these very activations.
    expect(result.l0).toBeCloseTo(REQUEST.k, 1);
    expect(result.ceZero).not.toBe(result.ceOriginal);
    // Zeroing the site of this random model lowers its loss, so nothing of it can be recovered.
    expect(result.ceZero).toBeLessThan(result.ceOriginal);
    expect(result.lossRecovered).toBeNull();
    const dictionary = await loadDictionary(join(folder, 'run'));
    expect(dictionary).toMatchObject({ architecture: 'batchtopk', size: 48, site: SITE });
    expect((await readCurves(join(folder, 'run'))).at(-1)).toMatchObject({ step: REQUEST.steps });
    expect(await readdir(join(folder, 'run'))).not.toContain(CHECKPOINT_FILE);
  });

  it('killed at any moment, continues bit for bit', async () => {
    const [unbroken, broken] = [await temporaryFolder(), await temporaryFolder()];
    await trainOrResume(unbroken);
    await prepare(broken);
    for (const steps of [3, 40, 60]) await trainAndKill(broken, steps);
    expect((await loadCheckpoint(join(broken, 'run'))).state.step).toBeGreaterThan(50);
    await trainOrResume(broken);
    expect(await artifacts(broken)).toEqual(await artifacts(unbroken));
  });

  it('cancelled, keeps a checkpoint and can be resumed', async () => {
    const folder = await temporaryFolder();
    const model = await prepare(folder);
    const cancel = new AbortController();
    let steps = 0;
    const options = { ...trainOptions(folder, model), checkpointSeconds: 1000 };
    const running = train(REQUEST, {
      ...options,
      signal: cancel.signal,
      onWork: () => {
        steps += 1;
        if (steps === 20) cancel.abort();
      },
    });
    await expect(running).rejects.toMatchObject({ code: 'cancelled' });
    expect((await loadCheckpoint(options.folder)).state.step).toBe(20);
    await expect(train(REQUEST, options)).rejects.toMatchObject({ code: 'exists' });
    expect((await resume(options)).trainedTokens).toBe(REQUEST.steps * REQUEST.batchSize);
  });

  it('refuses a damaged checkpoint, a torn line of curves is forgiven', async () => {
    const folder = await temporaryFolder();
    const model = await prepare(folder);
    await trainAndKill(folder, 30);
    const options = trainOptions(folder, model);
    await appendFile(join(options.folder, 'curves.jsonl'), '{"step": 31, "lo');
    const path = join(options.folder, CHECKPOINT_FILE);
    const whole = await readFile(path);
    await truncate(path, whole.length - 10);
    await expect(resume(options)).rejects.toMatchObject({ code: 'invalid-file' });
    await writeFile(path, whole);
    await resume(options);
  });

  it('stops when the loss explodes, and keeps no run that never got anywhere', async () => {
    const folder = await temporaryFolder();
    const model = await prepare(folder);
    const options = { ...trainOptions(folder, model, 'exploding'), checkpointSeconds: 1000 };
    const exploding = {
      ...REQUEST,
      learningRate: 1,
      warmupSteps: 0,
      decayFraction: 0,
      beta1: 0.99,
      beta2: 0,
      steps: 3000,
    };
    await expect(train(exploding, options)).rejects.toMatchObject({ code: 'diverged' });
    expect(await readdir(folder)).not.toContain('exploding');
  });

  it('on a full disk stops with its reason; what was saved goes on where there is room', async () => {
    const [unbroken, folder] = [await temporaryFolder(), await temporaryFolder()];
    await trainOrResume(unbroken);
    await prepare(folder);
    // No file may grow beyond 4 to 8 KB: what the operating system answers is handled like a full disk.
    const onFullDisk = async () => {
      const script = `
        process.on('SIGXFSZ', () => {});
        const { trainOrResume } = await import(${JSON.stringify(pathToFileURL(PROGRAM).href)});
        await trainOrResume(process.argv[1]).catch((error) => console.log(error.code));`;
      const limited = 'ulimit -f 8; exec "$0" --input-type=module -e "$1" "$2"';
      const child = spawn('sh', ['-c', limited, process.execPath, script, folder], {
        stdio: ['ignore', 'pipe', 'inherit'],
      });
      let output = '';
      child.stdout.setEncoding('utf8').on('data', (text: string) => (output += text));
      await new Promise((resolve) => child.once('close', resolve));
      return output.trim();
    };
    expect(await onFullDisk()).toBe('disk-full');
    expect(await readdir(folder)).not.toContain('run');
    await trainAndKill(folder, 30);
    const { state } = await loadCheckpoint(join(folder, 'run'));
    expect(await onFullDisk()).toBe('disk-full');
    expect((await loadCheckpoint(join(folder, 'run'))).state.step).toBe(state.step);
    await trainOrResume(folder);
    expect(await artifacts(folder)).toEqual(await artifacts(unbroken));
  });

  it('refuses activations that are not finite numbers', async () => {
    const folder = await temporaryFolder();
    const model = await prepare(folder);
    const [shard] = (await readManifest(join(folder, 'store'))).shards;
    const file = await open(join(folder, 'store', shard?.file ?? ''), 'r+');
    await file.write(Buffer.alloc(64, 0xff), 0, 64, 4096);
    await file.close();
    await expect(train(REQUEST, trainOptions(folder, model))).rejects.toMatchObject({ code: 'invalid-file' });
    expect(await readdir(folder)).not.toContain('run');
  });

  it('refuses what does not fit, and leaves nothing behind', async () => {
    const folder = await temporaryFolder();
    const model = await prepare(folder);
    const options = trainOptions(folder, model, 'refused');
    await expect(train({ ...REQUEST, d: 5 }, options)).rejects.toMatchObject({ code: 'mismatch' });
    await expect(train({ ...REQUEST, k: 100 }, options)).rejects.toMatchObject({ code: 'usage' });
    await expect(train({ ...REQUEST, steps: 0 }, options)).rejects.toMatchObject({ code: 'usage' });
    await expect(train(REQUEST, { ...options, storeFolder: join(folder, 'none') })).rejects.toMatchObject({
      code: 'not-found',
    });
    expect(await readdir(folder)).not.toContain('refused');
  });
});
