// Folders for tests, gone afterwards. Only tests import this file.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll } from 'vitest';
import { openModel, type Model } from '../../core/models/model.ts';
import { tinyModel, writeTinyModel, type TinyModel, type TinyName, type WriteOptions } from './tinyModels.ts';

const folders: string[] = [];

export async function temporaryFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'errata-models-'));
  folders.push(folder);
  return folder;
}

/** A tiny model written to a folder of its own and opened. */
export async function openTinyModel(model: TinyName | TinyModel, options: WriteOptions = {}): Promise<Model> {
  const folder = await temporaryFolder();
  await writeTinyModel(folder, typeof model === 'string' ? tinyModel(model) : model, options);
  return openModel(folder);
}

afterAll(async () => {
  await Promise.all(folders.splice(0).map((folder) => rm(folder, { recursive: true, force: true })));
});
