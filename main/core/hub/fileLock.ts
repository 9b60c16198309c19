// The lock that Python's tools take while they write a blob: flock(2) on a file. Node has no such call, so a small program
// that has holds the lock for as long as its input is open; it ends with us, however we end.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir } from 'node:fs/promises';
import { dirname } from 'node:path';
import { AppError } from '../../contract/base/errors.ts';

/** Each waits for the lock, says so in one line, and ends when its input does. */
const HOLDERS: readonly (readonly [program: string, arguments_: (path: string) => readonly string[]])[] = [
  ['flock', (path) => ['-x', path, 'sh', '-c', 'echo held; cat >/dev/null']],
  [
    'perl',
    (path) => [
      '-e',
      'use Fcntl ":flock"; open(F, ">>", $ARGV[0]) && flock(F, LOCK_EX) or exit 1; $| = 1; print "held\\n"; <STDIN>;',
      path,
    ],
  ],
];

export interface LockOptions {
  readonly signal: AbortSignal;
  /** Called when the lock is not free at once. */
  readonly onWait: () => void;
  /** Called where this system has no program that can take it: what is written is checked all the same. */
  readonly onMissing: () => void;
}

const AT_ONCE_MS = 500;

/** Does the work while holding the lock `path`. @throws AppError `cancelled`; as the work. */
export async function withFileLock<T>(path: string, options: LockOptions, work: () => Promise<T>): Promise<T> {
  await mkdir(dirname(path), { recursive: true });
  const release = await takeLock(path, options);
  try {
    return await work();
  } finally {
    await release();
  }
}

async function takeLock(path: string, { signal, onWait, onMissing }: LockOptions): Promise<() => Promise<void>> {
  for (const [program, argumentsFor] of process.platform === 'win32' ? [] : HOLDERS) {
    const child = spawn(program, argumentsFor(path), { stdio: ['pipe', 'pipe', 'ignore'] });
    const timer = setTimeout(onWait, AT_ONCE_MS);
    const exit = once(child, 'exit').then(
      () => 'ended' as const,
      () => 'ended' as const, // there is no such program
    );
    child.stdin.on('error', () => undefined); // it ended before its input
    const held = once(child.stdout, 'data').then(() => 'held' as const);
    const aborted = Promise.withResolvers<'aborted'>();
    const onAbort = () => aborted.resolve('aborted');
    signal.addEventListener('abort', onAbort, { once: true });
    if (signal.aborted) onAbort();
    const state = await Promise.race([held, exit, aborted.promise]);
    clearTimeout(timer);
    signal.removeEventListener('abort', onAbort);
    const release = async () => {
      child.stdin.end();
      await exit;
    };
    if (state === 'held') return release;
    if (state === 'aborted') {
      child.kill();
      throw new AppError('cancelled', 'Cancelled.');
    }
  }
  onMissing();
  return async () => undefined;
}
