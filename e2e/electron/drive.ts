// Runs the built desktop host and its built preload script against the fake, plays what a person and the system do, and
// prints what came of it as one line of JSON. Arguments: a folder whose model may be dropped on the window.
import { createRequire, registerHooks } from 'node:module';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { pathToFileURL } from 'node:url';
import { createConnection } from '../../main/contract/rpc/client.ts';
import { contract } from '../../main/contract/api/contract.ts';
import { connectToHost, hostBridge } from '../../main/contract/api/host.ts';
import type { HostEvent } from '../../main/contract/api/events.ts';

const fakeUrl = new URL('./fakeElectron.ts', import.meta.url).href;
registerHooks({
  resolve: (specifier, context, next) =>
    specifier === 'electron' ? { url: fakeUrl, shortCircuit: true } : next(specifier, context),
});
const fake = await import('./fakeElectron.ts');
const out = join(import.meta.dirname, '../../out');
const result: Record<string, unknown> = {};
const model = process.argv[2] ?? '';

async function until(isSo: () => boolean, what: string): Promise<void> {
  for (let i = 0; i < 1500; i++) {
    if (isSo()) return;
    await delay(10);
  }
  throw new Error(`It did not come to pass: ${what}.`);
}
const called = (name: string) => fake.calls.filter(([each]) => each === name);

// A second one, while another has the lock.
if (process.argv[3] === 'second') {
  fake.app.isFirst = false;
  await import(pathToFileURL(join(out, 'main/index.js')).href);
  await delay(50);
  process.stdout.write(`${JSON.stringify(fake.calls.map(([name]) => name))}\n`);
  process.exit();
}

// Start: the link that it is started with is followed once there is a page.
process.argv.push('errata://models/gpt2');
await import(pathToFileURL(join(out, 'main/index.js')).href);
await delay(20);
fake.app.becomeReady();
await until(() => called('show').length > 0, 'the window');
result['order'] = fake.calls.map(([name]) => name);
result['window'] = called('BrowserWindow')[0]?.[1];
result['schemes'] = called('registerSchemesAsPrivileged')[0]?.[1];
result['loaded'] = called('loadURL').map(([, url]) => url);
const [window] = fake.BrowserWindow.windows;
if (!window) throw new Error('No window.');

// Pages.
const ask = async (url: string) => {
  const answer = await fake.protocol.handlers.get('app')?.(new Request(url));
  return { status: answer?.status, csp: answer?.headers.get('Content-Security-Policy')?.slice(0, 18) };
};
const urls = [
  'app://workbench/',
  'app://workbench/host.json',
  'app://evil/',
  'app://workbench/..%2f..%2fpackage.json',
  'app://workbench/blob/job/x/log',
];
result['pages'] = Object.fromEntries(await Promise.all(urls.map(async (url) => [url, await ask(url)] as const)));

// Locks.
const goes = (event: string, url: string) => {
  let isPrevented = false;
  window.webContents.emit(event, { url, preventDefault: () => (isPrevented = true) });
  return !isPrevented;
};
const foreign = [
  'https://evil.test/',
  'file:///etc/passwd',
  'app://evil/',
  'app://workbench.evil/',
  'app://x@workbench/',
  'javascript:alert(1)',
  'no address',
];
result['foreign'] = ['will-navigate', 'will-redirect', 'will-frame-navigate', 'will-attach-webview'].flatMap((event) =>
  foreign.filter((url) => goes(event, url)),
);
result['own'] = goes('will-navigate', 'app://workbench/#/models');
result['opened'] = ['https://example.org/', 'mailto:a@example.org', ...foreign.slice(1)].map(
  (url) => window.webContents.openHandler({ url }).action,
);
result['external'] = called('openExternal').map(([, url]) => url);
result['downloads'] = [
  ...foreign,
  'blob:https://evil.test/1',
  'blob:app://workbench/1',
  'app://workbench/blob/x',
].filter((url) => {
  let isPrevented = false;
  fake.session.downloads.will?.({ preventDefault: () => (isPrevented = true) }, { getURL: () => url });
  return !isPrevented;
});
const asked: Record<string, boolean> = {};
for (const permission of ['media', 'geolocation', 'notifications', 'clipboard-read', 'clipboard-sanitized-write']) {
  fake.session.permissions.request?.(window.webContents, permission, (isAllowed) => (asked[permission] = isAllowed));
}
result['permissions'] = asked;
result['checks'] = [
  fake.session.permissions.check?.(window.webContents, 'clipboard-sanitized-write', 'app://workbench'),
  fake.session.permissions.check?.(window.webContents, 'clipboard-sanitized-write', 'https://evil.test'),
  fake.session.permissions.check?.(window.webContents, 'media', 'app://workbench'),
];

