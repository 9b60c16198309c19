// What a layout judges by, gathered from where a person pointed: the one file of tensors, the plain files around it, and the
// last parts of its path. Invariant: a link is followed only within the folder that was named, or into the blobs of the same
// repository in a Hugging Face cache, which is made of such links.
import { readdir, realpath, stat } from 'node:fs/promises';
import { basename, dirname, join, resolve, sep } from 'node:path';
import { AppError } from '../../../contract/base/errors.ts';
import { toFileError } from '../../files/fileError.ts';
import { isObject, parseJson } from '../../files/json.ts';
import { readText } from '../../files/text.ts';
import { openTensorFile, type TensorFile } from '../../formats/tensorFile.ts';
import type { Config, Material } from './layout.ts';

const TENSOR_FILE = /\.(?:safetensors|npz|pt|pth|bin)$/u;
/** Written next to a dictionary, and not one. */
const OTHER_FILES =
  /^(?:sparsity\.safetensors|trainer_state\.pt|activations_store_state\.safetensors|examples\.safetensors|optimizer.*|lr_scheduler.*|rng_state.*)$/u;
const CONFIG_FILE = /\.(?:json|ya?ml)$/u;
const MAX_CONFIG_BYTES = 4 << 20;
const MAX_CONFIGS = 40;
const PLACE_PARTS = 10;

export interface OpenedMaterial {
  readonly file: TensorFile;
  readonly bytes: number;
  /** The whole file first, then each state dict that is inside another. */
  readonly materials: readonly Material[];
}

/**
 * @param path of a file of tensors, or of a folder with one of them. Close `file` afterwards.
 * @throws AppError `not-found`, `invalid-file`, `unsupported`; `usage` where a folder holds several.
 */
export async function openMaterial(path: string): Promise<OpenedMaterial> {
  const tensorFile = await tensorFileAt(path);
  const configs = await configsAround(tensorFile);
  const file = await openTensorFile(tensorFile);
  try {
    const { size: bytes } = await stat(tensorFile);
    const place = resolve(tensorFile).split(sep).slice(-PLACE_PARTS).join('/');
    const common = { path: tensorFile, configs, place };
    const materials = ['', ...prefixesOf(file.tensors.keys())].map((prefix) => ({
      ...common,
      tensors: withoutPrefix(file.tensors, prefix),
      facts: withoutPrefix(file.facts, prefix),
    }));
    return { file, bytes, materials };
  } catch (thrown) {
    await file.close();
    throw thrown;
  }
}

async function tensorFileAt(path: string): Promise<string> {
  const found = await stat(path).catch((thrown: unknown) => {
    throw toFileError(thrown, path);
  });
  if (found.isFile()) return path;
  if (!found.isDirectory()) throw new AppError('unsupported', `${path}: it is not a file or a folder.`);
  const names = await readdir(path).catch((thrown: unknown) => {
    throw toFileError(thrown, path);
  });
  const tensorFiles = names.filter((name) => TENSOR_FILE.test(name) && !OTHER_FILES.test(name)).sort();
  const [only, other] = tensorFiles;
  if (only === undefined) {
    throw new AppError(
      'not-found',
      `${path}: it holds no .safetensors, .npz or .pt file. Name the file or its folder.`,
      {
        details: { path },
      },
    );
  }
  if (other !== undefined) {
    const shown = tensorFiles.slice(0, 5).join(', ');
    throw new AppError(
      'usage',
      `${path}: it holds ${tensorFiles.length} files of tensors (${shown} …). Name one of them.`,
      {
        details: { path, names: tensorFiles.slice(0, 100) },
      },
    );
  }
  const file = join(path, only);
  await refuseLinkOutside(path, file);
  return file;
}

/** @throws AppError `invalid-file` for a link that leads out of the folder. */
async function refuseLinkOutside(folder: string, file: string): Promise<void> {
  const [realFolder, real] = await Promise.all([realpath(folder), realpath(file)]).catch((thrown: unknown) => {
    throw toFileError(thrown, file);
  });
  const isInside = (parent: string) => real.startsWith(parent + sep);
  const [repository] = realFolder.split(`${sep}snapshots${sep}`);
  const blobs = repository === undefined || repository === realFolder ? null : join(repository, 'blobs');
  if (isInside(realFolder) || (blobs !== null && isInside(blobs))) return;
  throw new AppError('invalid-file', `${file}: a link that leads out of its folder. Name the file it leads to.`, {
    details: { path: file, target: real },
  });
}

/** Those next to the file, and one folder up. */
async function configsAround(tensorFile: string): Promise<ReadonlyMap<string, Config>> {
  const configs = new Map<string, Config>();
  const folder = dirname(resolve(tensorFile));
  for (const each of [folder, dirname(folder)]) {
    const names = (await readdir(each).catch(() => [])).filter((name) => CONFIG_FILE.test(name)).sort();
    for (const name of names.slice(0, MAX_CONFIGS)) {
      if (configs.has(name)) continue;
      const path = join(each, name);
      const { size } = await stat(path).catch(() => ({ size: Number.POSITIVE_INFINITY }));
      if (size > MAX_CONFIG_BYTES) continue;
      // What lies one folder up may be of something else altogether.
      const isNextTo = each === folder;
      if (isNextTo) await refuseLinkOutside(each, path);
      const config = await configIn(path).catch((thrown: unknown) => {
        if (isNextTo) throw thrown;
        return null;
      });
      if (config) configs.set(name, config);
    }
  }
  return configs;
}

async function configIn(path: string): Promise<Config | null> {
  const text = await readText(path, MAX_CONFIG_BYTES);
  if (!basename(path).endsWith('.json')) return flatYaml(text);
  const value = parseJson(text, path);
  return isObject(value) ? value : null;
}

/** `key: value` lines at the left margin; what is nested is not needed, and left out. */
export function flatYaml(text: string): Config {
  const config: Record<string, unknown> = {};
  for (const line of text.split(/\r?\n/u)) {
    const [, key, raw] = /^([A-Za-z_][\w.-]*)\s*:\s*(\S.*?)\s*$/u.exec(line) ?? [];
    if (key === undefined || raw === undefined || raw.startsWith('#')) continue;
    const value = raw.replace(/\s+#.*$/u, '').replace(/^(['"])(.*)\1$/u, '$2');
    const words: Readonly<Record<string, unknown>> = { true: true, false: false, null: null, '~': null };
    config[key] = Object.hasOwn(words, value) ? words[value] : raw === value && isNumber(value) ? Number(value) : value;
  }
  return config;
}

function isNumber(text: string): boolean {
  return /^[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?$/u.test(text);
}

/** `model.` of `model.encoder.weight`, where several tensors begin so. */
function prefixesOf(names: Iterable<string>): string[] {
  const counts = new Map<string, number>();
  for (const name of names) {
    for (let dot = name.indexOf('.'); dot > 0; dot = name.indexOf('.', dot + 1)) {
      const prefix = name.slice(0, dot + 1);
      counts.set(prefix, (counts.get(prefix) ?? 0) + 1);
    }
  }
  return [...counts].flatMap(([prefix, count]) => (count >= 3 ? [prefix] : []));
}

function withoutPrefix<T>(map: ReadonlyMap<string, T>, prefix: string): ReadonlyMap<string, T> {
  if (prefix === '') return map;
  return new Map(
    [...map].flatMap(([name, value]) => (name.startsWith(prefix) ? [[name.slice(prefix.length), value] as const] : [])),
  );
}
