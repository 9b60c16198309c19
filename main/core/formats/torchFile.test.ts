// Files that PyTorch wrote (main/testing/formats/torchFiles.py, with values i/8 − 1, exact in every type), and hostile ones.
import fc from 'fast-check';
import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { crc32, deflateRawSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { AppError } from '../../contract/base/errors.ts';
import { openTensorFile, type TensorFile } from './tensorFile.ts';
import { readFloats } from './tensorInFile.ts';

const files = fileURLToPath(new URL('../../testing/formats/torch/', import.meta.url));
const fileOf = (name: string) => join(files, `${name}.pt`);

let folder: string;
let opened: TensorFile[] = [];
beforeEach(async () => void (folder = await mkdtemp(join(tmpdir(), 'errata-torch-'))));
afterEach(async () => {
  await Promise.all(opened.map((file) => file.close()));
  opened = [];
  await rm(folder, { recursive: true });
});

async function open(path: string): Promise<TensorFile> {
  const file = await openTensorFile(path);
  opened.push(file);
  return file;
}

async function valuesOf(file: TensorFile, name: string): Promise<number[]> {
  const tensor = file.tensors.get(name);
  if (!tensor) throw new Error(`There is no ${name}.`);
  return Array.from(await readFloats(tensor));
}

/** i/8 − 1 */
const written = (...indices: readonly number[]) => indices.map((i) => i / 8 - 1);
const upTo = (count: number) => written(...Array.from({ length: count }, (_, i) => i));

describe.each(['state', 'state-legacy'])('the tensors of %s.pt', (name) => {
  it('have the shapes and values that PyTorch saved, views in the order of their axes', async () => {
    const file = await open(fileOf(name));
    expect(file.format).toBe('torch');
    const shapes = [...file.tensors].map(([tensor, { shape }]) => `${tensor} ${shape.join('×')}`);
    expect(shapes).toEqual([
      'weight 5×3',
      'bias 5',
      'transposed 6×4',
      'part 5',
      'every second 5',
      'k ',
      'empty 0',
      'parameter 2×2',
    ]);
    expect(await valuesOf(file, 'weight')).toEqual(upTo(15));
    expect(await valuesOf(file, 'bias')).toEqual(upTo(5));
    const transposed = Array.from({ length: 24 }, (_, i) => (i % 4) * 6 + Math.floor(i / 4));
    expect(await valuesOf(file, 'transposed')).toEqual(written(...transposed));
    expect(await valuesOf(file, 'part')).toEqual(written(2, 3, 4, 5, 6));
    expect(await valuesOf(file, 'every second')).toEqual(written(0, 2, 4, 6, 8));
    expect(await valuesOf(file, 'k')).toEqual([32]);
    expect(await valuesOf(file, 'empty')).toEqual([]);
    expect(await valuesOf(file, 'parameter')).toEqual(upTo(4));
  });
});

describe('a .pt file', () => {
  it('holds every type of number exactly', async () => {
    const file = await open(fileOf('types'));
    const dtypes = new Map([...file.tensors].map(([name, { dtype }]) => [name, dtype]));
    expect(dtypes.get('bfloat16')).toBe('BF16');
    expect(dtypes.get('float16')).toBe('F16');
    for (const name of ['float64', 'float32', 'float16', 'bfloat16'])
      expect(await valuesOf(file, name), name).toEqual(upTo(6));
    for (const name of ['int64', 'int32', 'int16', 'int8', 'uint8'])
      expect(await valuesOf(file, name), name).toEqual([0, 1, 2, 100]);
    expect(await valuesOf(file, 'bool')).toEqual([1, 0]);
    expect(await valuesOf(file, 'uint16')).toEqual([1, 65535]);
  });

  it.each(['nested', 'nested-protocol-4'])('gives plain values next to its tensors: %s', async (name) => {
    const { tensors, facts } = await open(fileOf(name));
    expect(tensors.get('model.weight')?.shape).toEqual([5, 3]);
    expect(facts.get('cfg.k')).toBe(32);
    expect(facts.get('cfg.name')).toBe('späte Blüte');
    expect(facts.get('cfg.lr')).toBe(1e-3);
    expect(facts.get('cfg.layers.1')).toBe(4);
    expect(facts.get('cfg.size.0')).toBe(5);
    expect(facts.get('cfg.flag')).toBe(true);
    expect(facts.get('cfg.none')).toBeNull();
    expect(facts.get('device')).toBe('cpu');
  });

  it.each([
    ['attack', 'posix.system'],
    ['attack-legacy', 'posix.system'],
    ['whole-module', 'torch.nn.modules.linear.Linear'],
  ])('that asks for an object of Python is refused by its name: %s', async (name, global) => {
    const opening = openTensorFile(fileOf(name));
    await expect(opening).rejects.toMatchObject({ code: 'unsupported', details: { global } });
    await expect(opening).rejects.toThrow(global);
    await expect(stat('/tmp/errata-attack')).rejects.toThrow();
  });

  it('that is a bare pickle is refused', async () => {
    await expect(openTensorFile(join(files, 'attack.pickle'))).rejects.toMatchObject({ code: 'unsupported' });
  });
});

// ---- files made to harm ---------------------------------------------------------------------------------------------

interface Member {
  readonly name: string;
  readonly bytes: Uint8Array;
  readonly method?: 0 | 8;
  readonly claims?: number;
}

/** A ZIP archive; `claims` is the length that the directory tells of a member. */
function zip(members: readonly Member[]): Buffer {
  const locals: Buffer[] = [];
  const entries: Buffer[] = [];
  let offset = 0;
  for (const { name, bytes, method = 0, claims } of members) {
    const packed = method === 8 ? deflateRawSync(bytes) : Buffer.from(bytes);
    const fileName = Buffer.from(name);
    const local = Buffer.alloc(30);
    local.writeUInt32LE(0x04034b50, 0);
    local.writeUInt16LE(fileName.length, 26);
    const entry = Buffer.alloc(46);
    entry.writeUInt32LE(0x02014b50, 0);
    entry.writeUInt16LE(method, 10);
    entry.writeUInt32LE(crc32(bytes), 16);
    entry.writeUInt32LE(method === 0 ? (claims ?? packed.length) : packed.length, 20);
    entry.writeUInt32LE(claims ?? bytes.length, 24);
    entry.writeUInt16LE(fileName.length, 28);
    entry.writeUInt32LE(offset, 42);
    locals.push(local, fileName, packed);
    entries.push(entry, fileName);
    offset += 30 + fileName.length + packed.length;
  }
  const directory = Buffer.concat(entries);
  const end = Buffer.alloc(22);
  end.writeUInt32LE(0x06054b50, 0);
  end.writeUInt16LE(members.length, 8);
  end.writeUInt16LE(members.length, 10);
  end.writeUInt32LE(directory.length, 12);
  end.writeUInt32LE(offset, 16);
  return Buffer.concat([...locals, directory, end]);
}

const text = (value: string) => Buffer.from(value, 'latin1');
const int = (value: number) => {
  const bytes = Buffer.alloc(11);
  bytes.write('\x8a\x08', 'latin1'); // LONG1 of eight bytes
  bytes.writeBigInt64LE(BigInt(value), 2);
  return bytes.subarray(0, 10);
};
const word = (value: string) =>
  Buffer.concat([text('X'), Buffer.from(Uint32Array.of(value.length).buffer), text(value)]);

/** {'a': a tensor of these sizes in a float storage of so many elements} */
function pickleOf(sizes: readonly number[], strides: readonly number[], elements: number, offset = 0): Buffer {
  return Buffer.concat([
    text('\x80\x02}'),
    word('a'),
    text('ctorch._utils\n_rebuild_tensor_v2\n(('),
    word('storage'),
    text('ctorch\nFloatStorage\n'),
    word('0'),
    word('cpu'),
    int(elements),
    text('tQ'),
    int(offset),
    text('('),
    ...sizes.map(int),
    text('t('),
    ...strides.map(int),
    text('t\x89}tRs.'),
  ]);
}

async function refusal(bytes: Uint8Array): Promise<AppError> {
  const path = join(folder, 'hostile.pt');
  await writeFile(path, bytes);
  try {
    await open(path);
  } catch (thrown) {
    if (thrown instanceof AppError) return thrown;
    throw thrown;
  }
  throw new Error('It was read.');
}

const data = (bytes: number): Member => ({ name: 'x/data/0', bytes: new Uint8Array(bytes) });
const withPickle = (pickle: Uint8Array, ...rest: readonly Member[]) =>
  zip([{ name: 'x/data.pkl', bytes: pickle }, ...rest]);

describe('a hostile .pt file', () => {
  it('like these, but honest, is read', async () => {
    const path = join(folder, 'honest.pt');
    await writeFile(path, withPickle(pickleOf([2, 3], [3, 1], 6), data(24)));
    expect((await open(path)).tensors.get('a')?.shape).toEqual([2, 3]);
  });

  it.each([
    ['a shape larger than its storage', pickleOf([2, 4], [4, 1], 6), 24, /larger than its storage/],
    ['a shape of 2⁴⁰ elements', pickleOf([2 ** 40], [1], 6), 24, /larger than its storage/],
    ['a shape of 2⁴⁰ elements that are one', pickleOf([2 ** 40], [0], 6), 24, /larger than its storage/],
    ['sizes whose product overflows', pickleOf([2 ** 40, 2 ** 40], [1, 1], 6), 24, /larger than its storage/],
    [
      'a storage of 2⁴⁰ elements',
      pickleOf([2, 3], [3, 1], 2 ** 40),
      24,
      /its storage has 4398046511104 bytes, but it has 24/,
    ],
    [
      'a storage that is shorter than it says',
      pickleOf([2, 3], [3, 1], 6),
      20,
      /its storage has 24 bytes, but it has 20/,
    ],
    ['an offset beyond the storage', pickleOf([2, 3], [3, 1], 6, 1), 24, /larger than its storage/],
    ['a negative size', pickleOf([-1], [1], 6), 24, /not a whole number ≥ 0/],
    ['a negative stride', pickleOf([2], [-1], 6), 24, /not a whole number ≥ 0/],
  ])('with %s is refused', async (_, pickle, bytes, reason) => {
    const error = await refusal(withPickle(pickle, data(bytes)));
    expect(error).toMatchObject({ code: 'invalid-file', message: expect.stringMatching(reason) as string });
  });

  it.each([
    ['a text of 2⁴⁰ bytes', Buffer.concat([text('\x80\x04\x8d'), Buffer.from(BigUint64Array.of(2n ** 40n).buffer)])],
    ['a number of 2³¹ bytes', text('\x80\x02\x8b\xff\xff\xff\x7f')],
    ['nothing on its stack', text('\x80\x02R.')],
    ['no end', text('\x80\x02}')],
    ['a memory that it does not have', text('\x80\x02h\x07.')],
  ])('whose pickle has %s is refused', async (_, pickle) => {
    expect(await refusal(withPickle(pickle, data(0)))).toMatchObject({ code: 'invalid-file' });
  });

  it.each([
    ['builtins.eval', text("\x80\x02cbuiltins\neval\n(X\x03\x00\x00\x00'a'tR.")],
    ['os.system', text('\x80\x02cos\nsystem\n)R.')],
    ['torch.hub.load', text('\x80\x04\x8c\x09torch.hub\x8c\x04load\x93)R.')],
    ['collections.OrderedDict.__reduce__', text('\x80\x02ccollections\nOrderedDict.__reduce__\n)R.')],
  ])('that asks for %s is refused by its name', async (name, pickle) => {
    const error = await refusal(withPickle(pickle, data(0)));
    expect(error).toMatchObject({ code: 'unsupported', details: { global: name } });
  });

  it('with an instruction that builds objects is refused', async () => {
    expect(await refusal(withPickle(text('\x80\x02(ios\nsystem\n.')))).toMatchObject({ code: 'unsupported' });
  });

  it('whose deflated members would fill the memory is refused before they are inflated', async () => {
    const bomb: Member = { name: 'x/data/0', bytes: new Uint8Array(4 << 20), method: 8, claims: 0xfffffff0 };
    const error = await refusal(withPickle(pickleOf([2, 3], [3, 1], 6), bomb));
    expect(error).toMatchObject({
      code: 'invalid-file',
      message: expect.stringMatching(/would be 4294967280 bytes/) as string,
    });
  });

  it('whose deflated member is longer than it says is refused', async () => {
    const liar: Member = { name: 'x/data/0', bytes: new Uint8Array(4 << 20), method: 8, claims: 24 };
    expect(await refusal(withPickle(pickleOf([2, 3], [3, 1], 6), liar))).toMatchObject({ code: 'invalid-file' });
  });

  it('that is a program of TorchScript, big-endian, or without its storage is refused', async () => {
    const honest = pickleOf([2, 3], [3, 1], 6);
    const script: Member = { name: 'x/code/a.py', bytes: text('') };
    expect(await refusal(withPickle(honest, data(24), script))).toMatchObject({ code: 'unsupported' });
    const order: Member = { name: 'x/byteorder', bytes: text('big') };
    expect(await refusal(withPickle(honest, data(24), order))).toMatchObject({ code: 'unsupported' });
    expect(await refusal(withPickle(honest))).toMatchObject({ code: 'invalid-file' });
  });

  it('that holds no tensor, or a list in itself, is refused and does not hang', async () => {
    expect(await refusal(withPickle(text('\x80\x02}.')))).toMatchObject({ code: 'empty' });
    expect(await refusal(withPickle(text('\x80\x02]q\x00h\x00a.')))).toMatchObject({ code: 'empty' });
  });

  it.each(['state', 'state-legacy', 'nested'])(
    'never crashes or hangs when its bytes are damaged: %s',
    async (name) => {
      const good = new Uint8Array(await readFile(fileOf(name)));
      const path = join(folder, 'damaged.pt');
      const damage = fc.array(fc.tuple(fc.nat(good.length - 1), fc.nat(255)), { minLength: 1, maxLength: 6 });
      await fc.assert(
        fc.asyncProperty(damage, fc.nat(good.length), fc.boolean(), async (changes, cut, isCut) => {
          const bytes = good.slice(0, isCut ? cut : good.length);
          for (const [at, value] of changes) if (at < bytes.length) bytes[at] = value;
          await writeFile(path, bytes);
          try {
            const file = await openTensorFile(path);
            try {
              for (const tensor of file.tensors.values()) await readFloats(tensor);
            } finally {
              await file.close();
            }
          } catch (thrown) {
            expect(thrown).toBeInstanceOf(AppError);
            expect(['invalid-file', 'unsupported', 'empty']).toContain((thrown as AppError).code);
          }
        }),
        { numRuns: 400 },
      );
    },
  );
});
