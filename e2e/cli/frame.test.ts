// The frame of the command line: help, usage errors, exit codes, JSON.
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import { missingForSoftwareWebGpu, SOFTWARE_DRIVER } from '../../main/testing/engine/softwareWebGpu.ts';
import { failure, json, lastObject, run, sampleModel } from './errata.ts';

const root = join(import.meta.dirname, '../..');
const missing = missingForSoftwareWebGpu();
if (missing !== null) console.log(`skipped: the command line on WebGPU, for want of ${missing}`);

describe('errata', () => {
  it('explains itself, from npx as well', async () => {
    const { code, stdout } = await run(['--help']);
    expect(code).toBe(0);
    for (const command of ['model add', 'model check', 'generate', 'device']) expect(stdout).toContain(`  ${command} `);
    const npx = await promisify(execFile)('npx', ['errata', '--help'], { cwd: root });
    expect(npx.stdout).toBe(stdout);
    expect((await run([])).stdout).toBe(stdout);
    expect((await run(['--version'])).stdout).toMatch(/^\d+\.\d+\.\d+\n$/);
  });

  it('explains every command, with its options and examples', async () => {
    const { stdout } = await run(['help', 'generate']);
    expect(stdout).toContain('Usage: errata generate MODEL');
    expect(stdout).toContain('--temperature TEMPERATURE');
    expect(stdout).toContain('Examples:');
    expect((await run(['generate', '-h'])).stdout).toBe(stdout);
    expect((await run(['model'])).stdout).toContain('errata model check');
  });

  it.each([
    [['modle', 'list'], 'There is no command "modle"; did you mean "model"?'],
    [['model', 'lst'], 'There is no command "model lst"; did you mean "model list"?'],
    [['model', 'list', '--jsno'], 'errata model list has no option --jsno; did you mean --json?'],
    [['model', 'list', 'x'], 'errata model list: "x" is one argument too many.'],
    [['model', 'add'], 'errata model add: FOLDER is missing.'],
    [['model', 'check', 'x'], 'errata model check: --reference is missing.'],
    [['generate', 'x'], 'errata generate: --prompt or --ids is missing.'],
    [
      ['generate', 'x', '--prompt', 'a', '-n', 'many'],
      '--max-new-tokens must be a whole number, at least 0, not "many".',
    ],
    [
      ['device', '--device', 'wegpu'],
      '--device must be one of auto, cpu, webgpu, cuda, dml, coreml; did you mean webgpu?',
    ],
    [['model', 'list', '--project', ''], '--project must not be empty.'],
    [['generate', 'x', '--prompt'], /--prompt/],
  ])('refuses %j as wrong usage', async (words, message) => {
    const { code, stdout, stderr } = await run(words);
    expect(code).toBe(2);
    expect(stdout).toBe('');
    if (typeof message === 'string') expect(stderr.startsWith(`errata: ${message}`), stderr).toBe(true);
    else expect(stderr).toMatch(message);
    expect(await failure(words)).toMatchObject({ exitCode: 2, code: 'usage' });
  });

  it('fails with exit code 1 where the usage is right', async () => {
    const words = ['model', 'list', '--project', '/no/such/folder'];
    const { code, stdout, stderr } = await run(words);
    expect([code, stdout]).toEqual([1, '']);
    expect(stderr).toMatch(/^errata: \/no\/such\/folder: there is no project here\./);
    expect(await failure(words)).toMatchObject({ exitCode: 1, code: 'not-found' });
  });

  it('takes common options before the command as well', async () => {
    const { code, stdout } = await run(['--json', '--project', '/no/such/folder', 'model', 'list']);
    expect(code).toBe(1);
    expect(lastObject(stdout)).toMatchObject({ error: { code: 'not-found' } });
  });

  it.skipIf(sampleModel === null || missing !== null)(
    `computes where it is told to, and tells what fell back to the CPU (under ${SOFTWARE_DRIVER})`,
    async () => {
      const words = ['generate', sampleModel ?? '', '--ids', '5,6,7', '-n', '2', '--ignore-stops', '--device'];
      const onCpu = await json([...words, 'cpu']);
      const onGpu = await json([...words, 'webgpu'], { env: { VK_ICD_FILENAMES: SOFTWARE_DRIVER } });
      expect(onGpu).toMatchObject({ device: 'webgpu', generations: onCpu['generations'] });
      // Sizes are computed on the CPU; if ever nothing is, this may go.
      expect(onGpu['fallbacks']).toMatchObject([{ device: 'webgpu', operators: expect.any(Object) as object }]);
      expect(onCpu['fallbacks']).toBeUndefined();
    },
  );

  it('tells the device, and why', async () => {
    const device = await json(['device', '--device', 'cpu']);
    expect(device).toMatchObject({ requested: 'cpu', device: 'cpu', candidates: [{ device: 'cpu', isUsable: true }] });
  });
});
