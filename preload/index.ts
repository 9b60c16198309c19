// The bridge between the desktop host and its page: a pipe for text, and locations for what is dropped on the window.
// Functions only; nothing of Electron reaches the page.
import { contextBridge, ipcRenderer, webUtils } from 'electron';
import type { HostBridge } from '../main/contract/api/host.ts';

/** The page's end; what a preload script knows of the DOM it says itself. */
let port: { postMessage(text: string): void; close(): void } | null = null;

const bridge: HostBridge = {
  open: (onText, onClose) => {
    port?.close();
    const { port1, port2 } = new MessageChannel();
    port = port1;
    port1.addEventListener('message', (event) => {
      if ('data' in event && typeof event.data === 'string') onText(event.data);
    });
    port1.addEventListener('close', () => onClose());
    port1.start();
    ipcRenderer.postMessage('errata:connect', null, [port2]);
  },
  send: (text) => port?.postMessage(text),
  // Only a file of a drop has a path: one that a script made has none.
  locationOf: async (file) => {
    const path = file instanceof File ? webUtils.getPathForFile(file) : '';
    const location: unknown = path === '' ? null : await ipcRenderer.invoke('errata:grant', path);
    return typeof location === 'string' ? location : null;
  },
};

contextBridge.exposeInMainWorld('errata', bridge);
