// SHA-256 in lower-case hexadecimal: the identity of models, corpora, shards and exports.

import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { toFileError } from './fileError.ts';

export function hashBytes(bytes: Uint8Array | string): string {
  return createHash('sha256').update(bytes).digest('hex');
}

/** Reads the file once, a megabyte at a time. @throws AppError `not-found`, `permission`, `cancelled`. */
export async function hashFile(path: string, signal?: AbortSignal, onBytes?: (bytes: number) => void): Promise<string> {
  const hash = createHash('sha256');
  try {
    const stream = createReadStream(path, { highWaterMark: 1 << 20, ...(signal ? { signal } : {}) });
    for await (const chunk of stream) {
      const bytes = chunk as Uint8Array; // since no encoding is set
      hash.update(bytes);
      onBytes?.(bytes.byteLength);
    }
  } catch (thrown) {
    throw toFileError(thrown, path);
  }
  return hash.digest('hex');
}