// Messages of frames that are not ours: the preload script of such a page gets no answer.
createRequire(import.meta.url)(join(out, 'preload/index.cjs'));
const bridge = hostBridge();
const [exposed] = called('exposeInMainWorld');
result['exposed'] = exposed?.slice(1);
result['exposedTypes'] = Object.values(bridge ?? {}).map((value) => typeof value);
const file = Object.assign(new File([''], 'model'), { path: model });
const refused: unknown[] = [];
for (const frame of [null, { url: 'https://evil.test/' }, { url: 'app://evil/' }]) {
  fake.page.frame = frame;
  const before = called('port closed').length;
  bridge?.open(
    () => refused.push('answered'),
    () => undefined,
  );
  bridge?.send(JSON.stringify({ type: 'call', id: 1, procedure: 'app.facts', input: {} }));
  await delay(30);
  refused.push(called('port closed').length > before, await bridge?.locationOf(file));
}
result['refused'] = refused;

// Our own page, over the bridge, as the renderer connects.
fake.page.frame = { url: 'app://workbench/#/models' };
const { api } = createConnection(contract, connectToHost);
const events: HostEvent[] = [];
void api.events.watch({}, { onChunk: (event) => events.push(event) }).catch(() => undefined);
result['facts'] = await api.app.facts();
await api.app.changeSettings({ device: 'cpu' });
const dropped = await bridge?.locationOf(file);
result['notDropped'] = [await bridge?.locationOf(new File([''], 'made by a script')), await bridge?.locationOf({})];
fake.dialog.answer = { canceled: false, filePaths: [model] };
const picked = await api.files.pick({ purpose: 'model' });
fake.dialog.answer = { canceled: true, filePaths: [] };
result['picked'] = [picked?.holds, picked?.location === dropped, await api.files.pick({ purpose: 'model' })];
result['browsed'] = await api.files.locate({ path: '/etc' }).catch((thrown: { code: string }) => thrown.code);
await api.project.create({ name: 'mine' });
const added = await api.model.add({ location: dropped ?? '', name: 'dropped' });
const { next } = await api.model.nextTokens({ model: 'dropped', prompt: 'The', count: 3 });
result['model'] = [added.name, next.length, called('utilityProcess.fork').length];

// The menu, links, crashes.
const items = fake.Menu.template.flatMap(({ submenu = [] }) => submenu);
result['menu'] = items.flatMap(({ id, accelerator }) => (id === undefined ? [] : [[id, accelerator ?? null]]));
items.find(({ id }) => id === 'view.palette')?.click?.();
fake.app.emit('second-instance', {}, ['errata', 'errata://dictionaries/first']);
fake.app.emit('second-instance', {}, ['errata', 'errata://models/..%2f..%2fx']);
fake.app.emit('open-url', { preventDefault: () => undefined }, 'errata://evil/models');
await until(() => events.some(({ type }) => type === 'navigate'), 'the link');
result['told'] = events.filter(({ type }) => type === 'command' || type === 'navigate');
const loads = called('loadURL').length;
for (let i = 0; i < 5; i++) window.webContents.emit('render-process-gone', {}, { reason: 'crashed' });
result['reloads'] = called('loadURL').length - loads;

// The engine dies, and comes back with the next call.
fake.utilityProcess.children.at(-1)?.kill('SIGKILL');
await until(() => (fake.utilityProcess.children.at(-1)?.killed ?? false) === true, 'the death of the engine');
await delay(100);
result['after'] = (await api.model.nextTokens({ model: 'dropped', prompt: 'The', count: 3 })).next.length;

// The end.
window.emit('close');
await delay(100);
fake.app.emit('window-all-closed');
await until(() => called('exit').length > 0, 'the end');
result['quits'] = called('quit').length;
result['engines'] = fake.utilityProcess.children.map(
  ({ exitCode, signalCode }) => exitCode !== null || signalCode !== null,
);
process.stdout.write(`${JSON.stringify(result)}\n`);
process.exit();
