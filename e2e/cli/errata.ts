// Runs the built command line as a person does, in a process of its own.
import { spawn, type ChildProcess } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const root = join(import.meta.dirname, '../..');
const CLI = join(root, 'out/main/cli.js');

export interface Outcome {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface Running {
  readonly child: ChildProcess;
  readonly outcome: Promise<Outcome>;
  /** Resolves when standard output and error together match. */
  seen(pattern: RegExp): Promise<void>;
}

export interface StartOptions {
  readonly cwd?: string;
  /** Beside the environment of the tests. */
  readonly env?: Readonly<Record<string, string>>;
}

/** @param words the command line after `errata`. */
export function start(words: readonly string[], { cwd = tmpdir(), env = {} }: StartOptions = {}): Running {
  if (!existsSync(CLI)) throw new Error('The program is not built: npm run build.');
  const child = spawn(process.execPath, [CLI, ...words], {
    cwd,
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let stdout = '';
  let stderr = '';
  const waiting: { pattern: RegExp; resolve: () => void }[] = [];
  const look = () => {
    for (const { pattern, resolve } of waiting) if (pattern.test(stdout + stderr)) resolve();
  };
  child.stdout.setEncoding('utf8').on('data', (text: string) => ((stdout += text), look()));
  child.stderr.setEncoding('utf8').on('data', (text: string) => ((stderr += text), look()));
  const outcome = new Promise<Outcome>((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code, signal) => resolve({ code, signal, stdout, stderr }));
  });
  const seen = (pattern: RegExp) =>
    Promise.race([
      new Promise<void>((resolve) => {
        waiting.push({ pattern, resolve });
        look();
      }),
      outcome.then(() => {
        if (!pattern.test(stdout + stderr)) throw new Error(`It ended without ${pattern.source}:\n${stdout}${stderr}`);
      }),
    ]);
  return { child, outcome, seen };
}

export function run(words: readonly string[], options: StartOptions = {}): Promise<Outcome> {
  return start(words, options).outcome;
}

/** The object of the last line of standard output, with which the command must have ended well. */
export async function json(words: readonly string[], options: StartOptions = {}): Promise<Record<string, unknown>> {
  const { code, stdout, stderr } = await run([...words, '--json'], options);
  if (code !== 0) throw new Error(`errata ${words.join(' ')} failed with ${code}:\n${stdout}\n${stderr}`);
  return lastObject(stdout);
}

/** The error of a command that must fail, as --json tells it. */
export async function failure(
  words: readonly string[],
  options: StartOptions = {},
): Promise<{ exitCode: number | null; code: string; message: string }> {
  const { code, stdout } = await run([...words, '--json'], options);
  const { error } = lastObject(stdout) as { error?: { code: string; message: string } };
  if (!error) throw new Error(`errata ${words.join(' ')} did not fail.`);
  return { exitCode: code, code: error.code, message: error.message };
}

export function lastObject(stdout: string): Record<string, unknown> {
  return JSON.parse(stdout.trimEnd().split('\n').at(-1) ?? '') as Record<string, unknown>;
}

/** A folder that is gone after the tests of a file. */
export async function temporaryFolder(): Promise<{ path: string; remove: () => Promise<void> }> {
  const path = await mkdtemp(join(tmpdir(), 'errata-e2e-'));
  return { path, remove: () => rm(path, { recursive: true, force: true }) };
}

/** Things that may be absent: the shipped sample model, and the reference models beside the repository. */
export const sampleModel = presentOr(join(root, 'resources/sample/model'));
export const storiesModel = presentOr(join(root, '../shared/fixtures/models/stories260K'));
export const storiesText = presentOr(join(root, '../shared/fixtures/corpora/tinystories/tiny_stories.txt'));

function presentOr(path: string): string | null {
  return existsSync(path) ? path : null;
}
