// The Runtime of ONNX Runtime on any device. Only the engine process may import this file: run() blocks its thread.
import { randomUUID } from 'node:crypto';
import { glob, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { listSupportedBackends, type InferenceSession } from 'onnxruntime-node';
import { AppError } from '../contract/base/errors.ts';
import { createCpuRuntime } from '../core/onnx/cpuRuntime.ts';
import { commonOptions, openOrtSession, type SessionWatch, type ThreadOptions } from '../core/onnx/ortSession.ts';
import type { DeviceName, Runtime, SessionOptions } from '../core/onnx/runtime.ts';
import { readPlacement, type Placement } from './placement.ts';

export interface OrtRuntimeOptions extends ThreadOptions {
  /** Hears, after the first run of every session on a device other than the CPU, where its operators ran. */
  readonly onPlacement?: (placement: Placement) => void;
}

export function createOrtRuntime(device: DeviceName, options: OrtRuntimeOptions = {}): Runtime {
  if (device === 'cpu') return createCpuRuntime(options);
  return {
    device,
    createSession: async (model, sessionOptions = {}) => {
      refuseUnknownDevice(device);
      const profile = options.onPlacement && new PlacementProfile(options.onPlacement);
      const ortOptions = {
        ...commonOptions(options),
        executionProviders: [device, 'cpu'],
        ...residentOptions(sessionOptions),
        ...profile?.options,
      };
      return await openOrtSession(model, ortOptions, sessionOptions.weightsFolder, profile);
    },
  };
}

/** A provider that this build of ONNX Runtime does not have would be skipped, and the CPU used, without a word. */
function refuseUnknownDevice(device: DeviceName): void {
  const known = listSupportedBackends().map(({ name }) => name);
  if (known.includes(device)) return;
  throw new AppError('device', `ONNX Runtime for ${process.platform} on ${process.arch} has no ${device} provider.`, {
    details: { device, known },
  });
}

function residentOptions({ residentOutputs = [] }: SessionOptions): InferenceSession.SessionOptions {
  if (residentOutputs.length === 0) return {};
  const places = residentOutputs.map((name) => [name, 'gpu-buffer'] as const);
  return { preferredOutputLocation: Object.fromEntries(places) };
}

/** The profile of one session's first run, through a file: ONNX Runtime hands it out in no other way. */
class PlacementProfile implements SessionWatch {
  readonly #prefix = join(tmpdir(), `errata-profile-${randomUUID()}`);
  readonly #onPlacement: (placement: Placement) => void;
  #isOpen = true;

  constructor(onPlacement: (placement: Placement) => void) {
    this.#onPlacement = onPlacement;
  }

  get options(): InferenceSession.SessionOptions {
    return { enableProfiling: true, profileFilePrefix: this.#prefix };
  }

  async afterRun(session: InferenceSession): Promise<void> {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    session.endProfiling();
    for await (const path of glob(`${this.#prefix}*`)) this.#onPlacement(readPlacement(await readFile(path, 'utf8')));
    await this.end();
  }

  async end(): Promise<void> {
    for await (const path of glob(`${this.#prefix}*`)) await rm(path, { force: true });
  }
}
