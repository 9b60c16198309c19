import { fileURLToPath } from 'node:url';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { chooseDevice, fastest, type DeviceReport } from './devices.ts';
import { forkLauncher } from './launcher.ts';
import { describeFallback, fallbackOf, readPlacement } from './placement.ts';
import { missingForSoftwareWebGpu, SOFTWARE_DRIVER } from '../testing/engine/softwareWebGpu.ts';

const launch = forkLauncher(fileURLToPath(new URL('./index.ts', import.meta.url)));

const missing = missingForSoftwareWebGpu();
if (missing !== null) console.log(`skipped: a device on software WebGPU, for want of ${missing}`);

afterEach(() => vi.unstubAllEnvs());

const report = (device: DeviceReport['device'], gigaflops: number | null): DeviceReport => ({
  device,
  isUsable: gigaflops !== null,
  reason: '',
  maxAbsError: 0,
  gigaflops,
  seconds: 0,
});

describe('auto', () => {
  it('takes the fastest device that is clearly faster than the CPU', () => {
    const candidates = [report('cpu', 100), report('webgpu', 5000), report('cuda', 9000)];
    expect(fastest(candidates)).toEqual({ device: 'cuda', reason: 'cuda is 90 times faster than the CPU.' });
  });

  it('keeps to the CPU when the other is slower, about as fast, or unusable', () => {
    expect(fastest([report('cpu', 100), report('webgpu', 2)])).toEqual({
      device: 'cpu',
      reason: 'webgpu can be used, but is 50 times slower than the CPU.',
    });
    expect(fastest([report('cpu', 100), report('webgpu', 120)]).device).toBe('cpu');
    expect(fastest([report('cpu', 100), report('webgpu', null)])).toEqual({
      device: 'cpu',
      reason: 'No other device can be used.',
    });
  });
});

describe('choosing a device', () => {
  it('takes the CPU when it is asked for, without trying anything', async () => {
    expect(await chooseDevice(launch, 'cpu')).toMatchObject({ device: 'cpu', candidates: [] });
  });

  it('refuses a device that this machine does not have, with the reason', async () => {
    await expect(chooseDevice(launch, 'dml')).rejects.toMatchObject({
      code: 'device',
      message: expect.stringMatching(/dml cannot be used: .+/) as string,
    });
  });

  it('measures the CPU, and finds it exact', async () => {
    const { candidates, onnxruntime } = await chooseDevice(launch, 'cpu', { isReport: true });
    expect(candidates).toMatchObject([{ device: 'cpu', isUsable: true }]);
    expect(candidates[0]?.maxAbsError).toBeLessThan(1e-5);
    expect(candidates[0]?.gigaflops).toBeGreaterThan(0.1);
    expect(onnxruntime).toMatch(/^\d+\.\d+/);
  });

  it('survives a driver that cannot be loaded, and says so', async () => {
    vi.stubEnv('VK_ICD_FILENAMES', '/no/such/driver.json');
    const choice = await chooseDevice(launch, 'auto');
    expect(choice).toMatchObject({ device: 'cpu', driver: 'VK_ICD_FILENAMES=/no/such/driver.json' });
    expect(choice.candidates.find(({ device }) => device === 'webgpu')?.isUsable).toBe(false);
  });

  it.skipIf(missing !== null)(
    `computes on WebGPU under a software driver (${SOFTWARE_DRIVER}), which auto does not prefer`,
    { timeout: 180_000 },
    async () => {
      vi.stubEnv('VK_ICD_FILENAMES', SOFTWARE_DRIVER);
      const choice = await chooseDevice(launch, 'auto');
      const webgpu = choice.candidates.find(({ device }) => device === 'webgpu');
      expect(webgpu).toMatchObject({ isUsable: true });
      expect(webgpu?.maxAbsError).toBeLessThan(1e-3);
      expect(choice.device).toBe('cpu');
      expect(choice.reason).toMatch(/webgpu can be used, but is .* slower than the CPU/);
    },
  );
});

describe('a placement', () => {
  const event = (name: string, op_name: string, provider: string) => ({
    cat: 'Node',
    name,
    args: { op_name, provider },
  });
  const profile = JSON.stringify([
    { cat: 'Session', name: 'model_loading' },
    event('a_kernel_time', 'MatMul', 'WebGpuExecutionProvider'),
    event('b_kernel_time', 'MatMul', 'WebGpuExecutionProvider'),
    event('b_kernel_time', 'MatMul', 'WebGpuExecutionProvider'), // the second round of a loop
    event('loop', 'Loop', 'CPUExecutionProvider'),
    event('c', 'IsNaN', 'CPUExecutionProvider'),
    event('d', 'IsNaN', 'CPUExecutionProvider'),
  ]);

  it('counts distinct nodes by provider and type', () => {
    expect(readPlacement(profile)).toEqual({
      WebGpuExecutionProvider: { MatMul: 2 },
      CPUExecutionProvider: { Loop: 1, IsNaN: 2 },
    });
  });

  it('shows what fell back to the CPU; control flow is no loss', () => {
    const fallback = fallbackOf(readPlacement(profile), 'webgpu');
    expect(fallback).toEqual({ device: 'webgpu', operators: { IsNaN: 2 }, nodes: 5 });
    expect(fallback && describeFallback(fallback)).toBe('2 of 5 operators ran on the CPU, not on webgpu: IsNaN ×2.');
    expect(fallbackOf(readPlacement(profile), 'cpu')).toBeNull();
    expect(fallbackOf({ WebGpuExecutionProvider: { MatMul: 1 } }, 'webgpu')).toBeNull();
  });
});
