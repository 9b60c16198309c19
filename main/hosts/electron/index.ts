// The desktop host: one locked-down window on the pages that the web host serves too. In this version the window shows
// which host serves it; the work is done with the command line. Numbers: the rules of Electron's security checklist.
import { join } from 'node:path';
import { app, BrowserWindow, protocol, session } from 'electron';
import packageFacts from '../../../package.json' with { type: 'json' };
import { loadPages } from '../pages.ts';

const ORIGIN = 'app://workbench';

app.enableSandbox(); // 4
protocol.registerSchemesAsPrivileged([
  { scheme: 'app', privileges: { standard: true, secure: true, supportFetchAPI: true } },
]);

// 13, 14, 12: nothing but our own pages is ever loaded, in no window and no frame.
app.on('web-contents-created', (_event, contents) => {
  const stay = (event: { preventDefault(): void; url: string }) => {
    if (!URL.canParse(event.url) || new URL(event.url).origin !== ORIGIN) event.preventDefault();
  };
  contents.on('will-navigate', stay);
  contents.on('will-redirect', stay);
  contents.on('will-frame-navigate', stay);
  contents.on('will-attach-webview', (event) => event.preventDefault());
  contents.setWindowOpenHandler(() => ({ action: 'deny' }));
});
app.on('window-all-closed', () => app.quit());

// Not awaited at the top level: Electron becomes ready only after this module has been evaluated.
void app.whenReady().then(openWindow);

async function openWindow(): Promise<void> {
  session.defaultSession.setPermissionRequestHandler((_contents, _permission, decide) => decide(false)); // 5
  session.defaultSession.setPermissionCheckHandler(() => false);
  const pages = await loadPages(join(import.meta.dirname, '../renderer'), {
    kind: 'electron',
    version: packageFacts.version,
  });
  protocol.handle('app', (request) => pages(request)); // 18
  const window = new BrowserWindow({
    width: 1280,
    height: 800,
    webPreferences: { preload: join(import.meta.dirname, '../preload/index.cjs') },
  });
  await window.loadURL(`${ORIGIN}/`);
}
