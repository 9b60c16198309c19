// The desktop host: one locked-down window on the pages and the API that the web host serves too. Numbers: the rules of
// Electron's security checklist. What is decided without Electron is in desktop.ts.
import { join } from 'node:path';
import {
  app,
  BrowserWindow,
  ipcMain,
  Menu,
  protocol,
  screen,
  session,
  shell,
  type IpcMainEvent,
  type IpcMainInvokeEvent,
  type MenuItemConstructorOptions,
} from 'electron';
import packageFacts from '../../../package.json' with { type: 'json' };
import { jsonChannel, type TextChannel } from '../../contract/rpc/channel.ts';
import { storageThread } from '../../storage/storageWork.ts';
import { createHost, type Host } from '../api/createHost.ts';
import { placeAt } from '../api/places.ts';
import { dataFolder } from '../dataFolder.ts';
import { loadPages } from '../pages.ts';
import {
  isOurs,
  LINK_SCHEME,
  linkAmong,
  linkTarget,
  mayDownload,
  mayOpenExternally,
  menuGroups,
  openingBounds,
  ORIGIN,
  SCHEME,
  SMALLEST,
} from './desktop.ts';
import { dialogFiles } from './dialogFiles.ts';
import { utilityLauncher } from './utilityLauncher.ts';

const HERE = import.meta.dirname; // out/main
/** A page that crashes again and again is not loaded again. */
const MOST_CRASHES = 3;

let host: Host | null = null;
let window: BrowserWindow | null = null;
/** A link that came before there was a page. */
let pendingLink: string | null = linkAmong(process.argv);

app.enableSandbox(); // 4
protocol.registerSchemesAsPrivileged([
  { scheme: SCHEME, privileges: { standard: true, secure: true, supportFetchAPI: true } },
]);

if (app.requestSingleInstanceLock()) start();
else app.quit();

function start(): void {
  app.setAsDefaultProtocolClient(LINK_SCHEME);
  app.on('second-instance', (_event, words) => {
    window?.restore();
    window?.focus();
    follow(linkAmong(words));
  });
  app.on('open-url', (event, link) => {
    event.preventDefault();
    follow(linkTarget(link));
  });

  // 13, 14, 12: nothing but our own pages is ever loaded, in no window and no frame.
  app.on('web-contents-created', (_event, contents) => {
    const stay = (event: { preventDefault(): void; url: string }) => {
      if (!isOurs(event.url)) event.preventDefault();
    };
    contents.on('will-navigate', stay);
    contents.on('will-redirect', stay);
    contents.on('will-frame-navigate', stay);
    contents.on('will-attach-webview', (event) => event.preventDefault());
    contents.setWindowOpenHandler(({ url }) => {
      if (mayOpenExternally(url)) void shell.openExternal(url); // 15
      return { action: 'deny' };
    });
  });
  app.on('window-all-closed', () => app.quit());
  app.on('activate', () => {
    if (host && !window) openWindow(host);
  });
  let isStopped = false;
  app.on('before-quit', (event) => {
    if (isStopped || !host) return;
    event.preventDefault(); // jobs first reach their checkpoint
    void host.stop().finally(() => {
      isStopped = true;
      app.quit();
    });
  });
  // Not awaited at the top level: Electron becomes ready only after this module has been evaluated.
  void app.whenReady().then(begin);
}

async function begin(): Promise<void> {
  lockSession();
  const started = await createHost({
    kind: 'electron',
    name: 'the desktop app',
    version: packageFacts.version,
    dataFolder: dataFolder(),
    sampleFolder: app.isPackaged ? join(process.resourcesPath, 'sample') : join(HERE, '../../resources/sample'),
    thread: storageThread(join(HERE, 'storage.js')),
    launch: utilityLauncher(join(HERE, 'engine.js')),
    files: dialogFiles,
    log: (line) => process.stderr.write(`errata: ${line}\n`),
  });
  host = started;
  const facts = { kind: 'electron', version: packageFacts.version } as const;
  const answer = await loadPages(join(HERE, '../renderer'), facts, (request) => started.blob(request));
  protocol.handle(SCHEME, (request) => (isOurs(request.url) ? answer(request) : new Response(null, { status: 404 }))); // 18
  connectPages(started);
  Menu.setApplicationMenu(menu(started));
  openWindow(started);
}

