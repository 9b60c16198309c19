// The built web host as a child process with a data folder of its own.
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

export const root = join(import.meta.dirname, '../..');
const START_MS = 60_000;
const STOP_MS = 10_000;

export class WebHost {
  /** Settings and projects. */
  readonly home: string;
  /** Signs in whoever opens it first. */
  launchUrl = '';
  #project: string | null = null;
  #process: ChildProcess | null = null;
  #errors = '';

  private constructor(home: string) {
    this.home = home;
  }

  /** @param fill makes what is to lie in its home, and gives the project that it opens; none: it opens none. */
  static async start(fill?: (home: string) => Promise<string>, largestFileKib?: number): Promise<WebHost> {
    const host = new WebHost(await mkdtemp(join(tmpdir(), 'errata-window-')));
    host.#project = fill ? await fill(host.home) : null;
    try {
      await host.run(0, largestFileKib);
    } catch (thrown) {
      await host.stop();
      throw thrown;
    }
    return host;
  }

  /** The folder of the project it was started with. */
  get project(): string {
    if (this.#project === null) throw new Error('This host was started without a project.');
    return this.#project;
  }

  get origin(): string {
    return new URL(this.launchUrl).origin;
  }

  /** The id of its process; 0 while it does not run. */
  get pid(): number {
    return this.#process?.pid ?? 0;
  }

  /** What the host wrote to its standard error. */
  get errors(): string {
    return this.#errors;
  }

  /**
   * @param port 0: any.
   * @param largestFileKib no file of the host and its engine may become larger: as if the disk were full there.
   */
  async run(port: number, largestFileKib?: number): Promise<void> {
    const roots = ['--root', this.home, '--root', join(root, '../shared')];
    const project = this.#project === null ? [] : ['--project', this.#project];
    const words = [join(root, 'out/main/web.js'), '--port', String(port), ...roots, ...project];
    // The signal that comes with the limit is ignored, so that the write fails, as it does on a full disk.
    const limit = largestFileKib === undefined ? '' : `trap '' XFSZ; ulimit -f ${largestFileKib};`;
    const child = spawn('bash', ['-c', `${limit} exec "$@"`, 'bash', join(root, 'node_modules/.bin/node'), ...words], {
      cwd: this.home,
      env: { ...process.env, ERRATA_HOME: join(this.home, 'data'), HF_HOME: join(this.home, 'hf'), HF_HUB_CACHE: '' },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    this.#process = child;
    child.stderr.setEncoding('utf8').on('data', (text: string) => (this.#errors += text));
    const timer = setTimeout(() => child.kill('SIGKILL'), START_MS);
    try {
      for await (const line of createInterface(child.stdout)) {
        const url = /http:\/\/\S+/u.exec(line)?.[0];
        if (url === undefined) continue;
        this.launchUrl = url;
        child.stdout.resume();
        return;
      }
    } finally {
      clearTimeout(timer);
    }
    throw new Error(`The web host gave no address: ${this.#errors}`);
  }

  /** As a crash or a power cut ends it. */
  async kill(): Promise<void> {
    await this.#end('SIGKILL');
  }

  /** Processes that the host has started: its engine. */
  async children(): Promise<readonly number[]> {
    const found: number[] = [];
    for (const name of await readdir('/proc')) {
      if (!/^\d+$/u.test(name)) continue;
      const status = await readFile(`/proc/${name}/stat`, 'utf8').catch(() => '');
      const parent = /\) \S (\d+)/u.exec(status)?.[1];
      if (parent !== undefined && Number(parent) === this.#process?.pid) found.push(Number(name));
    }
    return found;
  }

  async stop(): Promise<void> {
    await this.#end('SIGTERM');
    await rm(this.home, { recursive: true, force: true, maxRetries: 5 });
  }

  async #end(signal: NodeJS.Signals): Promise<void> {
    const child = this.#process;
    if (!child || child.exitCode !== null || child.signalCode !== null) return;
    const exit = once(child, 'exit');
    child.kill(signal);
    const timer = setTimeout(() => child.kill('SIGKILL'), STOP_MS);
    await exit;
    clearTimeout(timer);
  }
}
