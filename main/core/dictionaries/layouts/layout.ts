// What a layout is: how a project of the field lays out a dictionary in files. One file per layout says how it is recognised
// and what its tensors mean; index.ts lists them, the more particular ones first. The facts are those of each project's own
// code, not of other tools' loaders. To add one: docs/howto/add-a-layout.md.
import type { Claims } from '../../../contract/domain/importedDictionary.ts';
import { AppError } from '../../../contract/base/errors.ts';
import type { TensorFile } from '../../formats/tensorFile.ts';
import { readFloats, type TensorInFile } from '../../formats/tensorInFile.ts';
import type { DictionaryKind } from '../kinds/index.ts';
import type { PerFeature } from '../kinds/kind.ts';
import { flipped, matrixOf, type StoredMatrix } from '../storedMatrix.ts';

export type Config = Readonly<Record<string, unknown>>;

/** Everything there is to judge by: one file of tensors, and the plain files around it. */
export interface Material {
  readonly path: string;
  /** Tensors of the state dict that is looked at: the file's, without what their names begin with. */
  readonly tensors: ReadonlyMap<string, TensorInFile>;
  /** Plain values next to them, by the same names. */
  readonly facts: TensorFile['facts'];
  /** JSON objects and flat YAML by file name: those next to the tensors, and those one folder up where none is next to them. */
  readonly configs: ReadonlyMap<string, Config>;
  /** The last parts of the path, the file's name included, with `/`: folders of the field say site, layer and L0. */
  readonly place: string;
}

/** How the dictionary in the material is read: its arrays in the terms of dictionary.ts. */
export interface Reading {
  readonly kind: DictionaryKind;
  readonly d: number;
  readonly size: number;
  readonly k: number | null;
  /** `[size, d]` */
  readonly encoder: StoredMatrix;
  /** `[size, d]` */
  readonly decoder: StoredMatrix;
  /** Encoder rows are multiplied by it, decoder rows divided; biases and thresholds are given as they are afterwards. */
  readonly featureScale?: Float32Array;
  /** All of the encoder and of the decoder are multiplied by these. */
  readonly encoderScale?: number;
  readonly decoderScale?: number;
  readonly encoderBias: Float32Array;
  readonly decoderBias: Float32Array;
  /** Whether decoderBias is subtracted before encoding. */
  readonly subtractsDecoderBias: boolean;
  readonly perFeature: PerFeature;
  readonly claims: Claims;
  /** What was concluded and from what, a sentence each. */
  readonly conclusions: readonly string[];
}

export interface Layout<Name extends string = string> {
  readonly name: Name;
  /** `dictionary_learning (saprmarks)` */
  readonly title: string;
  /** Why the material is in this layout, a sentence; null when it is not. */
  recognise(material: Material): string | null;
  /** @throws AppError `invalid-file`, `mismatch`, `unsupported` that names the file. */
  read(material: Material): Promise<Reading>;
}

// ---- reading tensors ------------------------------------------------------------------------------------------------

export function has({ tensors }: Material, ...names: readonly string[]): boolean {
  return names.every((name) => tensors.has(name));
}

/** The names in a sentence: `encoder.weight, encoder.bias and b_dec`. */
export function listed(names: readonly string[]): string {
  return names.length < 2 ? names.join('') : `${names.slice(0, -1).join(', ')} and ${names.at(-1) ?? ''}`;
}

/** @throws AppError `invalid-file` when it is missing. */
export function tensorOf({ tensors, path }: Material, name: string): TensorInFile {
  const tensor = tensors.get(name);
  if (tensor) return tensor;
  throw new AppError('invalid-file', `${path}: the tensor ${name} is missing.`, { details: { path } });
}

export function elementsOf({ shape }: TensorInFile): number {
  return shape.reduce((product, size) => product * size, 1);
}

/** A vector of this length. @throws AppError `invalid-file`, `mismatch`. */
export async function vectorOf(material: Material, name: string, length: number): Promise<Float32Array> {
  const tensor = tensorOf(material, name);
  if (elementsOf(tensor) === length && tensor.shape.filter((size) => size !== 1).length <= 1) return readFloats(tensor);
  throw misshapen(material, name, `[${length}]`);
}

export function misshapen(material: Material, name: string, expected: string): AppError {
  const { shape } = tensorOf(material, name);
  return new AppError('mismatch', `${material.path}: ${name} has the shape [${shape.join(', ')}], not ${expected}.`, {
    details: { path: material.path },
  });
}

/** A number in a tensor or next to them; null when there is none. */
export async function numberOf(material: Material, name: string): Promise<number | null> {
  const fact = material.facts.get(name);
  if (typeof fact === 'number') return fact;
  const tensor = material.tensors.get(name);
  if (!tensor || elementsOf(tensor) !== 1) return null;
  return (await readFloats(tensor))[0] ?? null;
}

/** The sizes of a matrix, in the order in which it is stored. @throws AppError `invalid-file`, `mismatch`. */
export function sizesOf(material: Material, name: string): readonly [number, number] {
  const { shape } = tensorOf(material, name);
  const [first, second] = shape;
  if (first !== undefined && second !== undefined && shape.length === 2) return [first, second];
  throw misshapen(material, name, 'that of a matrix');
}

export function unsupported(path: string, reason: string): AppError {
  return new AppError('unsupported', `${path}: ${reason}.`, { details: { path } });
}

export type Axes = 'features first' | 'width first';

interface MatrixWanted {
  /** How the layout stores it. */
  readonly usual: Axes;
  readonly size: number;
  readonly width: number;
}

/**
 * A matrix as `[features, width]`. Where its shape shows the other order than the usual one, that is what it is, and
 * `conclusions` says so; where it is square the shape shows nothing, and `conclusions` says that.
 * @throws AppError `mismatch` when it has neither shape.
 */
export async function featureRows(
  material: Material,
  name: string,
  { usual, size, width }: MatrixWanted,
  conclusions: string[],
): Promise<StoredMatrix> {
  const [rows, columns] = sizesOf(material, name);
  const matrix = await matrixOf(`${material.path}: ${name}`, tensorOf(material, name));
  const fits = {
    'features first': rows === size && columns === width,
    'width first': rows === width && columns === size,
  };
  const other = usual === 'features first' ? 'width first' : 'features first';
  if (!fits[usual] && !fits[other]) throw misshapen(material, name, `that of ${size} features of width ${width}`);
  if (size === width) conclusions.push(`${name} is square: its shape does not show its order, taken as ${usual}.`);
  else if (!fits[usual])
    conclusions.push(`${name} is stored ${other}, as its shape shows; the layout has it ${usual}.`);
  const order = fits[usual] ? usual : other;
  return order === 'features first' ? matrix : flipped(matrix);
}

// ---- reading configuration ------------------------------------------------------------------------------------------

export function textAt(config: Config | undefined, ...keys: readonly string[]): string | null {
  for (const key of keys) if (typeof config?.[key] === 'string' && config[key] !== '') return config[key];
  return null;
}

export function numberAt(config: Config | undefined, ...keys: readonly string[]): number | null {
  for (const key of keys) if (typeof config?.[key] === 'number' && Number.isFinite(config[key])) return config[key];
  return null;
}

export function configAt(config: Config | undefined, key: string): Config | undefined {
  const value = config?.[key];
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? { ...value } : undefined;
}