/** 5: nothing is permitted but copying to the clipboard. */
function lockSession(): void {
  const isAllowed = (permission: string) => permission === 'clipboard-sanitized-write';
  const own = session.defaultSession;
  own.setPermissionRequestHandler((contents, permission, decide) =>
    decide(isAllowed(permission) && isOurs(contents.getURL())),
  );
  own.setPermissionCheckHandler((_contents, permission, origin) => isAllowed(permission) && isOurs(`${origin}/`));
  // What a page of ours made or a host of ours gave; no other address puts a file on the disk.
  own.on('will-download', (event, item) => {
    if (!mayDownload(item.getURL())) event.preventDefault();
  });
}

/** 17: only a frame of ours is heard, and none that is gone. */
function isFromUs({ senderFrame }: IpcMainEvent | IpcMainInvokeEvent): boolean {
  return senderFrame !== null && isOurs(senderFrame.url);
}

function connectPages({ served, context }: Host): void {
  ipcMain.on('errata:connect', (event) => {
    const [port] = event.ports;
    if (!port) return;
    if (!isFromUs(event)) {
      port.close();
      return;
    }
    const channel: TextChannel = {
      send: (text) => port.postMessage(text),
      onText: (listener) =>
        port.on('message', ({ data }: { data: unknown }) => {
          if (typeof data === 'string') listener(data);
        }),
      onClose: (listener) => port.once('close', listener),
      close: () => port.close(),
    };
    served.serve(jsonChannel(channel));
    port.start();
  });
  ipcMain.handle('errata:grant', async (event, path: unknown) => {
    if (!isFromUs(event) || typeof path !== 'string') return null;
    return placeAt(path, context.locations).then(
      ({ location }) => location,
      () => null,
    );
  });
}

function openWindow({ context }: Host): void {
  const kept = context.settings.window;
  const opened = new BrowserWindow({
    ...openingBounds(
      kept,
      screen.getAllDisplays().map(({ workArea }) => workArea),
    ),
    minWidth: SMALLEST.width,
    minHeight: SMALLEST.height,
    title: 'Errata',
    show: false,
    webPreferences: {
      preload: join(HERE, '../preload/index.cjs'),
      contextIsolation: true, // 3
      sandbox: true, // 4
      nodeIntegration: false, // 2
      webviewTag: false, // 12
      webSecurity: true, // 6
      spellcheck: false, // it would fetch dictionaries
    },
  });
  window = opened;
  if (kept?.isMaximized === true) opened.maximize();
  opened.once('ready-to-show', () => opened.show());
  opened.on('close', () => {
    const keeping = { ...opened.getNormalBounds(), isMaximized: opened.isMaximized() };
    context.settings.keepWindow(keeping).catch(() => undefined); // where a window stood is not worth an error
  });
  opened.on('closed', () => (window = null));
  let crashes = 0;
  opened.webContents.on('render-process-gone', (_event, { reason }) => {
    if (reason === 'clean-exit' || ++crashes > MOST_CRASHES) return;
    void opened.loadURL(address()); // the work goes on in the host; the page catches up
  });
  void opened.loadURL(address());
}

/** The page, at the view of the link that waits. */
function address(): string {
  const hash = pendingLink ?? '';
  pendingLink = null;
  return `${ORIGIN}/${hash}`;
}

function follow(hash: string | null): void {
  if (hash === null) return;
  if (host && window) host.context.events.emit({ type: 'navigate', hash });
  else pendingLink = hash;
}

function menu({ context }: Host): Menu {
  const groups = menuGroups().map(({ group, items }): MenuItemConstructorOptions => ({
    label: group,
    submenu: [
      ...items.map(({ id, title, accelerator }): MenuItemConstructorOptions => ({
        id,
        label: title,
        // Shown only: the page hears its keys itself, so that a key does one thing once.
        ...(accelerator === null ? {} : { accelerator, registerAccelerator: false }),
        click: () => context.events.emit({ type: 'command', id }),
      })),
      ...(EXTRAS[group] ?? []),
    ],
  }));
  return Menu.buildFromTemplate([...(process.platform === 'darwin' ? [{ role: 'appMenu' as const }] : []), ...groups]);
}

const EXTRAS: Readonly<Record<string, readonly MenuItemConstructorOptions[]>> = {
  File: [{ type: 'separator' }, { role: process.platform === 'darwin' ? 'close' : 'quit' }],
  Edit: [{ type: 'separator' }, { role: 'cut' }, { role: 'copy' }, { role: 'paste' }, { role: 'selectAll' }],
  View: [
    { type: 'separator' },
    { role: 'resetZoom' },
    { role: 'zoomIn' },
    { role: 'zoomOut' },
    { role: 'togglefullscreen' },
  ],
};
