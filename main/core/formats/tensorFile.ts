// One view of every file of tensors: safetensors, PyTorch's .pt (both containers), NumPy's .npz. Opening reads headers only;
// elements are read where they are asked for, so a file may be larger than memory.
import { AppError } from '../../contract/base/errors.ts';
import { openFile, type ByteSource } from '../files/byteSource.ts';
import { DTYPE_BYTES, isDtype } from './dtype.ts';
import { readNpyHeader } from './npy.ts';
import { readSafetensorsHeader } from './safetensors.ts';
import { checkRange, contiguous, contiguousStrides, type PlainFact, type TensorInFile } from './tensorInFile.ts';
import { openLegacyTorch, openZippedTorch } from './torchFile.ts';
import { openZipMember, readZipDirectory, type ZipMember } from './zip.ts';

export interface TensorFile {
  readonly path: string;
  readonly format: 'safetensors' | 'npz' | 'torch';
  readonly tensors: ReadonlyMap<string, TensorInFile>;
  readonly facts: ReadonlyMap<string, PlainFact>;
  close(): Promise<void>;
}

/** By what its bytes say, whatever the name says. @throws AppError `invalid-file`, `unsupported`, `not-found`. */
export async function openTensorFile(path: string): Promise<TensorFile> {
  const source = await openFile(path);
  try {
    const start = Buffer.from((await source.read(0, Math.min(16, source.size))).buffer);
    const close = () => source.close();
    if (start.subarray(0, 4).toString('latin1') === 'PK\x03\x04')
      return { ...(await openArchive(path, source)), close };
    if (start[0] === 0x80 && (start[1] ?? 0) <= 5) {
      return { path, format: 'torch', ...(await openLegacyTorch(source)), close };
    }
    if (start[8] === 0x7b) return { path, format: 'safetensors', ...(await openSafetensors(source)), close };
    throw new AppError('unsupported', `${path}: it is not a .safetensors, .npz or .pt file.`, { details: { path } });
  } catch (thrown) {
    await source.close();
    throw thrown;
  }
}

async function openArchive(path: string, source: ByteSource) {
  const members = await readZipDirectory(source);
  const names = [...members.keys()];
  if (names.some((name) => name.endsWith('/data.pkl') || name === 'data.pkl')) {
    return { path, format: 'torch' as const, ...(await openZippedTorch(source, members)) };
  }
  if (names.length > 0 && names.every((name) => name.endsWith('.npy'))) {
    return { path, format: 'npz' as const, ...(await openArrays(source, members)) };
  }
  throw new AppError('unsupported', `${path}: a ZIP archive with neither tensors of PyTorch nor arrays of NumPy.`, {
    details: { path },
  });
}

async function openSafetensors(source: ByteSource) {
  const { tensors, metadata } = await readSafetensorsHeader(source);
  return {
    facts: metadata,
    // What has a dtype of a newer version of the format cannot be read, and is not there.
    tensors: new Map(
      [...tensors].flatMap(([name, { dtype, shape, fileOffset, byteLength }]): [string, TensorInFile][] =>
        isDtype(dtype) ? [[name, contiguous(source, dtype, shape, fileOffset, byteLength)]] : [],
      ),
    ),
  };
}

async function openArrays(source: ByteSource, members: ReadonlyMap<string, ZipMember>) {
  const tensors = new Map<string, TensorInFile>();
  for (const [fileName, member] of members) {
    const name = fileName.replace(/\.npy$/u, '');
    const label = `${source.name} (${name})`;
    // A deflated member is inflated again when its elements are wanted: only one of them is in memory at a time.
    const header = await readNpyHeader(await openZipMember(source, label, member));
    const { dtype, shape, isFortranOrder, dataStart } = header;
    const strides = isFortranOrder ? contiguousStrides(shape.toReversed()).toReversed() : contiguousStrides(shape);
    const elements = shape.reduce((product, size) => product * size, 1);
    tensors.set(name, {
      dtype,
      shape,
      strides,
      read: async (first, count) => {
        checkRange(label, first, count, elements);
        const bytes = DTYPE_BYTES[dtype];
        const opened = await openZipMember(source, label, member);
        return (await opened.read(dataStart + first * bytes, count * bytes)).buffer;
      },
    });
  }
  return { tensors, facts: new Map<string, PlainFact>() };
}
