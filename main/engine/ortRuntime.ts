// The Runtime of ONNX Runtime. Only the engine process may import this file: run() blocks its thread.
//
// External data is resolved against the process's working directory, because a graph given as bytes has no folder of its
// own. Creating a session reads its weights at once, so the folder is entered for exactly that long, one session at a time.
import { randomUUID } from 'node:crypto';
import { glob, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { InferenceSession, listSupportedBackends, Tensor } from 'onnxruntime-node';
import type { Tensor as AnyTensor } from 'onnxruntime-common';
import { AppError } from '../contract/base/errors.ts';
import type { DeviceName, Runtime, Session, SessionOptions } from '../core/onnx/runtime.ts';
import { readPlacement, type Placement } from './placement.ts';

// ONNX Runtime's packages carry a telemetry client that is on by default and made when the first session is. Nothing leaves
// this machine: this must be set before that.
process.env['ORT_DISABLE_TELEMETRY'] = '1';

export interface OrtRuntimeOptions {
  /** Threads of one operator; by default ONNX Runtime takes one per physical core. */
  readonly threads?: number;
  /** Hears, after the first run of every session on a device other than the CPU, where its operators ran. */
  readonly onPlacement?: (placement: Placement) => void;
}

let lastCreation: Promise<unknown> = Promise.resolve();

/** Creations run one after another: they share the working directory. */
function exclusively<T>(create: () => Promise<T>): Promise<T> {
  const result = lastCreation.then(create, create);
  lastCreation = result.catch(() => undefined);
  return result;
}

export function createOrtRuntime(device: DeviceName, options: OrtRuntimeOptions = {}): Runtime {
  return {
    device,
    createSession: (model, sessionOptions = {}) =>
      exclusively(async () => {
        refuseUnknownDevice(device);
        const before = process.cwd();
        const profile =
          device === 'cpu' || !options.onPlacement ? undefined : new PlacementProfile(options.onPlacement);
        if (sessionOptions.weightsFolder !== undefined) process.chdir(sessionOptions.weightsFolder);
        try {
          const ortOptions = { ...sessionOptionsOf(device, options, sessionOptions), ...profile?.options };
          const session = await (typeof model === 'string'
            ? InferenceSession.create(model, ortOptions)
            : InferenceSession.create(model, ortOptions));
          return wrapSession(session, profile);
        } catch (cause) {
          await profile?.discard();
          throw ortError('The engine refused the graph', cause);
        } finally {
          process.chdir(before);
        }
      }),
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

function sessionOptionsOf(
  device: DeviceName,
  options: OrtRuntimeOptions,
  { residentOutputs = [] }: SessionOptions,
): InferenceSession.SessionOptions {
  return {
    executionProviders: device === 'cpu' ? ['cpu'] : [device, 'cpu'],
    graphOptimizationLevel: 'all',
    logSeverityLevel: 3,
    // Threads that spin while a session waits for its next run take the cores from the sessions that work meanwhile.
    extra: { session: { intra_op: { allow_spinning: '0' } } },
    ...(options.threads === undefined ? {} : { intraOpNumThreads: options.threads }),
    ...(device === 'cpu' || residentOutputs.length === 0
      ? {}
      : { preferredOutputLocation: Object.fromEntries(residentOutputs.map((name) => [name, 'gpu-buffer'] as const)) }),
  };
}

/** The profile of one session's first run, through a file: ONNX Runtime hands it out in no other way. */
class PlacementProfile {
  readonly #prefix = join(tmpdir(), `errata-profile-${randomUUID()}`);
  readonly #onPlacement: (placement: Placement) => void;
  #isOpen = true;

  constructor(onPlacement: (placement: Placement) => void) {
    this.#onPlacement = onPlacement;
  }

  get options(): InferenceSession.SessionOptions {
    return { enableProfiling: true, profileFilePrefix: this.#prefix };
  }

  async finish(session: InferenceSession): Promise<void> {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    session.endProfiling();
    for await (const path of glob(`${this.#prefix}*`)) this.#onPlacement(readPlacement(await readFile(path, 'utf8')));
    await this.discard();
  }

  async discard(): Promise<void> {
    for await (const path of glob(`${this.#prefix}*`)) await rm(path, { force: true });
  }
}

function wrapSession(session: InferenceSession, profile: PlacementProfile | undefined): Session {
  return {
    inputNames: session.inputNames,
    outputNames: session.outputNames,
    run: async (feeds, fetches) => {
      try {
        const results = await (fetches === undefined ? session.run(feeds) : session.run(feeds, ownFetches(fetches)));
        await profile?.finish(session);
        return results;
      } catch (cause) {
        throw ortError('The engine failed while computing', cause);
      }
    },
    release: async () => {
      await profile?.discard();
      await session.release();
    },
  };
}

/**
 * The same tensors as instances of the class that the native package knows. `onnxruntime-common` is loaded twice, as an ES
 * module by us and as CommonJS by that package, and a fetch of the other copy's class would be ignored without a word.
 */
function ownFetches(fetches: Readonly<Record<string, AnyTensor | null>>): Record<string, Tensor | null> {
  return Object.fromEntries(
    Object.entries(fetches).map(([name, tensor]) => {
      const isOwn = tensor === null || tensor instanceof Tensor || tensor.location !== 'cpu';
      return [name, isOwn ? tensor : new Tensor(tensor.type, tensor.data, tensor.dims)];
    }),
  );
}

function ortError(what: string, cause: unknown): AppError {
  const message = cause instanceof Error ? cause.message : String(cause);
  // A failed check of ONNX Runtime's own begins with its source line and condition; the reason comes after.
  const reason = message.replace(/^\S*onnxruntime\S*:\d+ .*? was false\. /s, '').trim();
  const isMemory = /bad_alloc|Failed to allocate|out of memory/i.test(reason);
  return new AppError(isMemory ? 'out-of-memory' : 'internal', `${what}: ${reason}`, { cause });
}
