// Reads columns of a safetensors file that Errata wrote: whole, or a range of their elements. Everything is checked against
// what the caller expects, since a file may be damaged or a stranger's.
import { AppError } from '../../contract/base/errors.ts';
import { openFile, type ByteSource } from '../files/byteSource.ts';
import { DTYPE_BYTES, tensorValues, type Dtype } from '../formats/dtype.ts';
import { readSafetensorsHeader, type SafetensorsHeader, type TensorInfo } from '../formats/safetensors.ts';

interface ColumnTypes {
  readonly U8: Uint8Array<ArrayBuffer>;
  readonly I32: Int32Array<ArrayBuffer>;
  readonly U32: Uint32Array<ArrayBuffer>;
  readonly F32: Float32Array<ArrayBuffer>;
  readonly F64: Float64Array<ArrayBuffer>;
}
export type ColumnType = keyof ColumnTypes & Dtype;

export class ColumnFile {
  readonly path: string;
  readonly metadata: ReadonlyMap<string, string>;
  readonly #source: ByteSource;
  readonly #tensors: SafetensorsHeader['tensors'];

  private constructor(source: ByteSource, header: SafetensorsHeader) {
    this.path = source.name;
    this.metadata = header.metadata;
    this.#source = source;
    this.#tensors = header.tensors;
  }

  /** @throws AppError `not-found`, `invalid-file`. */
  static async open(path: string): Promise<ColumnFile> {
    const source = await openFile(path);
    try {
      return new ColumnFile(source, await readSafetensorsHeader(source));
    } catch (thrown) {
      await source.close();
      throw thrown;
    }
  }

  has(name: string): boolean {
    return this.#tensors.has(name);
  }

  /** All elements, row-major. @throws AppError `invalid-file` when there are not `length` of the type. */
  async column<Type extends ColumnType>(name: string, type: Type, length: number): Promise<ColumnTypes[Type]> {
    return this.range(name, type, length, 0, length);
  }

  /** Elements `first` to `end` of a column of `length` elements. @throws AppError `invalid-file`. */
  async range<Type extends ColumnType>(
    name: string,
    type: Type,
    length: number,
    first: number,
    end: number,
  ): Promise<ColumnTypes[Type]> {
    const { fileOffset } = this.#check(name, type, length);
    if (!(first >= 0 && end >= first && end <= length)) {
      throw new AppError('invalid-file', `${this.path}: ${name} has no elements ${first} to ${end}.`);
    }
    const bytes = DTYPE_BYTES[type];
    const read = await this.#source.read(fileOffset + first * bytes, (end - first) * bytes);
    return tensorValues(type, read.buffer) as ColumnTypes[Type]; // what tensorValues gives for that dtype
  }

  /** How many elements a column has. */
  lengthOf(name: string): number {
    return this.#tensors.get(name)?.shape.reduce((product, size) => product * size, 1) ?? 0;
  }

  #check(name: string, type: Dtype, length: number): TensorInfo {
    const info = this.#tensors.get(name);
    if (info?.dtype === type && info.byteLength === length * DTYPE_BYTES[type]) return info;
    throw new AppError('invalid-file', `${this.path}: it has no ${name} of ${length} numbers (${type}).`, {
      details: { path: this.path, tensor: name },
    });
  }

  close(): Promise<void> {
    return this.#source.close();
  }
}
