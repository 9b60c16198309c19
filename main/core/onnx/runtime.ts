// What the domain needs of an engine that runs ONNX graphs. main/engine implements it with ONNX Runtime; nothing below the
// engine imports the native library, so the domain stays independent of devices and processes.
import type { Tensor } from 'onnxruntime-common';

export type DeviceName = 'cpu' | 'webgpu' | 'cuda' | 'dml' | 'coreml';

export interface SessionOptions {
  /** The folder that external data locations are relative to. */
  readonly weightsFolder?: string;
  /** Outputs that stay on the device, to be fed to the next run as they are. Ignored on the CPU, where all memory is ours. */
  readonly residentOutputs?: readonly string[];
}

export interface Session {
  readonly inputNames: readonly string[];
  readonly outputNames: readonly string[];
  /**
   * Runs the graph. `fetches` names the wanted outputs (default: all); a tensor given there is filled in place (CPU tensors
   * only). That saves nothing: what is returned is a fresh copy all the same.
   */
  run(
    feeds: Readonly<Record<string, Tensor>>,
    fetches?: Readonly<Record<string, Tensor | null>>,
  ): Promise<Readonly<Record<string, Tensor>>>;
  release(): Promise<void>;
}

export interface Runtime {
  readonly device: DeviceName;
  /**
   * @param model the bytes of an .onnx file; or its absolute path, and external data lie relative to its own folder.
   * @throws AppError `device` or `internal` when the engine refuses the graph.
   */
  createSession(model: Uint8Array | string, options?: SessionOptions): Promise<Session>;
}
