// .onnx files written from a model's graph, whose weights lie in files elsewhere. Nowhere is a whole model held in memory:
// graphs are small, and weights go from file to file piece by piece.
//
// Weights inside the file: a protobuf message is the concatenation of its fields, so the graph is encoded without its
// weights, and each weight is appended as one more `initializer` field whose bytes are streamed.
import { create, toBinary } from '@bufbuild/protobuf';
import { open, type FileHandle } from 'node:fs/promises';
import { join } from 'node:path';
import {
  GraphProtoSchema,
  ModelProtoSchema,
  StringStringEntryProtoSchema,
  TensorProto_DataLocation as DataLocation,
  TensorProtoSchema,
  type GraphProto,
  type ModelProto,
  type TensorProto,
} from 'onnx-buf';
import { AppError } from '../../../contract/base/errors.ts';
import { writeAll } from '../../files/atomicWrite.ts';
import { openFile, type ByteSource } from '../../files/byteSource.ts';
import { toFileError } from '../../files/fileError.ts';

/** A protobuf message may not be longer. */
export const LARGEST_ONNX_FILE = 2 ** 31 - 1;

// Field numbers of onnx.proto, with the wire type of length-delimited fields.
const MODEL_GRAPH = (7 << 3) | 2;
const GRAPH_INITIALIZER = (5 << 3) | 2;
const TENSOR_RAW_DATA = (9 << 3) | 2;

const PIECE_BYTES = 8 << 20;
/** Tensors in a data file begin at multiples of a memory page, so that they can be mapped. */
const PAGE_BYTES = 4096;

/** A weight that lies outside of the graph. */
interface ExternalTensor {
  readonly proto: TensorProto;
  readonly name: string;
  /** Relative to the folder of the weights. */
  readonly location: string;
  readonly offset: number;
  readonly length: number;
}

/** Hears how many bytes of weights have been written so far. */
export type OnBytes = (bytes: number) => void;

function graphOf(model: ModelProto): GraphProto {
  if (model.graph) return model.graph;
  throw new AppError('internal', 'A model without a graph cannot be written.');
}

function externalTensors(model: ModelProto): ExternalTensor[] {
  return graphOf(model)
    .initializer.filter((proto) => proto.dataLocation === DataLocation.EXTERNAL)
    .map((proto) => {
      const entries = new Map(proto.externalData.map(({ key, value }) => [key, value]));
      const [location, offset, length] = [entries.get('location'), entries.get('offset'), entries.get('length')];
      if (location === undefined || offset === undefined || length === undefined) {
        throw new AppError('internal', `The weight ${proto.name} has no place.`);
      }
      return { proto, name: proto.name, location, offset: Number(offset), length: Number(length) };
    });
}

/** The size of the file that writeEmbedded would write, in bytes. */
export function embeddedSize(model: ModelProto): number {
  const { head, tensors } = parts(model);
  return head.length + tensors.reduce((sum, { start, tensor }) => sum + start.length + tensor.length, 0);
}

/**
 * Writes the graph with its weights inside.
 * @param weightsFolder what the weights' locations are relative to
 * @throws AppError `disk-full`, `permission`; `invalid-file` when a weight file became shorter.
 */
export async function writeEmbedded(
  path: string,
  model: ModelProto,
  weightsFolder: string,
  { signal, onBytes }: { signal?: AbortSignal; onBytes?: OnBytes } = {},
): Promise<void> {
  const { head, tensors } = parts(model);
  await writeNewFile(path, weightsFolder, async (file, copy) => {
    await writeAll(file, head);
    let done = 0;
    for (const { start, tensor } of tensors) {
      await writeAll(file, start);
      await copy(tensor, signal, (bytes) => onBytes?.(done + bytes));
      done += tensor.length;
    }
  });
}

/** Everything up to the weights; and for each weight what stands before its bytes. */
function parts(model: ModelProto): {
  readonly head: Uint8Array;
  readonly tensors: readonly { readonly start: Uint8Array; readonly tensor: ExternalTensor }[];
} {
  const graph = graphOf(model);
  const inner = graph.initializer.filter((proto) => proto.dataLocation !== DataLocation.EXTERNAL);
  const graphBytes = toBinary(GraphProtoSchema, create(GraphProtoSchema, { ...graph, initializer: inner }));
  const tensors = externalTensors(model).map((tensor) => {
    const { name, dataType, dims } = tensor.proto;
    const description = toBinary(TensorProtoSchema, create(TensorProtoSchema, { name, dataType, dims }));
    const dataStart = [TENSOR_RAW_DATA, ...varint(tensor.length)];
    const length = description.length + dataStart.length + tensor.length;
    const start = Uint8Array.from([GRAPH_INITIALIZER, ...varint(length), ...description, ...dataStart]);
    return { start, tensor };
  });
  const graphLength = tensors.reduce((sum, { start, tensor }) => sum + start.length + tensor.length, graphBytes.length);
  const { irVersion, producerName, opsetImport, metadataProps } = model;
  const shell = create(ModelProtoSchema, { irVersion, producerName, opsetImport, metadataProps });
  const head = Buffer.concat([
    toBinary(ModelProtoSchema, shell),
    Uint8Array.from([MODEL_GRAPH, ...varint(graphLength)]),
    graphBytes,
  ]);
  return { head, tensors };
}

