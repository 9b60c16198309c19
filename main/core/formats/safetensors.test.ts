import fc from 'fast-check';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, readdir, realpath, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { AppError } from '../../contract/base/errors.ts';
import { openBytes, openFile } from '../files/byteSource.ts';
import { hashFile } from '../files/hash.ts';
import type { Dtype } from './dtype.ts';
import {
  readFloatTensor,
  readSafetensorsHeader,
  readTensor,
  writeSafetensors,
  type TensorToWrite,
} from './safetensors.ts';
import { openSafetensorsFolder } from './safetensorsFolder.ts';

const fixtures = fileURLToPath(new URL('../../../../shared/fixtures/', import.meta.url));
const withFixtures = it.skipIf(!existsSync(fixtures));
if (!existsSync(fixtures)) console.log('../shared/fixtures is absent: files of the reference library are not read.');

let folder: string;
beforeEach(async () => {
  folder = await realpath(await mkdtemp(join(tmpdir(), 'errata-safetensors-')));
});
afterEach(async () => {
  await rm(folder, { recursive: true, force: true });
});

/** A file with the given header and data bytes, as anybody could write it. */
function forge(header: unknown, dataBytes: number, headerLength?: bigint): Uint8Array {
  const json = Buffer.from(typeof header === 'string' ? header : JSON.stringify(header));
  const bytes = new Uint8Array(8 + json.length + dataBytes);
  new DataView(bytes.buffer).setBigUint64(0, headerLength ?? BigInt(json.length), true);
  bytes.set(json, 8);
  return bytes;
}

const f32 = (shape: unknown, begin: unknown, end: unknown) => ({ dtype: 'F32', shape, data_offsets: [begin, end] });

