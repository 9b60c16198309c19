// What a command of the command line is: data about itself, and a function from parsed arguments to one plain object,
// which `--json` prints as the last line. It talks to people through the context only.
import type { DeviceChoice } from '../../engine/devices.ts';
import type { Compute } from '../../workbench/compute.ts';

export interface ProgressUpdate {
  /** 0 to 1; null when the end is not known. */
  readonly fraction: number | null;
  readonly message: string;
  /** As it is shown: '37,000 tokens/s'. */
  readonly rate?: string;
  readonly remainingSeconds?: number | null;
}

export interface CommandContext {
  /** The folder of --project, or the current one. */
  readonly projectFolder: string;
  readonly json: boolean;
  /** Aborted by Ctrl-C. */
  readonly signal: AbortSignal;
  /** For people; silent with --json. */
  print(line: string): void;
  /** For people: a bar on a terminal, an occasional line elsewhere. */
  progress(update: ProgressUpdate): void;
}

export interface Option {
  readonly type: 'string' | 'boolean';
  readonly short?: string;
  readonly multiple?: boolean;
  readonly description: string;
}

export interface CommandArguments {
  readonly positionals: readonly string[];
  readonly values: Readonly<Record<string, string | boolean | readonly (string | boolean)[] | undefined>>;
}

interface CommandDescription {
  /** 'label', or 'label set' for a subcommand. */
  readonly name: string;
  readonly summary: string;
  /** What follows `errata` on a line: 'label set FEATURE TEXT [--tag TAG]'. */
  readonly usage: string;
  readonly examples?: readonly string[];
  /** Beside those that every command has: --project, --json, --help. */
  readonly options: Readonly<Record<string, Option>>;
}

export interface Command extends CommandDescription {
  run(arguments_: CommandArguments, context: CommandContext): Promise<Record<string, unknown>>;
}

/** The context of a command that computes. What the engine says about the device is added to its result. */
export interface ComputeContext extends CommandContext {
  /** Where it computes, and why; decided at the first call, by --device. `isReport`: measure the CPU in any case. */
  device(options?: { readonly isReport?: boolean }): Promise<DeviceChoice>;
  /** Runs a task in the engine process on that device. Ctrl-C cancels it. Its progress is shown, unless it is streamed. */
  readonly compute: Compute;
  /** The same in an engine process of its own, which ends with the task. */
  readonly computeAfresh: Compute;
}

/** A command that needs the engine process. */
export interface ComputeCommand extends CommandDescription {
  /** 'any': it has the option --device. 'cpu': reading and hashing files is all it does. */
  readonly computesOn: 'any' | 'cpu';
  /** It runs until it is stopped: Ctrl-C is its end, and no failure. */
  readonly runsUntilStopped?: true;
  run(arguments_: CommandArguments, context: ComputeContext): Promise<Record<string, unknown>>;
}

export type AnyCommand = Command | ComputeCommand;