/** Protobuf's variable-length integer: seven bits a byte, the lowest first. */
function varint(value: number): number[] {
  const bytes: number[] = [];
  let rest = value;
  while (rest >= 128) {
    bytes.push((rest % 128) + 128);
    rest = Math.floor(rest / 128);
  }
  return [...bytes, rest];
}

/**
 * Writes the weights of several graphs of one model into one data file, each once, and points the graphs at it.
 * @param name of the data file, in the folder where the graphs will be
 */
export async function writeDataFile(
  folder: string,
  name: string,
  models: readonly ModelProto[],
  weightsFolder: string,
  { signal, onBytes }: { signal?: AbortSignal; onBytes?: OnBytes } = {},
): Promise<void> {
  const places = new Map<string, number>();
  const keyOf = ({ location, offset }: Pick<ExternalTensor, 'location' | 'offset'>) => `${offset} ${location}`;
  const ordered: ExternalTensor[] = [];
  let end = 0;
  for (const tensor of models.flatMap(externalTensors)) {
    if (places.has(keyOf(tensor))) continue;
    const start = Math.ceil(end / PAGE_BYTES) * PAGE_BYTES;
    places.set(keyOf(tensor), start);
    ordered.push(tensor);
    end = start + tensor.length;
  }
  await writeNewFile(join(folder, name), weightsFolder, async (file, copy) => {
    let position = 0;
    for (const tensor of ordered) {
      const start = places.get(keyOf(tensor)) ?? 0;
      await writeAll(file, new Uint8Array(start - position));
      await copy(tensor, signal, (bytes) => onBytes?.(start + bytes));
      position = start + tensor.length;
    }
  });
  relocate(models, (tensor) => ({ location: name, offset: places.get(keyOf(tensor)) ?? 0 }));
}

/** Points the weights of graphs at other files (or other places in them). */
export function relocate(
  models: readonly ModelProto[],
  placeOf: (tensor: { location: string; offset: number }) => { location: string; offset: number },
): void {
  for (const tensor of models.flatMap(externalTensors)) {
    const { location, offset } = placeOf(tensor);
    tensor.proto.externalData = [
      { key: 'location', value: location },
      { key: 'offset', value: String(offset) },
      { key: 'length', value: String(tensor.length) },
    ].map((entry) => create(StringStringEntryProtoSchema, entry));
  }
}

/**
 * Writes a graph whose weights stay outside.
 * @throws AppError `unsupported` when what the graph itself holds is too long for a file.
 */
export async function writeGraph(path: string, model: ModelProto): Promise<void> {
  const inside = graphOf(model).initializer.reduce((sum, { rawData }) => sum + rawData.length, 0);
  if (inside > 0.9 * LARGEST_ONNX_FILE) {
    throw new AppError('unsupported', `${path}: the rows of the edit's dictionaries do not fit into one .onnx file.`);
  }
  await writeNewFile(path, '', async (file) => writeAll(file, toBinary(ModelProtoSchema, model)));
}

export function weightBytes(model: ModelProto): number {
  return externalTensors(model).reduce((sum, { length }) => sum + length, 0);
}

type CopyTensor = (tensor: ExternalTensor, signal: AbortSignal | undefined, onBytes: OnBytes) => Promise<void>;

/** A new file and a function that appends the bytes of a weight to it. Weight files stay open until the end. */
async function writeNewFile(
  path: string,
  weightsFolder: string,
  write: (file: FileHandle, copy: CopyTensor) => Promise<void>,
): Promise<void> {
  const sources = new Map<string, ByteSource>();
  const sourceOf = async (location: string): Promise<ByteSource> => {
    const source = sources.get(location) ?? (await openFile(join(weightsFolder, ...location.split('/'))));
    sources.set(location, source);
    return source;
  };
  const buffer = new Uint8Array(PIECE_BYTES);
  let file: FileHandle | undefined;
  try {
    const target = (file = await open(path, 'wx'));
    await write(target, async ({ location, offset, length }, signal, onBytes) => {
      const source = await sourceOf(location);
      for (let done = 0; done < length;) {
        if (signal?.aborted) throw new AppError('cancelled', 'The export was cancelled.');
        const piece = buffer.subarray(0, Math.min(PIECE_BYTES, length - done));
        await source.readInto(piece, offset + done);
        await writeAll(target, piece);
        done += piece.length;
        onBytes(done);
      }
    });
  } catch (thrown) {
    throw toFileError(thrown, path);
  } finally {
    await file?.close();
    for (const source of sources.values()) await source.close();
  }
}
