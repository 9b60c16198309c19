import { dialogs } from './dialogs.svelte.ts';
import { api, session } from '../api/session.svelte.ts';
import type { FileLocation, Purpose } from '../api/types.ts';

/** Lets the person point at a file or folder, in the way that the host has. @returns null when they thought better of it. */
export function pickLocation(purpose: Purpose): Promise<FileLocation | null> {
  if (session.facts?.files === 'dialog') return api.files.pick({ purpose });
  return new Promise((onPicked) => dialogs.show({ kind: 'pickFile', purpose, onPicked }));
}
