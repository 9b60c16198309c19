import fc from 'fast-check';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { crc32, deflateRawSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { AppError } from '../../contract/base/errors.ts';
import { openBytes, openFile } from '../files/byteSource.ts';
import { readNpy } from './npy.ts';
import { openNpz } from './npz.ts';

const fixtures = fileURLToPath(new URL('../../../../shared/fixtures/', import.meta.url));
const withFixtures = it.skipIf(!existsSync(fixtures));
if (!existsSync(fixtures)) console.log('../shared/fixtures is absent: files that NumPy wrote are not read.');

/** What numpy.lib.format writes for version 1 (64-byte alignment included). */
function npy(descr: string, shape: string, data: Uint8Array, dict?: string): Buffer {
  const text = dict ?? `{'descr': ${descr}, 'fortran_order': False, 'shape': ${shape}, }`;
  const padded = text + ' '.repeat((64 - ((10 + text.length + 1) % 64)) % 64) + '\n';
  const head = Buffer.alloc(10);
  head.write('\x93NUMPY\x01\x00', 'latin1');
  head.writeUInt16LE(padded.length, 8);
  return Buffer.concat([head, Buffer.from(padded, 'latin1'), data]);
}

/** A ZIP archive as numpy.savez (method 0) or savez_compressed (method 8) makes it. */
function npz(members: Record<string, Uint8Array>, method: 0 | 8): Buffer {
  const locals: Buffer[] = [];
  const entries: Buffer[] = [];
  let offset = 0;
  for (const [name, bytes] of Object.entries(members)) {
    const packed = method === 8 ? deflateRawSync(bytes) : Buffer.from(bytes);
    const fileName = Buffer.from(`${name}.npy`);
    const local = Buffer.alloc(30);
    local.writeUInt32LE(0x04034b50, 0);
    local.writeUInt16LE(fileName.length, 26);
    local.writeUInt16LE(20, 28); // NumPy's force_zip64 leaves an extra field here
    const entry = Buffer.alloc(46);
    entry.writeUInt32LE(0x02014b50, 0);
    entry.writeUInt16LE(method, 10);
    entry.writeUInt32LE(crc32(bytes), 16);
    entry.writeUInt32LE(packed.length, 20);
    entry.writeUInt32LE(bytes.length, 24);
    entry.writeUInt16LE(fileName.length, 28);
    entry.writeUInt32LE(offset, 42);
    locals.push(local, fileName, Buffer.alloc(20), packed);
    entries.push(entry, fileName);
    offset += 30 + fileName.length + 20 + packed.length;
  }
  const directory = Buffer.concat(entries);
  const end = Buffer.alloc(22);
  end.writeUInt32LE(0x06054b50, 0);
  end.writeUInt16LE(Object.keys(members).length, 8);
  end.writeUInt16LE(Object.keys(members).length, 10);
  end.writeUInt32LE(directory.length, 12);
  end.writeUInt32LE(offset, 16);
  return Buffer.concat([...locals, directory, end]);
}

const floats = new Uint8Array(Float32Array.of(1, 2, 3, 4, 5, 6).buffer);
const good = npy("'<f4'", '(2, 3)', floats);

describe('.npy', () => {
  it('gives values and shape', async () => {
    const read = (bytes: Uint8Array) => readNpy(openBytes('a.npy', bytes));
    expect(await read(good)).toEqual({ dtype: 'F32', shape: [2, 3], values: Float32Array.of(1, 2, 3, 4, 5, 6) });
    expect(await read(npy("'<i8'", '()', new Uint8Array(BigInt64Array.of(-5n).buffer)))).toEqual({
      dtype: 'I64',
      shape: [],
      values: BigInt64Array.of(-5n),
    });
    expect(await read(npy("'|b1'", '(2,)', Uint8Array.of(0, 1)))).toMatchObject({ dtype: 'BOOL', shape: [2] });
    expect(await read(npy("'<f2'", '(0, 7)', new Uint8Array(0)))).toMatchObject({ dtype: 'F16', shape: [0, 7] });
    const otherOrder = npy('', '', floats, "{'shape': (6,), 'fortran_order': True, 'descr': '<f4'}");
    expect(await read(otherOrder)).toMatchObject({ shape: [6] });
  });

  it.each<[string, Uint8Array, string, RegExp]>([
    ['another format', Buffer.from('PK\x03\x04 and more bytes'), 'invalid-file', /not a \.npy/],
    ['nothing', Buffer.alloc(0), 'invalid-file', /not a \.npy/],
    ['a cut header', good.subarray(0, 40), 'invalid-file', /truncated/],
    ['missing elements', good.subarray(0, good.length - 1), 'invalid-file', /needs 24 bytes, but it has 23/],
    ['trailing bytes', Buffer.concat([good, Buffer.alloc(1)]), 'invalid-file', /needs 24 bytes/],
    ['objects', npy("'|O'", '(1,)', floats), 'unsupported', /"\|O"/],
    ['big-endian', npy("'>f4'", '(6,)', floats), 'unsupported', /">f4"/],
    ['a record type', npy("[('a', '<f4')]", '(6,)', floats), 'invalid-file', /plain array/],
    [
      'code',
      npy('', '', floats, "{'descr': __import__('os').system('x'), 'shape': (6,)}"),
      'invalid-file',
      /plain array/,
    ],
    ['a negative size', npy("'<f4'", '(-6,)', floats), 'invalid-file', /plain array/],
    ['a huge size', npy("'<f4'", '(99999999999999999999,)', floats), 'invalid-file', /plain array/],
    ['an overflowing shape', npy("'<f4'", '(9007199254740991, 9007199254740991)', floats), 'invalid-file', /needs/],
    [
      'Fortran order',
      npy('', '', floats, "{'descr': '<f4', 'fortran_order': True, 'shape': (2, 3), }"),
      'unsupported',
      /Fortran/,
    ],
    [
      'a field twice',
      npy('', '', floats, "{'descr': '<f4', 'descr': '<f4', 'fortran_order': False, 'shape': (6,)}"),
      'invalid-file',
      /plain/,
    ],
  ])('refuses %s', async (_, bytes, code, message) => {
    await expect(readNpy(openBytes('/data/a.npy', bytes))).rejects.toMatchObject({
      code,
      message: expect.stringMatching(message) as string,
      details: { path: '/data/a.npy' },
    });
  });
});

describe('.npz', () => {
  it.each([0, 8] as const)('gives its arrays (method %i)', async (method) => {
    const archive = await openNpz(
      openBytes('a.npz', npz({ logits: good, ids: npy("'<i4'", '(1,)', Uint8Array.of(7, 0, 0, 0)) }, method)),
    );
    expect(archive.names).toEqual(['logits', 'ids']);
    expect((await archive.array('logits')).values).toEqual(Float32Array.of(1, 2, 3, 4, 5, 6));
    expect((await archive.array('ids')).values).toEqual(Int32Array.of(7));
    await expect(archive.array('none')).rejects.toMatchObject({ code: 'not-found' });
  });

  it('refuses lies', async () => {
    const archive = npz({ a: good }, 8);
    const entry = archive.lastIndexOf(Buffer.from([0x50, 0x4b, 0x01, 0x02]));
    const changed = (change: (bytes: Buffer) => void) => {
      const bytes = Buffer.from(archive);
      change(bytes);
      return bytes;
    };
    const cases: [Buffer, RegExp][] = [
      [changed((b) => b.writeUInt32LE(123, entry + 16)), /checksum/],
      [changed((b) => b.writeUInt32LE(4_000_000_000, entry + 24)), /4000000000 bytes/],
      [changed((b) => b.writeUInt32LE(good.length - 1, entry + 24)), /damaged/],
      [changed((b) => b.writeUInt32LE(good.length + 1, entry + 24)), /length/],
      [changed((b) => b.writeUInt32LE(1_000_000, entry + 20)), /1000000 bytes at offset|expected/],
      [changed((b) => b.writeUInt32LE(5, entry + 42)), /damaged/],
      [changed((b) => b.writeUInt16LE(60_000, archive.length - 12)), /does not fit/],
      [changed((b) => b.writeUInt32LE(1_000_000, archive.length - 6)), /does not fit/],
      [Buffer.from('nothing of the kind'), /no end of a ZIP/],
    ];
    for (const [bytes, message] of cases) {
      const reading = openNpz(openBytes('a.npz', bytes)).then((opened) => opened.array('a'));
      await expect(reading).rejects.toMatchObject({
        code: 'invalid-file',
        message: expect.stringMatching(message) as string,
      });
    }
  });

  it('never crashes or hangs on damaged bytes', async () => {
    const archive = npz({ a: good, b: good }, 8);
    const damage = fc.array(fc.tuple(fc.nat(archive.length - 1), fc.nat(255)), { minLength: 1, maxLength: 4 });
    await fc.assert(
      fc.asyncProperty(damage, async (changes) => {
        const bytes = Buffer.from(archive);
        for (const [at, value] of changes) bytes[at] = value;
        try {
          const opened = await openNpz(openBytes('damaged', bytes));
          for (const name of opened.names) await opened.array(name);
        } catch (thrown) {
          expect(thrown).toBeInstanceOf(AppError);
        }
      }),
      { numRuns: 1500 },
    );
  });

  withFixtures('gives the arrays of files that NumPy wrote', async () => {
    const source = await openFile(join(fixtures, 'models/stories260K/reference_logits.npz'));
    const archive = await openNpz(source);
    const [ids, logits] = [await archive.array('input_ids'), await archive.array('logits')];
    expect(logits.shape).toEqual([...ids.shape, 512]);
    expect(logits.values.every((value) => Number.isFinite(Number(value)))).toBe(true);
    await source.close();
  });
});
