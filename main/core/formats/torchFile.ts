// Files that torch.save writes: the ZIP container of PyTorch 1.6 and later (data.pkl, data/<key>), and the stream of pickles
// of before. Tensors are found by the restricted machine of torchPickle.ts, and every one is compared with the storage it
// claims to be part of before it is handed out.
import { AppError } from '../../contract/base/errors.ts';
import type { ByteSource } from '../files/byteSource.ts';
import { DTYPE_BYTES } from './dtype.ts';
import type { PlainFact, TensorInFile } from './tensorInFile.ts';
import { PickleReader, type Pickled, type PickledTensor } from './torchPickle.ts';
import { openZipMember, readZipMember, type ZipMember } from './zip.ts';

const MAX_PICKLE_BYTES = 64 << 20;
const MAX_DEPTH = 16;
const MAX_TENSORS = 100_000;
const MAGIC = 0x1950a86a20f9469cfc6cn;
const PROTOCOL = 1001;

interface TorchContents {
  /** By their keys joined with dots: a state dict inside a dict has both names. */
  readonly tensors: ReadonlyMap<string, TensorInFile>;
  readonly facts: ReadonlyMap<string, PlainFact>;
}

/** Where a storage's bytes are. */
interface Place {
  readonly source: ByteSource;
  readonly start: number;
  readonly bytes: number;
}

/** @throws AppError `invalid-file`; `unsupported` for programs (TorchScript), other objects than tensors and plain data. */
export async function openZippedTorch(
  source: ByteSource,
  members: ReadonlyMap<string, ZipMember>,
): Promise<TorchContents> {
  const root = [...members.keys()].find((name) => name.endsWith('data.pkl'))?.slice(0, -'data.pkl'.length) ?? '';
  if ([...members.keys()].some((name) => name.startsWith(`${root}code/`))) {
    throw new AppError('unsupported', `${source.name}: it is a TorchScript program. Save a state_dict instead.`, {
      details: { path: source.name },
    });
  }
  const member = (name: string) => members.get(`${root}${name}`);
  const readMember = async (name: string): Promise<Uint8Array | null> => {
    const found = member(name);
    if (!found) return null;
    if (found.length > MAX_PICKLE_BYTES) throw invalid(source, `${name} in it is ${found.length} bytes long`);
    return readZipMember(source, `${source.name} (${name})`, found);
  };
  const order = await readMember('byteorder');
  if (order && Buffer.from(order).toString('latin1').trim() !== 'little') {
    throw new AppError('unsupported', `${source.name}: it was written on a big-endian machine.`);
  }
  const pickle = await readMember('data.pkl');
  if (!pickle) throw invalid(source, 'it holds no data.pkl');
  const object = new PickleReader(source.name, pickle).next();
  return contentsOf(source, object, async ({ key }) => {
    const storage = member(`data/${key}`);
    if (!storage) throw invalid(source, `the storage ${JSON.stringify(key.slice(0, 40))} is missing`);
    const opened = await openZipMember(source, `${source.name} (data/${key})`, storage);
    return { source: opened, start: 0, bytes: opened.size };
  });
}

/** @throws AppError as openZippedTorch. */
export async function openLegacyTorch(source: ByteSource): Promise<TorchContents> {
  const head = await source.read(0, Math.min(source.size, MAX_PICKLE_BYTES));
  const reader = new PickleReader(source.name, head);
  const [magic, protocol] = [reader.next(), reader.next()];
  if (magic !== MAGIC || protocol !== PROTOCOL) {
    throw new AppError(
      'unsupported',
      `${source.name}: a pickle that torch.save did not write. Only its files are read.`,
      {
        details: { path: source.name },
      },
    );
  }
  const system = reader.next();
  if (!(system instanceof Map) || system.get('little_endian') !== true) {
    throw new AppError('unsupported', `${source.name}: it was written on a big-endian machine.`);
  }
  const object = reader.next();
  const keys = reader.next();
  if (!Array.isArray(keys)) throw invalid(source, 'it does not list its storages');
  const bytesOf = new Map(
    tensorsIn(source, object).map(([, { key, dtype, storageBytes }]) => [key, { dtype, storageBytes }]),
  );
  const places = new Map<string, Place>();
  let at = reader.position;
  for (const key of keys) {
    const known = typeof key === 'string' ? bytesOf.get(key) : undefined;
    if (typeof key !== 'string' || !known) throw invalid(source, 'it lists a storage that no tensor is part of');
    const count = Number(new DataView((await source.read(at, 8)).buffer).getBigInt64(0, true));
    if (count * DTYPE_BYTES[known.dtype] !== known.storageBytes) {
      throw invalid(
        source,
        `the storage ${JSON.stringify(key.slice(0, 40))} has ${count} elements, not what its tensor says`,
      );
    }
    if (known.storageBytes > source.size - at - 8) throw invalid(source, 'it is cut off in its storages');
    places.set(key, { source, start: at + 8, bytes: known.storageBytes });
    at += 8 + known.storageBytes;
  }
  return contentsOf(source, object, ({ key }) => {
    const place = places.get(key);
    if (!place) throw invalid(source, `the storage ${JSON.stringify(key.slice(0, 40))} is missing`);
    return place;
  });
}

