#!/usr/bin/env node
// What `npm start` runs: builds if the sources are newer than the build, then opens the workbench as a desktop app where
// Electron's binary is here or can be had, else in the browser. Plain JavaScript, since it runs before anything is built.
import { spawn, spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';

const root = join(import.meta.dirname, '..');
const electron = join(root, 'node_modules/electron');
const words = process.argv.slice(2);
const say = (line) => process.stderr.write(`${line}\n`);

/** A program that fails so soon has not opened a window. */
const FAILS_WITHIN_MS = 5000;
const REACHABLE_WITHIN_MS = 1500;
const DOWNLOAD_MS = 10 * 60_000;

/** The latest change below a folder. */
function newest(path) {
  const found = statSync(path, { throwIfNoEntry: false });
  if (!found) return 0;
  if (!found.isDirectory()) return found.mtimeMs;
  return Math.max(0, ...readdirSync(path).map((name) => newest(join(path, name))));
}

function build() {
  const built = statSync(join(root, 'out/main/web.js'), { throwIfNoEntry: false })?.mtimeMs ?? 0;
  const page = statSync(join(root, 'out/renderer/index.html'), { throwIfNoEntry: false })?.mtimeMs ?? 0;
  const sources = ['main', 'renderer', 'preload', 'package.json', 'electron.vite.config.ts'];
  const latest = Math.max(...sources.map((name) => newest(join(root, name))));
  if (Math.min(built, page) > latest) return;
  say('Building…');
  const script = join(root, 'node_modules/electron-vite/bin/electron-vite.js');
  const { status } = spawnSync(process.execPath, [script, 'build', '--logLevel', 'warn'], {
    cwd: root,
    stdio: 'inherit',
  });
  if (status !== 0) process.exit(status ?? 1);
}

/** Why there can be no window here; null: there can. */
function noWindow() {
  if (words.includes('--web')) return 'as asked';
  if (process.platform !== 'linux') return null;
  if (!process.env.DISPLAY && !process.env.WAYLAND_DISPLAY) return 'there is no display';
  return process.getuid?.() === 0 ? 'Electron’s sandbox does not run as root' : null;
}

function binary() {
  const name = join(electron, 'path.txt');
  if (!existsSync(name)) return null;
  const path = join(process.env.ELECTRON_OVERRIDE_DIST_PATH ?? join(electron, 'dist'), readFileSync(name, 'utf8'));
  return existsSync(path) ? path : null;
}

/** Whether the place that Electron is downloaded from answers: asked before, so that being offline costs a moment. */
function isReachable() {
  const mirror = process.env.ELECTRON_MIRROR ?? process.env.npm_config_electron_mirror ?? 'https://github.com/';
  if (!URL.canParse(mirror)) return Promise.resolve(false);
  const { hostname, port, protocol } = new URL(mirror);
  return new Promise((resolve) => {
    const socket = connect({ host: hostname, port: Number(port) || (protocol === 'http:' ? 80 : 443) });
    const end = (isThere) => {
      clearTimeout(timer);
      socket.destroy();
      resolve(isThere);
    };
    const timer = setTimeout(() => end(false), REACHABLE_WITHIN_MS);
    socket.on('connect', () => end(true));
    socket.on('error', () => end(false));
  });
}

async function obtain() {
  const here = binary();
  if (here !== null || !existsSync(join(electron, 'install.js')) || !(await isReachable())) return here;
  say('Downloading Electron, once…');
  const { status } = spawnSync(process.execPath, [join(electron, 'install.js')], {
    stdio: ['ignore', 'ignore', 'ignore'],
    timeout: DOWNLOAD_MS,
  });
  return status === 0 ? binary() : null;
}

/** @returns the exit code; null: it failed before there was a window. */
function runElectron(path) {
  const startedAt = Date.now();
  return new Promise((resolve) => {
    const child = spawn(path, [root], { stdio: 'inherit' });
    const hasFailed = (code) => code !== 0 && Date.now() - startedAt < FAILS_WITHIN_MS;
    child.on('error', () => resolve(null));
    child.on('exit', (code) => resolve(hasFailed(code) ? null : (code ?? 1)));
  });
}

const HELP = `npm start: builds what is needed and opens the workbench, as a desktop app where Electron can run, else in the browser.

  --web      in the browser in any case
  --no-open  do not open the browser; print the address only
  --help     show this text

Everything else is for the web host; npm run serve -- --help tells what it takes.
`;
if (words.some((word) => word === '--help' || word === '-h')) {
  process.stdout.write(HELP);
  process.exit();
}
build();
let reason = noWindow();
if (reason === null) {
  const path = await obtain();
  const code = path === null ? null : await runElectron(path);
  if (code !== null) process.exit(code);
  reason = path === null ? 'Electron is not here and cannot be had' : 'Electron did not start';
}
say(`${words.includes('--no-open') ? 'For the browser' : 'Opening in the browser'}: ${reason}.`);
const passed = words.filter((word) => word !== '--web' && word !== '--no-open');
const options = words.includes('--no-open') ? passed : ['--open', ...passed];
const host = spawn(process.execPath, [join(root, 'out/main/web.js'), ...options], { stdio: 'inherit' });
for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => host.kill(signal));
host.on('exit', (code, signal) => process.exit(signal === null ? (code ?? 1) : 130));