describe('a header', () => {
  it('gives absolute offsets and metadata', async () => {
    const bytes = forge(
      { b: f32([2], 4, 12), __metadata__: { format: 'pt' }, scalar: f32([], 0, 4), none: f32([0, 5], 12, 12) },
      12,
    );
    const { tensors, metadata } = await readSafetensorsHeader(openBytes('x', bytes));
    const start = bytes.length - 12;
    expect(tensors.get('b')).toEqual({ dtype: 'F32', shape: [2], fileOffset: start + 4, byteLength: 8 });
    expect(tensors.get('scalar')).toEqual({ dtype: 'F32', shape: [], fileOffset: start, byteLength: 4 });
    expect(tensors.get('none')?.byteLength).toBe(0);
    expect([...metadata]).toEqual([['format', 'pt']]);
  });

  const lies: Record<string, [Uint8Array, RegExp]> = {
    'an empty file': [new Uint8Array(0), /0 bytes/],
    'a header longer than the file': [forge({ a: f32([1], 0, 4) }, 4, 1000n), /truncated/],
    'a header beyond the limit': [forge({}, 0, 2n ** 63n), /header would be/],
    'no JSON': [forge('{"a":', 0), /not JSON/],
    'a list': [forge('[]', 0), /does not start/],
    'a byte-order mark': [forge('\ufeff{}', 0), /does not start/],
    'bad UTF-8': [Uint8Array.from([2, 0, 0, 0, 0, 0, 0, 0, 0x7b, 0xff]), /UTF-8/],
    'an unknown dtype': [
      forge({ a: { dtype: 'float33', shape: [1], data_offsets: [0, 4] } }, 4),
      /unknown dtype "float33"/,
    ],
    'a dtype from the prototype': [
      forge({ a: { dtype: 'toString', shape: [1], data_offsets: [0, 4] } }, 4),
      /unknown dtype/,
    ],
    'no dtype': [forge({ a: { shape: [1], data_offsets: [0, 4] } }, 4), /unknown dtype/],
    'a tensor that is no object': [forge({ a: 3 }, 0), /not described by an object/],
    'a negative size': [forge({ a: f32([-1], 0, 4) }, 4), /shape/],
    'a fractional size': [forge({ a: f32([0.5, 2], 0, 4) }, 4), /shape/],
    'a size as text': [forge({ a: f32(['1'], 0, 4) }, 4), /shape/],
    'a product that overflows': [forge({ a: f32([2 ** 40, 2 ** 40], 0, 4) }, 4), /cannot be 4 bytes/],
    'a product that wraps to the right length in 64 bits': [
      forge({ a: f32([2 ** 62 / 2 ** 30, 2 ** 32 + 1], 0, 4) }, 4),
      /cannot be/,
    ],
    'a shape that does not match the length': [forge({ a: f32([2], 0, 4) }, 4), /F32 \[2\] cannot be 4 bytes/],
    'offsets beyond the file': [forge({ a: f32([2], 0, 8) }, 4), /the file has/],
    'negative offsets': [forge({ a: f32([1], -4, 0) }, 4), /data_offsets/],
    'offsets backwards': [forge({ a: f32([1], 4, 0) }, 4), /ends before it begins/],
    'three offsets': [forge({ a: { dtype: 'F32', shape: [1], data_offsets: [0, 2, 4] } }, 4), /data_offsets/],
    'overlapping tensors': [forge({ a: f32([2], 0, 8), b: f32([2], 4, 12) }, 12), /overlaps/],
    'a gap': [forge({ a: f32([1], 0, 4), b: f32([1], 8, 12) }, 12), /nothing describes/],
    'bytes after the last tensor': [forge({ a: f32([1], 0, 4) }, 5), /but the file has/],
    'a name twice': [
      forge(
        '{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}',
        4,
      ),
      /twice/,
    ],
    'a field twice': [forge('{"a":{"dtype":"I8","dtype":"F32","shape":[1],"data_offsets":[0,4]}}', 4), /twice/],
    'metadata that is no text': [forge({ __metadata__: { a: 1 } }, 0), /metadata "a" is not a text/],
    'metadata that is no object': [forge({ __metadata__: [] }, 0), /metadata is not an object/],
  };
  it.each(Object.entries(lies))('with %s is refused', async (_, [bytes, reason]) => {
    const reading = readSafetensorsHeader(openBytes('/models/liar.safetensors', bytes));
    await expect(reading).rejects.toMatchObject({
      code: 'invalid-file',
      message: expect.stringMatching(reason) as string,
    });
    await expect(reading).rejects.toThrow('/models/liar.safetensors');
  });

  it('with more tensors than anybody has is refused', async () => {
    const entries = Object.fromEntries(Array.from({ length: 200_001 }, (_, i) => [`t${i}`, f32([0], 0, 0)]));
    await expect(readSafetensorsHeader(openBytes('x', forge(entries, 0)))).rejects.toThrow(/more than 200000 tensors/);
  });

  it('with null for metadata, or with dtypes of a newer version in tensors that are not read, is read', async () => {
    const newer = { dtype: 'F4', shape: [3, 2], data_offsets: [4, 7] };
    const path = join(folder, 'newer.safetensors');
    await writeFile(path, forge({ __metadata__: null, a: f32([1], 0, 4), b: newer }, 7));
    const source = await openFile(path);
    const { tensors, metadata } = await readSafetensorsHeader(source);
    expect(metadata.size).toBe(0);
    expect(await readFloatTensor(source, tensors.get('a')!)).toEqual(Float32Array.of(0));
    for (const read of [readTensor, readFloatTensor]) {
      await expect(read(source, tensors.get('b')!)).rejects.toMatchObject({
        code: 'unsupported',
        details: { dtype: 'F4' },
      });
    }
    const copy = join(folder, 'copy.safetensors');
    const [a, b] = ['a', 'b'].map((name) => ({ name, ...tensors.get(name)! }));
    await writeSafetensors(copy, [
      { ...b!, data: await source.read(b!.fileOffset, b!.byteLength) },
      { ...a!, data: await source.read(a!.fileOffset, a!.byteLength) },
    ]);
    const copied = await openFile(copy);
    expect((await readSafetensorsHeader(copied)).tensors.get('b')).toMatchObject({ dtype: 'new:F4', byteLength: 3 });
    await copied.close();
    await source.close();
  });

  it('with a colon or a quote in a name is no lie', async () => {
    const bytes = forge({ 'a":":\\': f32([1], 0, 4), __proto__x: f32([0], 4, 4) }, 4);
    expect([...(await readSafetensorsHeader(openBytes('x', bytes))).tensors.keys()]).toEqual(['a":":\\', '__proto__x']);
  });
});

