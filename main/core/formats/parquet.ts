// Rows of a Parquet file, one row group in memory at a time and only the columns that are wanted. Nested columns come as objects
// and lists, as JSON would have them. The file comes from a stranger: what a row group claims to hold is bounded before it is read.
import { brotliDecompressSync, gunzipSync, zstdDecompressSync } from 'node:zlib';
import { parquetMetadataAsync, parquetReadObjects, parquetSchema } from 'hyparquet';
import { AppError } from '../../contract/base/errors.ts';
import { openFile, type ByteSource } from '../files/byteSource.ts';
import { toFileError } from '../files/fileError.ts';

/** Of a row group, unpacked: those of the field have 1 to 512 MB. */
const MOST_GROUP_BYTES = 2 ** 31;

const unpackers = {
  GZIP: (input: Uint8Array, length: number) => gunzipSync(input, { maxOutputLength: length }),
  ZSTD: (input: Uint8Array, length: number) => zstdDecompressSync(input, { maxOutputLength: length }),
  BROTLI: (input: Uint8Array, length: number) => brotliDecompressSync(input, { maxOutputLength: length }),
};

export interface ParquetFile {
  /** Names of the columns at the top. */
  readonly columns: readonly string[];
  readonly rows: number;
  /** Rows in order as objects of the named columns. @throws AppError `invalid-file`, `unsupported`. */
  read(columns: readonly string[]): AsyncGenerator<Readonly<Record<string, unknown>>, void, undefined>;
  close(): Promise<void>;
}

/** @throws AppError `not-found`, `permission`, `invalid-file`. */
export async function openParquet(path: string): Promise<ParquetFile> {
  const source = await openFile(path);
  try {
    const file = bufferOf(source);
    const metadata = await parquetMetadataAsync(file);
    const columns = parquetSchema(metadata).children.map(({ element }) => element.name);
    return {
      columns,
      rows: Number(metadata.num_rows),
      async *read(wanted) {
        let rowStart = 0;
        for (const group of metadata.row_groups) {
          const rowEnd = rowStart + Number(group.num_rows);
          const bytes = group.columns
            .filter(({ meta_data: column }) => wanted.includes(column?.path_in_schema[0] ?? ''))
            .reduce((sum, { meta_data: column }) => sum + Number(column?.total_uncompressed_size ?? 0), 0);
          if (!(bytes <= MOST_GROUP_BYTES)) throw tooLarge(path, bytes);
          try {
            const options = { file, metadata, columns: [...wanted], compressors: unpackers };
            yield* await parquetReadObjects({ ...options, rowStart, rowEnd });
          } catch (thrown) {
            throw parquetError(thrown, path);
          }
          rowStart = rowEnd;
        }
      },
      close: () => source.close(),
    };
  } catch (thrown) {
    await source.close();
    throw parquetError(thrown, path);
  }
}

function bufferOf(source: ByteSource) {
  return {
    byteLength: source.size,
    slice: async (start: number, end?: number): Promise<ArrayBuffer> => {
      const from = start < 0 ? source.size + start : start;
      return (await source.read(from, Math.min(end ?? source.size, source.size) - from)).buffer;
    },
  };
}

function tooLarge(path: string, bytes: number): AppError {
  return new AppError('unsupported', `${path}: a row group of ${bytes} bytes is too large. Write smaller row groups.`, {
    details: { path },
  });
}

/** The library throws plain errors, and range or type errors for numbers that lie. */
function parquetError(thrown: unknown, path: string): AppError {
  if (!(thrown instanceof Error)) return toFileError(thrown, path);
  const known = toFileError(thrown, path);
  if (known.code !== 'internal') return known;
  const codec = /unsupported compression codec: (\w+)/u.exec(thrown.message)?.[1];
  if (codec !== undefined) {
    return new AppError(
      'unsupported',
      `${path}: it is compressed by ${codec}; snappy, gzip, zstd and brotli are read.`,
      {
        cause: thrown,
        details: { path },
      },
    );
  }
  return new AppError('invalid-file', `${path}: this is not a whole Parquet file: ${thrown.message.slice(0, 200)}.`, {
    cause: thrown,
    details: { path },
  });
}
