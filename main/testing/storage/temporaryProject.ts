// Projects in a temporary folder, with a clock that tests can read. Only tests import this file.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createProject } from '../../storage/project/create.ts';
import type { OpenOptions } from '../../storage/project/open.ts';
import type { Project } from '../../storage/project/project.ts';

export const DICTIONARY = 'a'.repeat(64);
export const OTHER_DICTIONARY = 'b'.repeat(64);
export const MODEL = 'c'.repeat(64);

export function temporaryFolder(): { folder: string; remove: () => void } {
  const folder = mkdtempSync(join(tmpdir(), 'errata-project-'));
  return { folder, remove: () => rmSync(folder, { recursive: true, force: true }) };
}

/** Every reading is a second later than the one before. */
export function steppingClock(start = '2026-01-01T00:00:00.000Z'): () => Date {
  let time = Date.parse(start);
  return () => new Date((time += 1000));
}

export async function temporaryProject(
  options: OpenOptions = {},
): Promise<{ project: Project; folder: string; remove: () => void }> {
  const { folder, remove } = temporaryFolder();
  const project = await createProject(join(folder, 'project'), { now: steppingClock(), ...options });
  return {
    project,
    folder: project.folder,
    remove: () => {
      project.close();
      remove();
    },
  };
}
