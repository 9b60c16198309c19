// NumPy's .npz: a ZIP archive of .npy members, stored or deflated.

import { AppError } from '../../contract/base/errors.ts';
import { openBytes, type ByteSource } from '../files/byteSource.ts';
import { readNpy, type NpyArray } from './npy.ts';
import { readZipDirectory, readZipMember } from './zip.ts';

export interface Npz {
  /** Array names, without `.npy`. */
  readonly names: readonly string[];
  /** @throws AppError `not-found` when there is no array of this name; `invalid-file`; `unsupported`. */
  array(name: string): Promise<NpyArray>;
}

/** The source must stay open while arrays are read. @throws AppError `invalid-file` or `unsupported`. */
export async function openNpz(source: ByteSource): Promise<Npz> {
  const files = await readZipDirectory(source);
  const members = new Map([...files].map(([name, member]) => [name.replace(/\.npy$/, ''), member]));
  if (members.size !== files.size) {
    throw new AppError('invalid-file', `${source.name}: it holds an array twice.`, { details: { path: source.name } });
  }
  return {
    names: [...members.keys()],
    async array(name) {
      const member = members.get(name);
      if (!member) {
        throw new AppError('not-found', `${source.name}: it holds no array ${JSON.stringify(name)}.`, {
          details: { path: source.name, name },
        });
      }
      const label = `${source.name} (${name})`;
      return readNpy(openBytes(label, await readZipMember(source, label, member)));
    },
  };
}
