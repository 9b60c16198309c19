// A session of ONNX Runtime on any device, as our Session.
//
// External data is resolved against the process's working directory, because a graph given as bytes has no folder of its
// own. Creating a session reads its weights at once, so the folder is entered for exactly that long, one session at a time.
import { InferenceSession, Tensor } from 'onnxruntime-node';
import type { Tensor as AnyTensor } from 'onnxruntime-common';
import { AppError } from '../../contract/base/errors.ts';
import type { Session } from './runtime.ts';

// ONNX Runtime's packages carry a telemetry client that is on by default and made when the first session is. Nothing leaves
// this machine: this must be set before that.
process.env['ORT_DISABLE_TELEMETRY'] = '1';

export interface ThreadOptions {
  /** Threads of one operator; by default ONNX Runtime takes one per physical core. */
  readonly threads?: number;
}

/** What follows a session: it may look at it after a run, and is told when it ends. */
export interface SessionWatch {
  afterRun(session: InferenceSession): Promise<void>;
  end(): Promise<void>;
}

let lastCreation: Promise<unknown> = Promise.resolve();

/** Creations run one after another: they share the working directory. */
function exclusively<T>(create: () => Promise<T>): Promise<T> {
  const result = lastCreation.then(create, create);
  lastCreation = result.catch(() => undefined);
  return result;
}

/** Options of every session, whatever the device. */
export function commonOptions({ threads }: ThreadOptions): InferenceSession.SessionOptions {
  return {
    graphOptimizationLevel: 'all',
    logSeverityLevel: 3,
    // Threads that spin while a session waits for its next run take the cores from the sessions that work meanwhile.
    extra: { session: { intra_op: { allow_spinning: '0' } } },
    ...(threads === undefined ? {} : { intraOpNumThreads: threads }),
  };
}

/**
 * @param model the bytes of an .onnx file, or its path.
 * @param weightsFolder where external data of a graph given as bytes lies.
 * @throws AppError `out-of-memory`, `internal` when ONNX Runtime refuses the graph.
 */
export function openOrtSession(
  model: Uint8Array | string,
  options: InferenceSession.SessionOptions,
  weightsFolder: string | undefined,
  watch?: SessionWatch,
): Promise<Session> {
  return exclusively(async () => {
    const before = process.cwd();
    if (weightsFolder !== undefined) process.chdir(weightsFolder);
    try {
      const session = await (typeof model === 'string'
        ? InferenceSession.create(model, options)
        : InferenceSession.create(model, options));
      return wrapSession(session, watch);
    } catch (cause) {
      await watch?.end();
      throw ortError('The engine refused the graph', cause);
    } finally {
      process.chdir(before);
    }
  });
}

function wrapSession(session: InferenceSession, watch: SessionWatch | undefined): Session {
  return {
    inputNames: session.inputNames,
    outputNames: session.outputNames,
    run: async (feeds, fetches) => {
      try {
        const results = await (fetches === undefined ? session.run(feeds) : session.run(feeds, ownFetches(fetches)));
        await watch?.afterRun(session);
        return results;
      } catch (cause) {
        throw ortError('The engine failed while computing', cause);
      }
    },
    release: async () => {
      await watch?.end();
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
