// The Runtime that every machine has: ONNX Runtime on the CPU. Only the engine process and tests may import this file:
// run() blocks its thread.
import { commonOptions, openOrtSession, type ThreadOptions } from './ortSession.ts';
import type { Runtime } from './runtime.ts';

export function createCpuRuntime(options: ThreadOptions = {}): Runtime {
  const ortOptions = { ...commonOptions(options), executionProviders: ['cpu'] };
  return {
    device: 'cpu',
    createSession: (model, { weightsFolder } = {}) => openOrtSession(model, ortOptions, weightsFolder),
  };
}
