// Starting the built program: what it says, where it listens, how it ends.
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ANOTHER_USER, programForAnotherUser } from './anotherUser.ts';

const root = join(import.meta.dirname, '../..');
const WEB = join(root, 'out/main/web.js');
const START = join(root, 'bin/start.js');
let folder: string;
beforeAll(() => (folder = mkdtempSync(join(tmpdir(), 'errata-serve-'))));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

interface Started {
  readonly child: ChildProcess;
  readonly said: () => { out: string; err: string };
  readonly code: Promise<number | null>;
  /** Resolves when it has said so, wherever. */
  readonly seen: (what: RegExp) => Promise<string>;
}

function start(
  script: string,
  words: readonly string[],
  options: { env?: NodeJS.ProcessEnv; uid?: number; node?: string } = {},
): Started {
  const { env = {}, uid, node = process.execPath } = options;
  const child = spawn(node, [script, ...words], {
    cwd: folder,
    env: { ...process.env, ERRATA_HOME: join(folder, 'home'), ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
    ...(uid === undefined ? {} : { uid, gid: uid }),
  });
  let out = '';
  let err = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => (out += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (err += text));
  const code = once(child, 'close').then(([status]) => status as number | null);
  return {
    child,
    code,
    said: () => ({ out, err }),
    seen: async (what) => {
      for (;;) {
        const found = what.exec(out + err)?.[0];
        if (found !== undefined) return found;
        const ended = await Promise.race([
          code.then(() => true),
          new Promise<false>((go) => setTimeout(go, 30, false)),
        ]);
        if (ended && !what.test(out + err)) throw new Error(`It ended without saying ${what.source}: ${out}${err}`);
      }
    },
  };
}

async function stop({ child, code }: Started): Promise<number | null> {
  child.kill('SIGTERM');
  return code;
}

describe('npm run serve', () => {
  it('tells its options, and refuses what it does not know', async () => {
    const help = start(WEB, ['--help']);
    expect([await help.code, help.said().err]).toEqual([0, '']);
    for (const option of ['--port', '--project', '--root', '--open', '--host'])
      expect(help.said().out).toContain(option);
    const wrong = start(WEB, ['--prot', '80']);
    expect([await wrong.code, wrong.said().out]).toEqual([2, '']);
    expect(wrong.said().err).toContain('--prot');
  });

  it('prints one address, which signs in once; nobody finds the token in what it says afterwards', async () => {
    const host = start(WEB, []);
    const url = await host.seen(/http:\/\/127\.0\.0\.1:\d+\/\?token=[\w-]{43}(?=\s)/u);
    const before = host.said();
    const first = await fetch(url, { redirect: 'manual' });
    expect([first.status, first.headers.get('location')]).toEqual([302, '/']);
    expect((await fetch(url, { redirect: 'manual' })).status).toBe(401);
    expect(before.out.match(/http:/gu)).toHaveLength(1);
    expect(await stop(host)).toBe(0);
    const after = host.said();
    expect((after.out + after.err).split('token=').length - 1).toBe(1);
    expect(after.out).toContain('Stopping');
  });

  it('says when the port is taken, when the project is not there, when other machines can reach it', async () => {
    const taken = createServer().listen(0, '127.0.0.1');
    await once(taken, 'listening');
    const address = taken.address();
    const port = typeof address === 'object' && address ? String(address.port) : '';
    const second = start(WEB, ['--port', port]);
    expect(await second.code).toBe(1);
    expect(second.said().err).toBe('errata: The port is taken by another program: choose another with --port.\n');
    taken.close();
    const lost = start(WEB, ['--project', join(folder, 'nowhere')]);
    expect(await lost.code).toBe(1);
    expect(lost.said().err).toContain('nowhere');
    const exposed = start(WEB, ['--host', '0.0.0.0']);
    await exposed.seen(/token=/u);
    expect(exposed.said().err).toMatch(/warning: it listens on 0\.0\.0\.0, without encryption/u);
    await stop(exposed);
  });
});

describe('npm start', () => {
  it('tells its options without building or opening anything', async () => {
    const help = start(START, ['--help']);
    expect([await help.code, help.said().err]).toEqual([0, '']);
    expect(help.said().out).toMatch(/--web[^]*--no-open/u);
  });

  it('serves for the browser when asked to, passing on what is the web host’s, and ends with it', async () => {
    const started = start(START, ['--web', '--no-open', '--project', join(folder, 'nowhere')]);
    expect(await started.code).toBe(1);
    expect(started.said().err).toMatch(/For the browser: as asked\.[^]*nowhere/u);
  });

  it.runIf(process.platform === 'linux')('says why there is no desktop window', async () => {
    const blind = { DISPLAY: '', WAYLAND_DISPLAY: '' };
    const started = start(START, ['--no-open'], { env: blind });
    await started.seen(/For the browser: there is no display\./u);
    await started.seen(/token=/u);
    expect(await stop(started)).toBe(0);
  });

  // Only root can be another user; Electron’s sandbox refuses root itself.
  it.runIf(process.platform === 'linux' && process.getuid?.() === 0)(
    'says so where Electron is neither here nor to be had',
    async (context) => {
      const home = join(folder, 'theirs');
      mkdirSync(home);
      chmodSync(folder, 0o777);
      const program = programForAnotherUser(root, START, folder);
      if (program === null)
        return context.skip(`No other user reaches ${root}, and it cannot be linked into ${folder}.`);
      chmodSync(home, 0o777);
      const env = { DISPLAY: ':99', ELECTRON_MIRROR: 'http://127.0.0.1:9/', ERRATA_HOME: home, HOME: home };
      const started = start(program.script, ['--no-open'], { env, uid: ANOTHER_USER, node: program.node });
      await started.seen(/Electron is not here and cannot be had\./u);
      await started.seen(/token=/u);
      await stop(started);
    },
  );
});