describe('writing and reading', () => {
  const values: TensorToWrite[] = [
    { name: 'f64', dtype: 'F64', shape: [2], data: Float64Array.of(Math.PI, -0) },
    { name: 'ä/f32', dtype: 'F32', shape: [2, 3], data: Float32Array.of(1, 2, 3, 4, 5, NaN) },
    { name: 'f16', dtype: 'F16', shape: [3], data: new Float16Array([1, 65504, 2 ** -24]) },
    { name: 'bf16', dtype: 'BF16', shape: [1], data: Uint16Array.of(0x3f80) },
    { name: 'i64', dtype: 'I64', shape: [1, 1], data: BigInt64Array.of(-(2n ** 63n)) },
    { name: 'i32', dtype: 'I32', shape: [], data: Int32Array.of(-7) },
    { name: 'i16', dtype: 'I16', shape: [1], data: Int16Array.of(-8) },
    { name: 'i8', dtype: 'I8', shape: [1], data: Int8Array.of(-9) },
    { name: 'bool', dtype: 'BOOL', shape: [3], data: Uint8Array.of(0, 1, 1) },
    { name: 'none', dtype: 'U8', shape: [0], data: new Uint8Array(0) },
  ];

  it('gives back what was written, of every kind, aligned for mapping', async () => {
    const path = join(folder, 'a.safetensors');
    const sha256 = await writeSafetensors(path, values, { format: 'pt', note: 'a "quoted" ü' });
    expect(sha256).toBe(await hashFile(path));
    const source = await openFile(path);
    const { tensors, metadata } = await readSafetensorsHeader(source);
    expect(Object.fromEntries(metadata)).toEqual({ format: 'pt', note: 'a "quoted" ü' });
    expect(tensors.size).toBe(values.length);
    for (const { name, dtype, shape, data } of values) {
      const info = tensors.get(name)!;
      expect(info).toMatchObject({ dtype, shape });
      expect(await readTensor(source, info)).toEqual(data);
      expect(info.fileOffset % 8 === 0 || info.byteLength < 8 || dtype !== 'F64').toBe(true);
    }
    expect(await readFloatTensor(source, tensors.get('bf16')!)).toEqual(Float32Array.of(1));
    expect(await readFloatTensor(source, tensors.get('f16')!)).toEqual(Float32Array.of(1, 65504, 2 ** -24));
    expect(await readFloatTensor(source, tensors.get('f64')!)).toEqual(Float32Array.of(Math.PI, -0));
    await expect(readFloatTensor(source, tensors.get('bool')!)).rejects.toMatchObject({ code: 'unsupported' });
    await source.close();
  });

  it('gives the same file from pieces made on demand', async () => {
    const lazily = values.map((tensor) => ({
      ...tensor,
      async *data() {
        const view = tensor.data as ArrayBufferView;
        for (let i = 0; i < view.byteLength; i += 3) {
          yield new Uint8Array(view.buffer, view.byteOffset + i, Math.min(3, view.byteLength - i)).slice();
        }
      },
    }));
    await writeSafetensors(join(folder, 'whole'), values);
    await writeSafetensors(join(folder, 'pieces'), lazily);
    expect(await readFile(join(folder, 'pieces'))).toEqual(await readFile(join(folder, 'whole')));
  });

  it('leaves nothing when the data have the wrong length', async () => {
    const wrong: TensorToWrite = { name: 'a', dtype: 'F32', shape: [2], data: Float32Array.of(1) };
    await expect(writeSafetensors(join(folder, 'a'), [wrong])).rejects.toThrow(/4 bytes were given for "a" \[2\]/);
    expect(await readdir(folder)).toEqual([]);
  });

  it('holds for arbitrary tensors', async () => {
    const dtypes = ['F32', 'F16', 'I64', 'U8'] as const;
    const bytesOf: Partial<Record<Dtype, number>> = { F32: 4, F16: 2, I64: 8, U8: 1 };
    const tensor = fc.record({
      name: fc.string({ unit: 'grapheme' }).filter((name) => name !== '__metadata__'),
      dtype: fc.constantFrom(...dtypes),
      shape: fc.array(fc.nat(4), { maxLength: 3 }),
    });
    await fc.assert(
      fc.asyncProperty(fc.uniqueArray(tensor, { selector: ({ name }) => name, maxLength: 6 }), async (list) => {
        const written = list.map((entry, i) => {
          const length = entry.shape.reduce((a, b) => a * b, bytesOf[entry.dtype]!);
          return { ...entry, data: new Uint8Array(length).fill(i + 1) };
        });
        const path = join(folder, 'any');
        await writeSafetensors(path, written);
        const source = openBytes(path, await readFile(path));
        const { tensors } = await readSafetensorsHeader(source);
        expect(new Set(tensors.keys())).toEqual(new Set(list.map(({ name }) => name)));
        for (const { name, shape, dtype, data } of written) {
          const info = tensors.get(name)!;
          expect(info).toMatchObject({ shape, dtype });
          expect(await source.read(info.fileOffset, info.byteLength)).toEqual(data);
        }
      }),
      { numRuns: 60 },
    );
  });

  it('never crashes or hangs on damaged bytes', async () => {
    const path = join(folder, 'good');
    await writeSafetensors(path, values.slice(0, 4), { format: 'pt' });
    const good = new Uint8Array(await readFile(path));
    const damage = fc.array(fc.tuple(fc.nat(good.length - 1), fc.nat(255)), { minLength: 1, maxLength: 5 });
    await fc.assert(
      fc.asyncProperty(damage, fc.nat(good.length), fc.boolean(), async (changes, cut, isCut) => {
        const bytes = good.slice(0, isCut ? cut : good.length);
        for (const [at, value] of changes) if (at < bytes.length) bytes[at] = value;
        const source = openBytes('damaged', bytes);
        try {
          const { tensors } = await readSafetensorsHeader(source);
          for (const info of tensors.values()) await readTensor(source, info);
        } catch (thrown) {
          expect(thrown).toBeInstanceOf(AppError);
          expect(thrown).toMatchObject({ code: 'invalid-file' });
        }
      }),
      { numRuns: 2000 },
    );
  });
});

