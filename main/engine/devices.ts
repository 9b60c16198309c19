// Which device computes. Every candidate is tried in an engine process that is thrown away afterwards, because a broken
// driver aborts the process that touches it; the choice is made by what was measured there, and it says why.
import { AppError, toAppError } from '../contract/base/errors.ts';
import type { DeviceName } from '../core/onnx/runtime.ts';
import { createEngine } from './engine.ts';
import type { EngineLauncher } from './launcher.ts';
import type { Tasks } from './tasks.ts';

export type DeviceRequest = 'auto' | DeviceName;
export const DEVICE_REQUESTS = ['auto', 'cpu', 'webgpu', 'cuda', 'dml', 'coreml'] as const satisfies DeviceRequest[];

export interface DeviceReport {
  readonly device: DeviceName;
  readonly isUsable: boolean;
  /** Why it cannot be used, or what was measured. */
  readonly reason: string;
  readonly maxAbsError: number | null;
  readonly gigaflops: number | null;
  /** The seconds that trying it took. */
  readonly seconds: number;
}

export interface DeviceChoice {
  readonly requested: DeviceRequest;
  readonly device: DeviceName;
  readonly reason: string;
  /** What was tried, the CPU first: it only where there was something to compare it with, or a report was asked for. */
  readonly candidates: readonly DeviceReport[];
  /** The environment's say in which driver is used, where it has one. */
  readonly driver: string | null;
  readonly onnxruntime: string | null;
}

const TIMEOUT_MS = 60_000;
/** Below this a GPU is not worth its copies and its gaps in operators. */
const WORTHWHILE = 1.5;

/** The devices that ONNX Runtime's package for this platform knows, apart from the CPU. */
function accelerators(platform: NodeJS.Platform): DeviceName[] {
  if (platform === 'win32') return ['webgpu', 'dml'];
  if (platform === 'darwin') return ['webgpu', 'coreml'];
  return ['webgpu', 'cuda'];
}

/** Tries `device` in a process of its own. One that fails is reported as unusable, with the reason; throws `cancelled` only. */
async function probe(
  launch: EngineLauncher,
  device: DeviceName,
  callerSignal: AbortSignal | undefined,
): Promise<DeviceReport & { onnxruntime: string | null }> {
  const engine = createEngine<Tasks>(launch, { patienceMs: 0 });
  const startedAt = performance.now();
  let isProductElsewhere = false;
  const seconds = () => Math.round(performance.now() - startedAt) / 1000;
  try {
    const signal = AbortSignal.any([AbortSignal.timeout(TIMEOUT_MS), ...(callerSignal ? [callerSignal] : [])]);
    const { maxAbsError, gigaflops, onnxruntime } = await engine.run(
      'device.probe',
      {},
      { device, signal, onFallback: ({ operators }) => (isProductElsewhere ||= 'MatMul' in operators) },
    );
    if (isProductElsewhere) throw new AppError('device', 'Matrix products fall back to the CPU.');
    const reason = `${gigaflops.toPrecision(3)} GFLOP/s in a matrix product`;
    return { device, isUsable: true, reason, maxAbsError, gigaflops, seconds: seconds(), onnxruntime };
  } catch (thrown) {
    if (callerSignal?.aborted) throw new AppError('cancelled', 'Cancelled.');
    const { code, message } = toAppError(thrown);
    const reason = code === 'cancelled' ? `It did not answer within ${TIMEOUT_MS / 1000} seconds.` : message;
    const failed = { maxAbsError: null, gigaflops: null, onnxruntime: null };
    return { device, isUsable: false, reason, ...failed, seconds: seconds() };
  } finally {
    engine.kill();
  }
}

export interface ChoiceOptions {
  /** Measure the CPU as well where the choice does not need it. */
  readonly isReport?: boolean;
  readonly signal?: AbortSignal;
}

/**
 * Decides where to compute. `auto` takes the fastest device that computes correctly, and prefers the CPU unless another
 * is clearly faster; that also keeps it away from software drivers.
 * @throws AppError `device` when the device that was asked for cannot be used, with the reason.
 */
export async function chooseDevice(
  launch: EngineLauncher,
  requested: DeviceRequest,
  { isReport = false, signal }: ChoiceOptions = {},
): Promise<DeviceChoice> {
  const driver = driverFromEnvironment(process.env);
  if (requested === 'cpu' && !isReport) {
    return { requested, device: 'cpu', reason: 'It was asked for.', candidates: [], driver, onnxruntime: null };
  }
  const wanted = requested === 'auto' ? accelerators(process.platform) : requested === 'cpu' ? [] : [requested];
  const reports = [];
  // One after another: side by side they would slow each other down.
  for (const device of wanted) reports.push(await probe(launch, device, signal));
  // The CPU always works. What it can do matters only beside another.
  if (isReport || (requested === 'auto' && reports.some(({ isUsable }) => isUsable))) {
    reports.unshift(await probe(launch, 'cpu', signal));
  }
  const onnxruntime = reports.find((report) => report.onnxruntime !== null)?.onnxruntime ?? null;
  const candidates = reports.map(({ onnxruntime: _, ...report }): DeviceReport => report);
  const { device, reason } = requested === 'auto' ? fastest(candidates) : asked(requested, candidates);
  return { requested, device, reason, candidates, driver, onnxruntime };
}

function asked(requested: DeviceName, candidates: readonly DeviceReport[]): Pick<DeviceChoice, 'device' | 'reason'> {
  const report = candidates.find(({ device }) => device === requested);
  if (report?.isUsable) return { device: requested, reason: 'It was asked for.' };
  throw new AppError('device', `The device ${requested} cannot be used: ${report?.reason ?? 'it was not tried.'}`, {
    details: { device: requested },
  });
}

/** The rule of `auto`, on what was measured. */
export function fastest(candidates: readonly DeviceReport[]): Pick<DeviceChoice, 'device' | 'reason'> {
  const cpu = candidates.find(({ device }) => device === 'cpu');
  const usable = candidates.filter(({ device, isUsable }) => isUsable && device !== 'cpu');
  const best = usable.reduce<DeviceReport | undefined>(
    (a, b) => ((b.gigaflops ?? 0) > (a?.gigaflops ?? 0) ? b : a),
    undefined,
  );
  if (!best) return { device: 'cpu', reason: 'No other device can be used.' };
  const ratio = (best.gigaflops ?? 0) / (cpu?.gigaflops ?? Infinity);
  const times = ratio >= 1 ? `${ratio.toPrecision(2)} times faster` : `${(1 / ratio).toPrecision(2)} times slower`;
  return ratio >= WORTHWHILE
    ? { device: best.device, reason: `${best.device} is ${times} than the CPU.` }
    : { device: 'cpu', reason: `${best.device} can be used, but is ${times} than the CPU.` };
}

function driverFromEnvironment(environment: NodeJS.ProcessEnv): string | null {
  for (const name of ['VK_DRIVER_FILES', 'VK_ICD_FILENAMES']) {
    const value = environment[name];
    if (value) return `${name}=${value}`;
  }
  return null;
}
