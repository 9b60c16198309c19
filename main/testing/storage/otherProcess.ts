// A second process with a project open: to be killed, to compete, to be refused. Only tests import this file.
import { spawn, type ChildProcessWithoutNullStreams } from 'node:child_process';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { DICTIONARY, MODEL } from './temporaryProject.ts';

export interface OtherProcess {
  readonly child: ChildProcessWithoutNullStreams;
  /** Lines it has printed so far; `onLine` sees each as it comes. */
  readonly lines: readonly string[];
  onLine: (line: string) => void;
  /** Its exit code or the signal that ended it, with what it printed to standard error. */
  readonly ended: Promise<{ code: number | null; signal: string | null; stderr: string }>;
}

export interface StartOptions {
  /** As another user, where this process is root (whom no permission stops). */
  readonly unprivileged?: boolean | undefined;
  /** Largest file it may write, in KiB: a disk that is full. */
  readonly fileLimitKib?: number | undefined;
}

/** Once all code is loaded, SQLite's addon too: another user may not reach a clone under /root. */
const DROP_PRIVILEGES = `
    const { default: Database } = await import('better-sqlite3');
    new Database(':memory:').close();
    process.setgroups([]);
    process.setgid(65534);
    process.setuid(65534);`;

/**
 * Runs `body`, an async function's JavaScript, with `folder`, `openProject`, `createProject`, `say(line)` (printed at once,
 * so that what was said has happened) and `f(feature)`, `DICTIONARY`, `MODEL` in reach.
 */
export function startProcess(folder: string, body: string, options: StartOptions = {}): OtherProcess {
  const urlOf = (name: string) => pathToFileURL(join(import.meta.dirname, `../../storage/project/${name}.ts`)).href;
  const code = `
    import { writeSync } from 'node:fs';
    import { createProject } from ${JSON.stringify(urlOf('create'))};
    import { openProject } from ${JSON.stringify(urlOf('open'))};
    process.on('SIGXFSZ', () => {}); // the limit on a file's size is to be an error of the write, as a full disk's is
    const say = (line) => writeSync(1, line + '\\n');
    const folder = ${JSON.stringify(folder)}, DICTIONARY = ${JSON.stringify(DICTIONARY)}, MODEL = ${JSON.stringify(MODEL)};
    const f = (feature) => ({ dictionary: DICTIONARY, feature });
    const told = (thrown) => JSON.stringify({ code: thrown.code, message: thrown.message });
    ${options.unprivileged === true && process.getuid?.() === 0 ? DROP_PRIVILEGES : ''}
    ${body}`;
  const node = [process.execPath, '--input-type=module', '-e', code];
  const [command = '', ...rest] =
    options.fileLimitKib === undefined
      ? node
      : ['bash', '-c', `ulimit -f ${options.fileLimitKib}; exec "$@"`, 'bash', ...node];
  const child = spawn(command, rest, { stdio: 'pipe', cwd: import.meta.dirname });
  const lines: string[] = [];
  let stderr = '';
  let open = '';
  const other: OtherProcess = {
    child,
    lines,
    onLine: () => undefined,
    ended: new Promise((resolve, reject) => {
      child.on('error', reject);
      child.on('close', (exit, signal) => resolve({ code: exit, signal, stderr }));
    }),
  };
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    const pieces = (open + text).split('\n');
    open = pieces.pop() ?? '';
    for (const line of pieces) {
      lines.push(line);
      other.onLine(line);
    }
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
  return other;
}