describe('files of the reference library', () => {
  withFixtures('are read, and written again byte for byte', async () => {
    for (const name of ['architectures/llama/model', 'architectures/gemma3/model', 'architectures/gpt2/reference']) {
      const path = join(fixtures, `${name}.safetensors`);
      const source = await openFile(path);
      const { tensors, metadata } = await readSafetensorsHeader(source);
      expect(tensors.size).toBeGreaterThan(3);
      const copies = await Promise.all(
        [...tensors].map(async ([tensor, info]) => ({
          name: tensor,
          dtype: info.dtype,
          shape: info.shape,
          data: await readTensor(source, info),
        })),
      );
      const copy = join(folder, 'copy');
      await writeSafetensors(copy, copies.reverse(), Object.fromEntries(metadata));
      expect(await hashFile(copy), name).toBe(await hashFile(path));
      await source.close();
    }
  });
});

describe('a folder of weights', () => {
  const tensor = (name: string): TensorToWrite => ({ name, dtype: 'F32', shape: [1], data: Float32Array.of(1) });
  const writeIndex = (weightMap: unknown) =>
    writeFile(join(folder, 'model.safetensors.index.json'), JSON.stringify({ metadata: {}, weight_map: weightMap }));

  it('is read from one file, also through the links of a cache', async () => {
    const cache = join(folder, 'blobs');
    await mkdir(cache);
    await writeSafetensors(join(cache, 'abc'), [tensor('a')]);
    const snapshot = join(folder, 'snapshot');
    await mkdir(snapshot);
    await symlink('../blobs/abc', join(snapshot, 'model.safetensors'));
    const tensors = await openSafetensorsFolder(snapshot);
    expect(tensors.get('a')).toMatchObject({ file: join(cache, 'abc'), dtype: 'F32', shape: [1], byteLength: 4 });
  });

  it('is read from shards by the index', async () => {
    await writeSafetensors(join(folder, 'one'), [tensor('a'), tensor('unlisted')]);
    await writeSafetensors(join(folder, 'two'), [tensor('b')]);
    await writeIndex({ a: 'one', b: 'two' });
    const tensors = await openSafetensorsFolder(folder);
    expect([...tensors].map(([name, { file }]) => [name, file])).toEqual([
      ['a', join(folder, 'one')],
      ['b', join(folder, 'two')],
    ]);
  });

  it('is refused when the index lies', async () => {
    await writeSafetensors(join(folder, 'one'), [tensor('a')]);
    const cases: [unknown, string, RegExp][] = [
      [{ a: 'one', b: 'two' }, 'not-found', /the shard two that it names is missing/],
      [{ b: 'one' }, 'invalid-file', /"b" is in one, but it is not/],
      [{ a: '../one' }, 'invalid-file', /not inside its folder/],
      [{ a: '/etc/passwd' }, 'invalid-file', /not inside its folder/],
      [{ a: 1 }, 'invalid-file', /no file for "a"/],
      [{}, 'invalid-file', /empty/],
      [null, 'invalid-file', /no weight_map/],
      [[], 'invalid-file', /no weight_map/],
    ];
    for (const [weightMap, code, reason] of cases) {
      await writeIndex(weightMap);
      const opening = openSafetensorsFolder(folder);
      await expect(opening).rejects.toMatchObject({ code, message: expect.stringMatching(reason) as string });
      await expect(opening).rejects.toThrow('model.safetensors.index.json');
    }
    await writeFile(join(folder, 'model.safetensors.index.json'), '{');
    await expect(openSafetensorsFolder(folder)).rejects.toThrow(/not JSON/);
  });

  it('is refused when there is nothing', async () => {
    await expect(openSafetensorsFolder(folder)).rejects.toMatchObject({ code: 'not-found' });
    await expect(openSafetensorsFolder(join(folder, 'none'))).rejects.toThrow(/none: it does not exist/);
  });
});
