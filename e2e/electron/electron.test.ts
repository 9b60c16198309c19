// The built desktop host: start-up order, locks, IPC, the engine as a utility process; see drive.ts for what is played.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

const root = join(import.meta.dirname, '../..');
let folder: string;
let seen: Record<string, unknown>;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'errata-electron-'));
  const { stdout, stderr, status } = spawnSync(
    process.execPath,
    [join(import.meta.dirname, 'drive.ts'), join(root, 'resources/sample/model')],
    { env: { ...process.env, ERRATA_HOME: folder }, encoding: 'utf8', timeout: 120_000 },
  );
  if (status !== 0) throw new Error(`The desktop host failed: ${stderr}${stdout}`);
  seen = JSON.parse(stdout.trim().split('\n').at(-1) ?? '') as Record<string, unknown>;
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe('the desktop host', () => {
  it('is sandboxed and alone before Electron is ready, and locked before there is a window', () => {
    const order = seen['order'] as string[];
    const place = (name: string) => {
      expect(order).toContain(name);
      return order.indexOf(name);
    };
    for (const early of ['enableSandbox', 'registerSchemesAsPrivileged', 'requestSingleInstanceLock'])
      expect(place(early), early).toBeLessThan(place('ready'));
    expect(place('protocol.handle')).toBeLessThan(place('BrowserWindow'));
    expect(place('setApplicationMenu')).toBeLessThan(place('BrowserWindow'));
    expect(place('loadURL')).toBeLessThan(place('show'));
    expect(seen['window']).toMatchObject({
      show: false,
      webPreferences: { contextIsolation: true, sandbox: true, nodeIntegration: false, webviewTag: false },
    });
    expect(seen['loaded']).toEqual(['app://workbench/#/models/gpt2']);
    // Not even its own scheme may pass by the policy of pages.
    expect(seen['schemes']).toEqual([
      { scheme: 'app', privileges: { standard: true, secure: true, supportFetchAPI: true } },
    ]);
  });

  it('gives a page three functions, and nothing of Electron', () => {
    expect(seen['exposed']).toEqual(['errata', ['open', 'send', 'locationOf']]);
    expect(seen['exposedTypes']).toEqual(['function', 'function', 'function']);
  });

  it('is alone: a second one hands its link over and goes, with no window and no host', () => {
    const { stdout, status } = spawnSync(process.execPath, [join(import.meta.dirname, 'drive.ts'), '', 'second'], {
      env: { ...process.env, ERRATA_HOME: folder },
      encoding: 'utf8',
      timeout: 60_000,
    });
    expect(status).toBe(0);
    const order = JSON.parse(stdout.trim().split('\n').at(-1) ?? '') as string[];
    expect(order).toContain('quit');
    for (const later of ['whenReady', 'BrowserWindow', 'protocol.handle']) expect(order).not.toContain(later);
  });

  it('serves its own pages under the same policy as the web host, and nothing else', () => {
    const csp = "default-src 'none'";
    expect(seen['pages']).toMatchObject({
      'app://workbench/': { status: 200, csp },
      'app://workbench/host.json': { status: 200, csp },
      'app://evil/': { status: 404 },
      'app://workbench/..%2f..%2fpackage.json': { status: 404, csp },
      'app://workbench/blob/job/x/log': { status: 404, csp },
    });
  });

  it('saves files of its own pages only', () => {
    expect(seen['downloads']).toEqual(['blob:app://workbench/1', 'app://workbench/blob/x']);
  });

  it('goes nowhere else, opens only the web and mail, permits only copying', () => {
    expect([seen['foreign'], seen['own']]).toEqual([[], true]);
    expect(new Set(seen['opened'] as string[])).toEqual(new Set(['deny']));
    expect(seen['external']).toEqual(['https://example.org/', 'mailto:a@example.org']);
    expect(seen['permissions']).toEqual({
      media: false,
      geolocation: false,
      notifications: false,
      'clipboard-read': false,
      'clipboard-sanitized-write': true,
    });
    expect(seen['checks']).toEqual([true, false, false]);
  });

  it('hears its own frames only; a page gets places that were chosen, and no others', () => {
    expect(seen['refused']).toEqual([true, null, true, null, true, null]);
    expect(seen['facts']).toMatchObject({ host: 'electron', files: 'dialog' });
    expect(seen['picked']).toEqual(['model', true, null]);
    expect(seen['notDropped']).toEqual([null, null]);
    expect(seen['browsed']).toBe('unsupported');
  });

  it('computes in a utility process, which may die', () => {
    expect(seen['model']).toEqual(['dropped', 3, 1]);
    expect(seen['after']).toBe(3);
  });

  it('has the registry’s commands in its menu, follows links that lead to a view, reloads a page that crashes', () => {
    expect(seen['menu']).toContainEqual(['view.palette', 'CmdOrCtrl+K']);
    expect(seen['menu']).toContainEqual(['help.keys', null]);
    expect(seen['told']).toEqual([
      { type: 'command', id: 'view.palette' },
      { type: 'navigate', hash: '#/dictionaries/first' },
    ]);
    expect(seen['reloads']).toBe(3);
  });

  it('ends in order: the window’s place is kept, the engine is gone', () => {
    expect(seen['quits']).toBe(2);
    expect(new Set(seen['engines'] as boolean[])).toEqual(new Set([true]));
    const settings = JSON.parse(readFileSync(join(folder, 'settings.json'), 'utf8')) as Record<string, unknown>;
    expect(settings['window']).toEqual({ x: 10, y: 20, width: 1000, height: 700, isMaximized: false });
  });
});
