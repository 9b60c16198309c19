// Pointing at files in the desktop host: native dialogs. What was chosen is granted; pages cannot name a path.
import { BrowserWindow, dialog, type OpenDialogOptions } from 'electron';
import { AppError } from '../../contract/base/errors.ts';
import type { Locations } from '../api/locations.ts';
import { placeAt, type FileAccess, type FileLocation, type Purpose } from '../api/places.ts';

const DIALOGS: Readonly<Record<Purpose, OpenDialogOptions>> = {
  model: { title: 'Choose the folder of a model', properties: ['openDirectory'] },
  project: { title: 'Choose the folder of a project', properties: ['openDirectory', 'createDirectory'] },
  dictionary: {
    title: 'Choose the file of a dictionary',
    properties: ['openFile'],
    filters: [{ name: 'Dictionaries', extensions: ['safetensors', 'pt', 'pth', 'npz', 'bin'] }],
  },
  folder: { title: 'Choose a folder', properties: ['openDirectory', 'createDirectory'] },
  corpus: {
    title: 'Choose a text',
    properties: ['openFile'],
    filters: [{ name: 'Text', extensions: ['jsonl', 'ndjson', 'json', 'txt', 'parquet', 'gz', 'zst'] }],
  },
  labels: {
    title: 'Choose a file of labels',
    properties: ['openFile'],
    filters: [{ name: 'Labels', extensions: ['csv', 'jsonl', 'gz'] }],
  },
  behaviour: {
    title: 'Choose a behaviour',
    properties: ['openFile'],
    filters: [{ name: 'Behaviours', extensions: ['json', 'jsonl', 'csv'] }],
  },
  prompts: {
    title: 'Choose a file of prompts',
    properties: ['openFile'],
    filters: [{ name: 'Prompts', extensions: ['txt', 'jsonl', 'csv'] }],
  },
  versions: {
    title: 'Choose a version file',
    properties: ['openFile'],
    filters: [{ name: 'Versions', extensions: ['json'] }],
  },
};

const unsupported = () => new AppError('unsupported', 'This host has dialogs: let the person choose with one.');

export function dialogFiles(locations: Locations): FileAccess {
  return {
    kind: 'dialog',
    pick: async (purpose): Promise<FileLocation | null> => {
      const [window] = BrowserWindow.getAllWindows();
      const options = DIALOGS[purpose];
      const { canceled, filePaths } = await (window
        ? dialog.showOpenDialog(window, options)
        : dialog.showOpenDialog(options));
      const [path] = filePaths;
      return canceled || path === undefined ? null : placeAt(path, locations);
    },
    roots: async () => [],
    browse: async () => {
      throw unsupported();
    },
    locate: async () => {
      throw unsupported();
    },
  };
}
