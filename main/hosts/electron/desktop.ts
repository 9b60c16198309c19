// What is decided in the desktop host without Electron: addresses that may be loaded or opened, deep links, keys of the
// menu, bounds of the window. Pure, so that it is tested where Electron is not.
import { COMMANDS, COMMAND_GROUPS, type CommandDescription, type CommandGroup } from '../../contract/api/commands.ts';
import type { WindowBounds } from '../api/settingsStore.ts';

export const SCHEME = 'app';
export const ORIGIN = 'app://workbench';
/** Of links from elsewhere: errata://models/gpt2 */
export const LINK_SCHEME = 'errata';

/** Whether an address is a page of ours: parsed, never compared as text. */
export function isOurs(address: string): boolean {
  if (!URL.canParse(address)) return false;
  const { protocol, host, username, password } = new URL(address);
  return protocol === `${SCHEME}:` && host === 'workbench' && username === '' && password === '';
}

/** Shows if a file at the address may be saved: one of ours, or one that a page of ours has put together (`blob:app://…`). */
export function mayDownload(address: string): boolean {
  return isOurs(address.replace(/^blob:/u, ''));
}

/** Whether the system may be asked to open an address, in a browser or a mail program. */
export function mayOpenExternally(address: string): boolean {
  return URL.canParse(address) && ['https:', 'mailto:'].includes(new URL(address).protocol);
}

const VIEWS = [
  'project',
  'models',
  'dictionaries',
  'features',
  'behaviours',
  'finder',
  'editor',
  'edits',
  'evaluations',
  'exports',
] as const;

/**
 * Where a link leads, as the hash of the page; null for one that leads nowhere. Only views and plain names: a link never
 * becomes a path, and never does anything.
 */
export function linkTarget(link: string): string | null {
  if (link.length > 500 || !URL.canParse(link)) return null;
  const { protocol, host, pathname, search, hash } = new URL(link);
  const view = VIEWS.find((each) => each === host);
  if (protocol !== `${LINK_SCHEME}:` || view === undefined || search !== '' || hash !== '') return null;
  if (pathname === '' || pathname === '/') return `#/${view}`;
  const name = pathname.slice(1);
  return /^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$/u.test(name) ? `#/${view}/${name}` : null;
}

/** Among the words that the program was started with. */
export function linkAmong(words: readonly string[]): string | null {
  const link = words.find((word) => word.startsWith(`${LINK_SCHEME}:`));
  return link === undefined ? null : linkTarget(link);
}

/** `$mod+Shift+N` as Electron writes it, `CmdOrCtrl+Shift+N`; null for a key that only the page listens to. */
export function accelerator(keys: string): string | null {
  const parts = keys.split('+').map((part) => (part === '$mod' ? 'CmdOrCtrl' : (KEY_NAMES[part] ?? part)));
  // A lone character is typed into texts: it must stay the page's.
  return parts.length === 1 ? null : parts.join('+');
}
const KEY_NAMES: Readonly<Record<string, string>> = { ArrowLeft: 'Left', ArrowRight: 'Right' };

export interface MenuGroup {
  readonly group: CommandGroup;
  readonly items: readonly { readonly id: string; readonly title: string; readonly accelerator: string | null }[];
}

/** The native menu, from the registry that the page's palette and key sheet are made of. */
export function menuGroups(commands: readonly CommandDescription[] = COMMANDS): readonly MenuGroup[] {
  return COMMAND_GROUPS.map((group) => ({
    group,
    items: commands
      .filter((command) => command.group === group && command.inMenu !== false)
      .map(({ id, title, keys }) => ({ id, title, accelerator: keys === undefined ? null : accelerator(keys) })),
  })).filter(({ items }) => items.length > 0);
}

interface Area {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

export const SMALLEST = { width: 900, height: 600 } as const;
const USUAL = { width: 1360, height: 860 } as const;

/** Where the window opens: as it was left, if enough of it is on a screen that is still there. */
export function openingBounds(
  kept: WindowBounds | null,
  screens: readonly Area[],
): Partial<Area> & { width: number; height: number } {
  const isVisible = (area: Area) =>
    kept !== null &&
    Math.min(kept.x + kept.width, area.x + area.width) - Math.max(kept.x, area.x) >= 200 &&
    kept.y >= area.y &&
    kept.y < area.y + area.height - 50;
  if (kept === null || !screens.some(isVisible)) return { ...USUAL };
  const { x, y, width, height } = kept;
  return { x, y, width: Math.max(width, SMALLEST.width), height: Math.max(height, SMALLEST.height) };
}
