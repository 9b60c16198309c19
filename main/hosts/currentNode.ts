// Starts a program of ours in a Node that it can run in. Nothing here imports what needs one: an older Node (npx under the system's
// own) crashes in the database without a word, so it must be noticed before. The package brings a Node, in which it goes on.
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';

const REEXECUTED = 'ERRATA_REEXECUTED';
/** By major version, the oldest minor: better-sqlite3 13 crashes below 22.14, zstd came with these. */
const OLDEST_MINORS: Readonly<Record<number, number>> = { 22: 15, 23: 8 };
const OLDEST = '22.15';

/** Whether a Node of this version can run the program. */
export function isCurrentNode(version: string): boolean {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  return major >= 24 || minor >= (OLDEST_MINORS[major] ?? Infinity);
}

/** Runs `start` here, or the same command in the Node that the package brings; sets the exit code of this process. */
export async function inCurrentNode(start: () => Promise<void>): Promise<void> {
  if (!isCurrentNode(process.versions.node)) {
    process.exitCode = await runInPackagedNode();
    return;
  }
  if (process.env[REEXECUTED] !== undefined) {
    process.on('disconnect', () => process.kill(process.pid, 'SIGKILL'));
    process.channel?.unref();
  }
  await start();
}

async function runInPackagedNode(): Promise<number> {
  const explanation = `errata needs Node ${OLDEST} or newer, and was started by ${process.version}.`;
  const node = packagedNode();
  if (node === null) {
    process.stderr.write(`${explanation} Run npm ci in its folder: that brings the right one.\n`);
    return 1;
  }
  if (process.env[REEXECUTED] !== undefined) {
    process.stderr.write(`${explanation} The one in ${node} is too old as well.\n`);
    return 1;
  }
  const child = spawn(node, process.argv.slice(1), {
    // The channel carries nothing. It closes with this process, however that ends, and the child then ends too.
    stdio: ['inherit', 'inherit', 'inherit', 'ipc'],
    env: { ...process.env, [REEXECUTED]: '1' },
  });
  // Ctrl-C reaches the child by itself; this process only waits for it.
  process.on('SIGINT', () => undefined);
  process.on('SIGTERM', () => child.kill('SIGTERM'));
  return new Promise((resolve) => {
    child.on('error', (error) => {
      process.stderr.write(`${explanation} ${error.message}\n`);
      resolve(1);
    });
    child.on('close', (code, signal) => resolve(code ?? (signal === 'SIGINT' ? 130 : 1)));
  });
}

/** Null where npm was told to run no scripts, which leaves the package without its program. */
function packagedNode(): string | null {
  try {
    const node = join(dirname(createRequire(import.meta.url).resolve('node/package.json')), 'bin', 'node');
    return existsSync(node) ? node : null;
  } catch {
    return null;
  }
}
