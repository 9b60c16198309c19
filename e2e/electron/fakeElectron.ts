// Stands in for the module `electron` where its binary is not: it records what it is told and lets a test play the system.
// The engine is really started: a utility process is a forked one whose IPC channel looks like a parent port.
import { fork, type ChildProcess } from 'node:child_process';
import { EventEmitter } from 'node:events';
import type { MessagePort } from 'node:worker_threads';

type Call = readonly [name: string, ...details: unknown[]];
export const calls: Call[] = [];
const record = (name: string, ...details: unknown[]) => void calls.push([name, ...details]);

const ready = Promise.withResolvers<void>();

class App extends EventEmitter {
  isPackaged = false;
  /** Whether it gets the lock that only one instance has. */
  isFirst = true;
  enableSandbox = () => record('enableSandbox');
  requestSingleInstanceLock = () => (record('requestSingleInstanceLock'), this.isFirst);
  setAsDefaultProtocolClient = (scheme: string) => record('setAsDefaultProtocolClient', scheme);
  whenReady = () => (record('whenReady'), ready.promise);
  quit = () => {
    record('quit');
    let isPrevented = false;
    this.emit('before-quit', { preventDefault: () => (isPrevented = true) });
    if (!isPrevented) record('exit');
  };
  becomeReady = () => (record('ready'), ready.resolve());
}
export const app = new App();

export class FakeContents extends EventEmitter {
  url = 'app://workbench/';
  openHandler: (details: { url: string }) => { action: string } = () => ({ action: 'allow' });
  getURL = () => this.url;
  setWindowOpenHandler = (handler: (details: { url: string }) => { action: string }) => (this.openHandler = handler);
}

export class BrowserWindow extends EventEmitter {
  static windows: BrowserWindow[] = [];
  static getAllWindows = () => BrowserWindow.windows;
  webContents = new FakeContents();
  options: Record<string, unknown>;
  constructor(options: Record<string, unknown>) {
    super();
    this.options = options;
    BrowserWindow.windows.push(this);
    record('BrowserWindow', options);
    app.emit('web-contents-created', {}, this.webContents);
  }
  loadURL = async (url: string) => {
    record('loadURL', url);
    this.emit('ready-to-show');
  };
  show = () => record('show');
  restore = () => record('restore');
  focus = () => record('focus');
  maximize = () => record('maximize');
  isMaximized = () => false;
  getNormalBounds = () => ({ x: 10, y: 20, width: 1000, height: 700 });
}

type Answer = (request: Request) => Response | Promise<Response>;
export const protocol = {
  handlers: new Map<string, Answer>(),
  registerSchemesAsPrivileged: (schemes: unknown) => record('registerSchemesAsPrivileged', schemes),
  handle: (scheme: string, answer: Answer) => {
    record('protocol.handle', scheme);
    protocol.handlers.set(scheme, answer);
  },
};

type Decide = (isAllowed: boolean) => void;
type OnRequest = (contents: FakeContents, permission: string, decide: Decide) => void;
type OnDownload = (event: { preventDefault(): void }, item: { getURL(): string }) => void;
type OnCheck = (contents: FakeContents | null, permission: string, origin: string) => boolean;
const downloads: { will: OnDownload | null } = { will: null };
const permissions: { request: OnRequest | null; check: OnCheck | null } = { request: null, check: null };
export const session = {
  permissions,
  downloads,
  defaultSession: {
    setPermissionRequestHandler: (handler: OnRequest) => (permissions.request = handler),
    setPermissionCheckHandler: (handler: OnCheck) => (permissions.check = handler),
    on: (_name: 'will-download', handler: OnDownload) => (downloads.will = handler),
  },
};

export const shell = { openExternal: async (url: string) => record('openExternal', url) };
export const screen = { getAllDisplays: () => [{ workArea: { x: 0, y: 0, width: 1920, height: 1080 } }] };
export const dialog = {
  answer: { canceled: true, filePaths: [] as string[] },
  showOpenDialog: async () => dialog.answer,
};

interface MenuItem {
  readonly label?: string;
  readonly id?: string;
  readonly role?: string;
  readonly accelerator?: string;
  readonly submenu?: readonly MenuItem[];
  readonly click?: () => void;
}
export const Menu = {
  template: [] as readonly MenuItem[],
  buildFromTemplate: (template: readonly MenuItem[]) => (Menu.template = template),
  setApplicationMenu: () => record('setApplicationMenu'),
};

interface Frame {
  readonly url: string;
}
class Ipc extends EventEmitter {
  handlers = new Map<string, (event: { senderFrame: Frame | null }, value: unknown) => unknown>();
  handle = (name: string, handler: (event: { senderFrame: Frame | null }, value: unknown) => unknown) =>
    this.handlers.set(name, handler);
}
export const ipcMain = new Ipc();

/** A port as Electron's main process has it: messages come as events with `data`. */
function mainPort(port: MessagePort) {
  const events = new EventEmitter();
  port.on('close', () => events.emit('close'));
  return Object.assign(events, {
    postMessage: (value: unknown) => port.postMessage(value),
    start: () => port.on('message', (data: unknown) => events.emit('message', { data })),
    close: () => {
      record('port closed');
      port.close();
    },
  });
}

/** The frame that the page's messages come from. */
export const page: { frame: Frame | null } = { frame: { url: 'app://workbench/' } };
export const ipcRenderer = {
  postMessage: (name: string, _value: unknown, ports: readonly MessagePort[]) =>
    ipcMain.emit(name, { senderFrame: page.frame, ports: ports.map(mainPort) }),
  invoke: async (name: string, value: unknown) => ipcMain.handlers.get(name)?.({ senderFrame: page.frame }, value),
};
export const contextBridge = {
  exposeInMainWorld: (name: string, value: unknown) => {
    record('exposeInMainWorld', name, Object.keys(value as object));
    Reflect.set(globalThis, name, value);
  },
};
export const webUtils = { getPathForFile: (file: File) => Reflect.get(file, 'path') as string };

export const utilityProcess = {
  children: [] as ChildProcess[],
  fork: (entry: string) => {
    record('utilityProcess.fork');
    const child = fork(entry, [], {
      serialization: 'advanced',
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
      execArgv: ['--import', new URL('./parentPort.ts', import.meta.url).href],
    });
    utilityProcess.children.push(child);
    const events = new EventEmitter();
    child.on('message', (message) => events.emit('message', message));
    child.on('exit', (code) => events.emit('exit', code ?? 1));
    return Object.assign(events, {
      pid: child.pid,
      stdout: child.stdout,
      stderr: child.stderr,
      postMessage: (message: object) => child.send(message),
      kill: () => child.kill(),
    });
  },
};
