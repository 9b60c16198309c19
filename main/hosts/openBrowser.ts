// Opens an address in the person's browser, where there is one.
import { spawn } from 'node:child_process';

const OPENERS: Partial<Readonly<Record<NodeJS.Platform, readonly [string, ...string[]]>>> = {
  darwin: ['open'],
  win32: ['rundll32', 'url.dll,FileProtocolHandler'],
  linux: ['xdg-open'],
};

/** @returns false where there is no browser to open it with, as over ssh. */
export function openBrowser(url: string, platform: NodeJS.Platform = process.platform): Promise<boolean> {
  const hasDisplay = platform !== 'linux' || Boolean(process.env['DISPLAY'] || process.env['WAYLAND_DISPLAY']);
  const opener = OPENERS[platform];
  if (!hasDisplay || !opener) return Promise.resolve(false);
  const [program, ...args] = opener;
  return new Promise((resolve) => {
    // Not through a shell: the address is an argument, never a command.
    const child = spawn(program, [...args, url], { stdio: 'ignore', detached: true });
    child.on('error', () => resolve(false));
    child.on('spawn', () => {
      child.unref();
      resolve(true);
    });
  });
}