async function contentsOf(
  source: ByteSource,
  object: Pickled,
  placeOf: (tensor: PickledTensor) => Place | Promise<Place>,
): Promise<TorchContents> {
  const tensors = new Map<string, TensorInFile>();
  for (const [name, pickled] of tensorsIn(source, object)) {
    const place = await placeOf(pickled);
    tensors.set(name, tensorIn(place, name, pickled));
  }
  if (tensors.size === 0) throw new AppError('empty', `${source.name}: it holds no tensors.`);
  return { tensors, facts: factsIn(object) };
}

function tensorIn(
  place: Place,
  name: string,
  { dtype, shape, strides, offset, storageBytes }: PickledTensor,
): TensorInFile {
  const { source, start, bytes } = place;
  const width = DTYPE_BYTES[dtype];
  const wrong = (reason: string) => invalid(source, `the tensor ${JSON.stringify(name.slice(0, 100))} ${reason}`);
  if (storageBytes !== bytes) throw wrong(`says that its storage has ${storageBytes} bytes, but it has ${bytes}`);
  const elements = shape.reduce((product, size) => product * size, 1);
  const last = shape.reduce((sum, size, axis) => sum + (size - 1) * (strides[axis] ?? 0), offset);
  // Broadcast tensors (a stride of 0) can claim any size: what is read is never more than the storage holds.
  if (elements > 0 && (!Number.isSafeInteger(last) || (last + 1) * width > bytes))
    throw wrong('is larger than its storage');
  if (elements * width > bytes) throw wrong('is larger than its storage');
  return {
    dtype,
    shape,
    strides,
    read: async (first, count) => {
      if (first < 0 || count < 0 || (offset + first + count) * width > bytes) throw wrong('ends before that');
      return (await source.read(start + (offset + first) * width, count * width)).buffer;
    },
  };
}

/** Every tensor in plain containers, by its keys joined with dots. */
function tensorsIn(source: ByteSource, object: Pickled): (readonly [string, PickledTensor])[] {
  const found: (readonly [string, PickledTensor])[] = [];
  walk(object, (name, value) => {
    if (typeof value !== 'object' || value === null || !('kind' in value) || value.kind !== 'tensor') return;
    found.push([name, value]);
    if (found.length > MAX_TENSORS) throw invalid(source, `it has more than ${MAX_TENSORS} tensors`);
  });
  return found;
}

function factsIn(object: Pickled): ReadonlyMap<string, PlainFact> {
  const facts = new Map<string, PlainFact>();
  walk(object, (name, value) => {
    if (value === null || ['string', 'number', 'boolean'].includes(typeof value)) facts.set(name, value as PlainFact);
  });
  return facts;
}

/** Each container once: a pickle can hold a list in itself. */
function walk(object: Pickled, visit: (name: string, value: Pickled) => void): void {
  const seen = new Set<Pickled>();
  const go = (value: Pickled, name: string, depth: number) => {
    visit(name, value);
    if (depth > MAX_DEPTH || typeof value !== 'object' || value === null || seen.has(value)) return;
    const entries: Iterable<readonly [Pickled, Pickled]> =
      value instanceof Map
        ? value
        : Array.isArray(value)
          ? value.entries()
          : 'kind' in value && value.kind === 'tuple'
            ? value.items.entries()
            : [];
    if (!(value instanceof Uint8Array)) seen.add(value);
    for (const [key, child] of entries) {
      if (typeof key !== 'string' && typeof key !== 'number') continue;
      go(child, name === '' ? String(key) : `${name}.${key}`, depth + 1);
    }
  };
  go(object, '', 0);
}

function invalid(source: ByteSource, reason: string): AppError {
  return new AppError('invalid-file', `${source.name}: ${reason}.`, { details: { path: source.name } });
}
