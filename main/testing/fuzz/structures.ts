// What the bytes of a sample mean, so that its values can be damaged and written as a whole file again.
import { gunzipSync, gzipSync } from 'node:zlib';
import type { Structure } from './damage.ts';

export const json: Structure = {
  parse: (bytes) => JSON.parse(bytes.toString('utf8')) as unknown,
  write: (value) => Buffer.from(JSON.stringify(value) ?? 'null'),
};

export const jsonLines: Structure = {
  parse: (bytes) =>
    bytes
      .toString('utf8')
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => JSON.parse(line) as unknown),
  write: (value) => {
    const rows = Array.isArray(value) ? (value as unknown[]) : [value];
    return Buffer.from(rows.map((row) => `${JSON.stringify(row) ?? 'null'}\n`).join(''));
  },
};

/** Rows of cells without quotes. */
export const csv: Structure = {
  parse: (bytes) =>
    bytes
      .toString('utf8')
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => line.split(',')),
  write: (value) => {
    const rows = Array.isArray(value) ? (value as unknown[]) : [value];
    const line = (row: unknown) => (Array.isArray(row) ? row.map(cell).join(',') : cell(row));
    return Buffer.from(rows.map((row) => `${line(row)}\n`).join(''));
  },
};

function cell(value: unknown): string {
  return typeof value === 'string' ? value : (JSON.stringify(value) ?? '');
}

/** The header: its length in 8 bytes, then JSON. What follows stays as it is. */
export const safetensors: Structure = {
  parse: (bytes) => JSON.parse(bytes.subarray(8, 8 + headerLength(bytes)).toString('utf8')) as unknown,
  write: (value, whole) => {
    const header = Buffer.from(JSON.stringify(value) ?? 'null');
    const length = Buffer.alloc(8);
    length.writeBigUInt64LE(BigInt(header.length));
    return Buffer.concat([length, header, whole.subarray(8 + headerLength(whole))]);
  },
};

function headerLength(bytes: Buffer): number {
  return Number(bytes.readBigUInt64LE());
}

/** What is packed is damaged, and its checksum right. */
export function gzipped(inner: Structure): Structure {
  return {
    parse: (bytes) => inner.parse(gunzipSync(bytes)),
    write: (value, whole) => {
      const bytes = inner.write(value, gunzipSync(whole));
      return bytes && gzipSync(bytes);
    },
  };
}
