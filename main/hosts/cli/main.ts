// The command line: one command, in one process, with an engine process beside it when it computes. Exit codes: 0 done,
// 1 failed, 2 wrong usage. With --json the last line of standard output is one object, also when it failed.
import { AppError, serializeError, toAppError, type ErrorCode } from '../../contract/base/errors.ts';
import { createEngine } from '../../engine/engine.ts';
import { chooseDevice, type DeviceChoice } from '../../engine/devices.ts';
import { forkLauncher } from '../../engine/launcher.ts';
import { describeFallback, type Fallback } from '../../engine/placement.ts';
import type { Tasks } from '../../engine/tasks.ts';
import type { Compute } from '../../workbench/compute.ts';
import packageFacts from '../../../package.json' with { type: 'json' };
import { parseLine, type Invocation } from './arguments.ts';
import type { ComputeContext } from './command.ts';
import { commands } from './commands/index.ts';
import { commandHelp, groupHelp, mainHelp } from './help.ts';
import { createProgressDisplay, harmless, updateOf } from './terminal.ts';

/** For a damaged database: the way back. */
const RECOVERY =
  'errata project restore goes back to the last backup and sets aside what is there; errata project salvage DIR saves what can still be read.';

const EXIT = { done: 0, failed: 1, usage: 2, killed: 130 } as const;

/** @param engineEntry the script of the engine process. @returns the exit code. */
export async function main(words: readonly string[], engineEntry: string): Promise<number> {
  // A reader that goes away (`errata … | head`) is no failure of ours.
  process.stdout.on('error', (error: NodeJS.ErrnoException) => process.exit(error.code === 'EPIPE' ? 0 : 1));
  const display = createProgressDisplay(process.stderr);
  const complain = (line: string) => {
    display.clear();
    process.stderr.write(`${harmless(line)}\n`);
  };
  const wantsJson = words.includes('--json');
  try {
    const line = parseLine(words, commands);
    switch (line.kind) {
      case 'overview':
        process.stdout.write(`${mainHelp(packageFacts.version, commands)}\n`);
        return EXIT.done;
      case 'version':
        process.stdout.write(`${packageFacts.version}\n`);
        return EXIT.done;
      case 'group': {
        const group = commands.filter(({ name }) => name.startsWith(`${line.noun} `));
        process.stdout.write(`${groupHelp(line.noun, group)}\n`);
        return EXIT.done;
      }
      case 'help':
        process.stdout.write(`${commandHelp(line.command)}\n`);
        return EXIT.done;
      case 'run': {
        const result = await runCommand(line, engineEntry, display.show.bind(display), complain);
        display.clear();
        if (line.json) process.stdout.write(`${JSON.stringify(result)}\n`);
        return EXIT.done;
      }
    }
  } catch (thrown) {
    const error = toAppError(thrown);
    complain(error.code === 'cancelled' ? 'Cancelled.' : `errata: ${error.message}`);
    if (error.code === 'internal' && error.stack !== undefined) complain(error.stack);
    if (error.details['damaged'] === true) complain(RECOVERY);
    if (wantsJson) {
      const { code, message, details } = serializeError(error);
      process.stdout.write(`${JSON.stringify({ error: { code, message, ...(details ? { details } : {}) } })}\n`);
    }
    return exitCodeOf(error.code);
  }
}

function exitCodeOf(code: ErrorCode): number {
  return code === 'usage' ? EXIT.usage : EXIT.failed;
}

async function runCommand(
  { command, arguments: arguments_, projectFolder, json, device: requested }: Invocation,
  engineEntry: string,
  progress: ComputeContext['progress'],
  complain: (line: string) => void,
): Promise<Record<string, unknown>> {
  const abort = new AbortController();
  const launch = forkLauncher(engineEntry);
  const engine = createEngine<Tasks>(launch);
  const fallbacks: Fallback[] = [];
  let choice: Promise<DeviceChoice> | undefined;

  const onInterrupt = () => {
    if (abort.signal.aborted) {
      engine.kill();
      process.exit(EXIT.killed);
    }
    const runsOn = 'runsUntilStopped' in command;
    complain(runsOn ? 'Stopping.' : 'Cancelling; what is finished is kept. Ctrl-C again stops at once.');
    abort.abort();
  };
  process.on('SIGINT', onInterrupt);
  process.on('SIGTERM', onInterrupt);

  const device: ComputeContext['device'] = (options) => {
    choice ??= chooseDevice(launch, requested, { ...options, signal: abort.signal }).then((chosen) => {
      if (!json && requested === 'auto' && command.name !== 'device')
        complain(`Computing on ${chosen.device}: ${chosen.reason}`);
      return chosen;
    });
    return choice;
  };
  function computeWith(used: typeof engine): Compute {
    return (task, input, { onChunk, onProgress, onLog, signal = abort.signal } = {}) =>
      device().then((chosen) =>
        used.run(task, input, {
          device: chosen.device,
          signal,
          onProgress: (update) => {
            onProgress?.(update);
            // A stream shows by itself how far it is; a job that also streams does not.
            if (!onChunk || onProgress) progress(updateOf(update));
          },
          onLog: (line) => {
            complain(line);
            onLog?.(line);
          },
          onFallback: (fallback) => {
            fallbacks.push(fallback);
            complain(describeFallback(fallback));
            onLog?.(describeFallback(fallback));
          },
          ...(onChunk ? { onChunk } : {}),
        }),
      );
  }
  const context: ComputeContext = {
    projectFolder,
    json,
    signal: abort.signal,
    print: (line) => {
      if (!json) process.stdout.write(`${harmless(line)}\n`);
    },
    progress,
    device,
    compute: computeWith(engine),
    computeAfresh: (task, input, options) => {
      const fresh = createEngine<Tasks>(launch);
      return computeWith(fresh)(task, input, options).finally(() => fresh.stop());
    },
  };
  try {
    const result = await command.run(arguments_, context);
    if (abort.signal.aborted && !('runsUntilStopped' in command)) throw new AppError('cancelled', 'Cancelled.');
    if (!choice) return result;
    const { device: used, reason } = await choice;
    return { ...result, device: used, deviceReason: reason, ...(fallbacks.length > 0 ? { fallbacks } : {}) };
  } finally {
    await engine.stop();
    process.off('SIGINT', onInterrupt);
    process.off('SIGTERM', onInterrupt);
  }
}
