// The command line in a test: a command as `main` runs it, in this process, over a real engine on the CPU.
import { join } from 'node:path';
import { createEngine } from '../../engine/engine.ts';
import type { DeviceChoice } from '../../engine/devices.ts';
import { forkLauncher } from '../../engine/launcher.ts';
import type { Tasks } from '../../engine/tasks.ts';
import { parseLine } from '../../hosts/cli/arguments.ts';
import type { ComputeContext } from '../../hosts/cli/command.ts';
import { commands } from '../../hosts/cli/commands/index.ts';
import type { Compute } from '../../workbench/compute.ts';

const entry = join(import.meta.dirname, '../../engine/index.ts');
const CPU: DeviceChoice = {
  requested: 'cpu',
  device: 'cpu',
  reason: 'As the test asked.',
  candidates: [],
  driver: null,
  onnxruntime: null,
};

export interface Said {
  /** What `--json` would print. */
  readonly result: Record<string, unknown>;
  /** What people read. */
  readonly printed: readonly string[];
}

export interface RunOptions {
  /** Ctrl-C comes when the engine is first given this task. */
  readonly stopAt?: string;
  /** Ctrl-C. */
  readonly signal?: AbortSignal;
  /** Is told of every task that the engine is given. */
  readonly onTask?: (task: string) => void;
  /** Is told of every line, also of a command that fails later. */
  readonly onPrint?: (line: string) => void;
}

/** Runs `errata WORDS …` in the project's folder. @throws AppError as the command does. */
export async function errata(
  project: string,
  words: readonly string[],
  { stopAt, signal, onTask, onPrint }: RunOptions = {},
): Promise<Said> {
  const line = parseLine(['--project', project, ...words], commands);
  if (line.kind !== 'run') throw new Error(`This is not a command: ${words.join(' ')}`);
  const abort = new AbortController();
  signal?.addEventListener('abort', () => abort.abort());
  const engine = createEngine<Tasks>(forkLauncher(entry));
  const compute: Compute = (task, input, options = {}) => {
    onTask?.(task);
    if (task === stopAt) abort.abort();
    return engine.run(task, input, {
      signal: abort.signal,
      ...options,
      device: 'cpu',
      onLog: (text) => options.onLog?.(text),
    });
  };
  const printed: string[] = [];
  const context: ComputeContext = {
    projectFolder: line.projectFolder,
    json: false,
    signal: abort.signal,
    print: (text) => {
      printed.push(text);
      onPrint?.(text);
    },
    progress: () => undefined,
    device: () => Promise.resolve(CPU),
    compute,
    computeAfresh: compute,
  };
  try {
    return { result: await line.command.run(line.arguments, context), printed };
  } finally {
    await engine.stop();
  }
}
