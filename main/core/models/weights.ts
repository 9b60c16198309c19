// A model's weights as initializers of a graph that point into the user's own safetensors files: nothing is copied. The graph
// goes to the engine as bytes, with `folder` as the folder that the files' locations are relative to; it is the common
// parent of their real paths, because caches of the Hub consist of symbolic links, which the engine does not follow.
import { dirname, relative, sep } from 'node:path';
import { AppError } from '../../contract/base/errors.ts';
import { openFile } from '../files/byteSource.ts';
import { dtypeName, type StoredDtype } from '../formats/dtype.ts';
import { openSafetensorsFolder, type StoredTensor } from '../formats/safetensorsFolder.ts';
import type { ElementType } from '../onnx/elementType.ts';
import type { TensorData } from '../onnx/elementType.ts';
import type { GraphBuilder, Value } from '../onnx/graph.ts';
import * as op from '../onnx/ops.ts';

/** What weights may be stored as. In the graph they are all float32. */
const FLOAT_TYPES: Partial<Readonly<Record<StoredDtype, ElementType>>> = {
  F32: 'float32',
  F16: 'float16',
  BF16: 'bfloat16',
  F64: 'float64',
};

/**
 * Tensors up to this size stand in the graph itself. ONNX Runtime 1.30 leaves very small external data (32 bytes fail, 40 do
 * not) in its file when it opens a graph, and then an optimiser that looks at it fails, because a graph given as bytes has
 * no path.
 */
const LARGEST_INLINE_BYTES = 256;

export class Weights {
  /** The model's folder, as the person named it: for messages. */
  readonly modelFolder: string;
  /** What the graph's external data locations are relative to. */
  readonly folder: string;
  /** Real paths of the files, sorted. */
  readonly files: readonly string[];
  /** By name. */
  readonly tensors: ReadonlyMap<string, StoredTensor>;
  readonly #inline: ReadonlyMap<string, ArrayBuffer>;

  constructor(
    modelFolder: string,
    tensors: ReadonlyMap<string, StoredTensor>,
    inline: ReadonlyMap<string, ArrayBuffer>,
  ) {
    this.modelFolder = modelFolder;
    this.tensors = tensors;
    this.#inline = inline;
    this.files = [...new Set([...tensors.values()].map(({ file }) => file))].sort();
    this.folder = commonFolder(this.files);
  }

  /** @throws AppError `not-found`, `invalid-file` as openSafetensorsFolder says. */
  static async open(modelFolder: string): Promise<Weights> {
    const tensors = await openSafetensorsFolder(modelFolder);
    return new Weights(modelFolder, tensors, await readSmallTensors(tensors));
  }

  get size(): { readonly parameters: number; readonly bytes: number } {
    let parameters = 0;
    let bytes = 0;
    for (const { shape, byteLength } of this.tensors.values()) {
      parameters += shape.reduce((product, axis) => product * axis, 1);
      bytes += byteLength;
    }
    return { parameters, bytes };
  }

  has(name: string): boolean {
    return this.tensors.has(name);
  }

  /** The first prefix under which `name` exists: checkpoints of a bare model and of one with its head differ in it. */
  prefix(candidates: readonly string[], name: string): string {
    const found = candidates.find((prefix) => this.has(`${prefix}${name}`));
    if (found !== undefined) return found;
    throw this.#missing(`${candidates[0] ?? ''}${name}`);
  }

  /**
   * The tensor as float32 in `graph`, added once.
   * @throws AppError `invalid-file` when it is missing, `mismatch` when it does not have the shape that config.json makes
   * it have, `unsupported` when its elements are not floats.
   */
  load(graph: GraphBuilder, name: string, shape: readonly number[]): Value {
    const tensor = this.tensors.get(name);
    if (!tensor) throw this.#missing(name);
    if (tensor.shape.join() !== shape.join()) {
      throw new AppError(
        'mismatch',
        `${tensor.file}: the tensor ${name} is [${tensor.shape.join(', ')}], but config.json makes it ` +
          `[${shape.join(', ')}].`,
        { details: { path: tensor.file, tensor: name, expected: shape, actual: tensor.shape } },
      );
    }
    const type = FLOAT_TYPES[tensor.dtype];
    if (!type) {
      throw new AppError(
        'unsupported',
        `${tensor.file}: the tensor ${name} is stored as ${dtypeName(tensor.dtype)}; weights must be F32, F16, BF16 or F64.`,
        { details: { path: tensor.file, tensor: name, dtype: dtypeName(tensor.dtype) } },
      );
    }
    const castName = `${name}/float32`;
    const known = graph.find(type === 'float32' ? name : castName);
    if (known) return known;
    const inline = this.#inline.get(name);
    const stored = inline
      ? graph.initializer(name, type, shape, elementsOf(type, inline))
      : graph.externalInitializer(name, type, shape, {
          location: relative(this.folder, tensor.file).split(sep).join('/'),
          offset: tensor.fileOffset,
          length: tensor.byteLength,
        });
    return type === 'float32' ? stored : op.cast(stored, 'float32', castName);
  }

  #missing(name: string): AppError {
    return new AppError('invalid-file', `${this.modelFolder}: its weights have no tensor ${name}.`, {
      details: { path: this.modelFolder, tensor: name },
    });
  }
}

async function readSmallTensors(tensors: ReadonlyMap<string, StoredTensor>): Promise<Map<string, ArrayBuffer>> {
  const byFile = new Map<string, [name: string, tensor: StoredTensor][]>();
  for (const [name, tensor] of tensors) {
    if (tensor.byteLength > LARGEST_INLINE_BYTES) continue;
    const known = byFile.get(tensor.file);
    if (known) known.push([name, tensor]);
    else byFile.set(tensor.file, [[name, tensor]]);
  }
  const bytes = new Map<string, ArrayBuffer>();
  for (const [file, small] of byFile) {
    const source = await openFile(file);
    try {
      for (const [name, { fileOffset, byteLength }] of small) {
        bytes.set(name, (await source.read(fileOffset, byteLength)).buffer);
      }
    } finally {
      await source.close();
    }
  }
  return bytes;
}

function elementsOf(type: ElementType, bytes: ArrayBuffer): TensorData {
  if (type === 'float32') return new Float32Array(bytes);
  return type === 'float64' ? new Float64Array(bytes) : new Uint16Array(bytes);
}

/** The deepest folder that holds all of the files. */
function commonFolder(files: readonly string[]): string {
  let folder = dirname(files[0] ?? '.');
  const isWithin = (file: string) => {
    const way = relative(folder, file);
    return way !== '..' && !way.startsWith(`..${sep}`);
  };
  while (!files.every(isWithin) && folder !== dirname(folder)) folder = dirname(folder);
  return folder;
}
