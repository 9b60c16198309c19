// The Runtime of ONNX Runtime. Only the engine process may import this file: run() blocks its thread.
//
// External data is resolved against the process's working directory, because a graph given as bytes has no folder of its
// own. Creating a session reads its weights at once, so the folder is entered for exactly that long, one session at a time.
import { InferenceSession, type Tensor } from 'onnxruntime-node';
import { AppError } from '../contract/errors.ts';
import type { DeviceName, Runtime, Session, SessionOptions } from '../onnx/runtime.ts';

export interface OrtRuntimeOptions {
  /** Threads of one operator; by default ONNX Runtime takes one per physical core. */
  readonly threads?: number;
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
        const before = process.cwd();
        if (sessionOptions.weightsFolder !== undefined) process.chdir(sessionOptions.weightsFolder);
        try {
          return wrapSession(await InferenceSession.create(model, ortOptions(device, options, sessionOptions)));
        } catch (cause) {
          throw ortError('The engine refused the graph', cause);
        } finally {
          process.chdir(before);
        }
      }),
  };
}

function ortOptions(
  device: DeviceName,
  options: OrtRuntimeOptions,
  { residentOutputs = [] }: SessionOptions,
): InferenceSession.SessionOptions {
  return {
    executionProviders: device === 'cpu' ? ['cpu'] : [device, 'cpu'],
    graphOptimizationLevel: 'all',
    logSeverityLevel: 3,
    ...(options.threads === undefined ? {} : { intraOpNumThreads: options.threads }),
    ...(device === 'cpu' || residentOutputs.length === 0
      ? {}
      : { preferredOutputLocation: Object.fromEntries(residentOutputs.map((name) => [name, 'gpu-buffer'] as const)) }),
  };
}

function wrapSession(session: InferenceSession): Session {
  return {
    inputNames: session.inputNames,
    outputNames: session.outputNames,
    run: async (feeds, fetches) => {
      try {
        return (await (fetches === undefined ? session.run(feeds) : session.run(feeds, fetches))) as Record<
          string,
          Tensor
        >;
      } catch (cause) {
        throw ortError('The engine failed while computing', cause);
      }
    },
    release: () => session.release(),
  };
}

function ortError(what: string, cause: unknown): AppError {
  const reason = cause instanceof Error ? cause.message : String(cause);
  const isMemory = /bad_alloc|Failed to allocate|out of memory/i.test(reason);
  return new AppError(isMemory ? 'out-of-memory' : 'internal', `${what}: ${reason}`, { cause });
}
