// A typed builder for ONNX graphs. Every Value knows its element type and shape; a node is checked while it is added, so a
// wrong name, type or shape fails where it is written, not when the engine loads the model.
//
// Invariants: names are unique within a graph and its outer graphs; nodes may be added in any order that respects their
// inputs, and build() sorts them, drops what no output needs (this is what "cutting" a graph is) and writes value_info for
// every value, so a built model can be opened again with GraphBuilder.open and extended or spliced at its named values.
import { create, fromBinary, toBinary } from '@bufbuild/protobuf';
import {
  AttributeProto_AttributeType as AttributeType,
  AttributeProtoSchema,
  GraphProtoSchema,
  ModelProtoSchema,
  NodeProtoSchema,
  OperatorSetIdProtoSchema,
  StringStringEntryProtoSchema,
  TensorProto_DataLocation as DataLocation,
  TensorProtoSchema,
  TensorShapeProto_DimensionSchema,
  TensorShapeProtoSchema,
  TypeProto_TensorSchema,
  TypeProtoSchema,
  ValueInfoProtoSchema,
  type AttributeProto,
  type GraphProto,
  type ModelProto,
  type NodeProto,
  type TensorProto,
  type ValueInfoProto,
} from 'onnx-buf';
import { AppError } from '../../contract/base/errors.ts';
import { ELEMENT_TYPES, elementTypeOfCode, type ElementType, type TensorData } from './elementType.ts';

/** The opset of everything we write. 21 is the newest that both the CPU and the WebGPU provider cover for our operators. */
const OPSET = 21;
const IR_VERSION = 10n;
const CONTRIB_DOMAIN = 'com.microsoft';

/** A dimension: a fixed size, or a name for one that is known at run time. Equal names are equal sizes. */
export type Dim = number | string;
export type Shape = readonly Dim[];

/** An edge of a graph. Create values with a GraphBuilder or the functions of ops.ts only. */
export interface Value {
  readonly graph: GraphBuilder;
  readonly name: string;
  readonly type: ElementType;
  readonly shape: Shape;
}

export type Attribute =
  | { readonly int: number }
  | { readonly float: number }
  | { readonly string: string }
  | { readonly ints: readonly number[] }
  | { readonly floats: readonly number[] }
  | { readonly graph: GraphBuilder };

/** Where an initializer's bytes lie: a file (relative to the graph's folder), byte offset and length. */
export interface ExternalData {
  readonly location: string;
  readonly offset: number;
  readonly length: number;
}

export interface OutputSpec {
  readonly type: ElementType;
  readonly shape: Shape;
  /** A public name for the value; otherwise one is made from the scope and the operator. */
  readonly name?: string;
}

export interface NodeOptions {
  readonly attributes?: Readonly<Record<string, Attribute>>;
  readonly domain?: typeof CONTRIB_DOMAIN;
}

/** A node as it is read back: its operator, its inputs (null: left out) and outputs, and what its attributes say. */
export interface GraphNode {
  readonly opType: string;
  readonly inputs: readonly (Value | null)[];
  readonly outputs: readonly Value[];
  int(name: string, fallback: number): number;
  float(name: string, fallback: number): number;
  text(name: string, fallback: string): string;
  ints(name: string): readonly number[];
}

interface Initializer {
  readonly proto: TensorProto;
  readonly value: Value;
}

const shapeText = (shape: Shape): string => `[${shape.join(', ')}]`;

export function describe(value: Value): string {
  return `${value.name}: ${value.type}${shapeText(value.shape)}`;
}

/** A mistake of the program that builds the graph, never of a user's file: `internal`. */
export function graphError(message: string): AppError {
  return new AppError('internal', message);
}

export class GraphBuilder {
  readonly name: string;
  readonly #outer: GraphBuilder | null;
  readonly #values = new Map<string, Value>();
  readonly #inputs: Value[] = [];
  readonly #initializers = new Map<string, Initializer>();
  #nodes: NodeProto[] = [];
  readonly #outputs: Value[] = [];
  readonly #scopes: string[] = [];
  readonly #counters = new Map<string, number>();
  readonly #constants = new Map<string, Value>();
  readonly #dims = new Map<string, Value>();
  readonly metadata = new Map<string, string>();

  constructor(name: string, outer: GraphBuilder | null = null) {
    this.name = name;
    this.#outer = outer;
  }

  // ---- values -----------------------------------------------------------------------------------------------------

  /** The value called `name` in this graph or an outer one. */
  value(name: string): Value {
    const value = this.find(name);
    if (!value) throw graphError(`The graph ${this.name} has no value ${name}.`);
    return value;
  }

  find(name: string): Value | undefined {
    return this.#values.get(name) ?? this.#outer?.find(name);
  }

  get outer(): GraphBuilder | null {
    return this.#outer;
  }

  get inputs(): readonly Value[] {
    return this.#inputs;
  }

  get outputs(): readonly Value[] {
    return this.#outputs;
  }

  input(name: string, type: ElementType, shape: Shape): Value {
    const value = this.#declare(name, type, shape);
    this.#inputs.push(value);
    return value;
  }

  /** Marks a value as an output of the graph. With `name`, the output is that name (through an Identity). */
  output(value: Value, name: string = value.name): Value {
    let result = this.own(value);
    const isOwnNodeOutput = this.#values.get(value.name) === value && !this.#inputs.includes(value);
    if (name !== value.name || !isOwnNodeOutput || this.#initializers.has(value.name)) {
      [result] = this.node('Identity', [value], [{ type: value.type, shape: value.shape, name }]) as [Value];
    }
    if (this.#outputs.some((output) => output.name === result.name)) return result;
    this.#outputs.push(result);
    return result;
  }

  /** Forgets the declared outputs, so that a variant can declare its own. */
  clearOutputs(): void {
    this.#outputs.length = 0;
  }

  initializer(name: string, type: ElementType, shape: readonly number[], data: TensorData): Value {
    const { bytesPerElement, code } = ELEMENT_TYPES[type];
    const count = shape.reduce((product, dim) => product * dim, 1);
    if (data.length !== count || data.BYTES_PER_ELEMENT !== bytesPerElement) {
      throw graphError(
        `${name}: ${data.length} elements of ${data.BYTES_PER_ELEMENT} bytes for ${type}${shapeText(shape)}.`,
      );
    }
    const bytes = new Uint8Array(data.byteLength);
    bytes.set(new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
    const proto = create(TensorProtoSchema, { name, dataType: code, dims: shape.map(BigInt), rawData: bytes });
    return this.#addInitializer(name, type, shape, proto);
  }

  /** An initializer whose bytes stay in a file: little-endian, row-major, as safetensors keeps them. */
  externalInitializer(name: string, type: ElementType, shape: readonly number[], data: ExternalData): Value {
    const { bytesPerElement, code } = ELEMENT_TYPES[type];
    const length = shape.reduce((product, dim) => product * dim, 1) * bytesPerElement;
    if (length !== data.length) throw graphError(`${name}: ${data.length} bytes for ${type}${shapeText(shape)}.`);
    const entry = (key: string, value: string) => create(StringStringEntryProtoSchema, { key, value });
    const proto = create(TensorProtoSchema, {
      name,
      dataType: code,
      dims: shape.map(BigInt),
      dataLocation: DataLocation.EXTERNAL,
      externalData: [
        entry('location', data.location),
        entry('offset', String(data.offset)),
        entry('length', String(data.length)),
      ],
    });
    return this.#addInitializer(name, type, shape, proto);
  }

  /** A scalar (or, with `shape`, small) constant; equal constants are shared. */
  constant(type: ElementType, values: number | readonly number[]): Value {
    const list = typeof values === 'number' ? [values] : values;
    const shape = typeof values === 'number' ? [] : [values.length];
    const key = `${type}${shapeText(shape)}:${list.map((value) => (Object.is(value, -0) ? '-0' : String(value))).join(',')}`;
    const known = this.#constants.get(key) ?? this.#outer?.findConstant(key);
    if (known) return known;
    const value = this.initializer(
      this.#freshName(`const.${type}`),
      type,
      shape,
      ELEMENT_TYPES[type].fromNumbers(list),
    );
    this.#constants.set(key, value);
    return value;
  }

  /** The numbers of a small initializer that is stored in the graph; null for anything else. */
  numbersOf(value: Value): readonly number[] | null {
    const known = this.#initializers.get(value.name);
    if (!known) return this.#outer?.numbersOf(value) ?? null;
    const { rawData } = known.proto;
    const count = value.shape.reduce<number>((product, dim) => product * Number(dim), 1);
    const { bytesPerElement, toNumbers } = ELEMENT_TYPES[value.type];
    return toNumbers && rawData.length === count * bytesPerElement ? toNumbers(rawData.slice().buffer) : null;
  }

  findConstant(key: string): Value | undefined {
    return this.#constants.get(key) ?? this.#outer?.findConstant(key);
  }

  /**
   * The run-time size of a named dimension, int64 `[1]`. Known after defineDim, or read from the first input that has it.
   */
  dim(name: string): Value {
    const known = this.findDim(name);
    if (known) return known;
    for (const input of this.allInputs()) {
      const axis = input.shape.indexOf(name);
      if (axis === -1) continue;
      const [value] = this.node('Shape', [input], [{ type: 'int64', shape: [1] }], {
        attributes: { start: { int: axis }, end: { int: axis + 1 } },
      }) as [Value];
      this.#dims.set(name, value);
      return value;
    }
    throw graphError(`Nothing in the graph ${this.name} tells the size of the dimension "${name}".`);
  }

  /** Whether dim(name) would succeed. */
  knowsDim(name: string): boolean {
    return this.findDim(name) !== undefined || this.allInputs().some((input) => input.shape.includes(name));
  }

  findDim(name: string): Value | undefined {
    return this.#dims.get(name) ?? this.#outer?.findDim(name);
  }

  allInputs(): readonly Value[] {
    return this.#outer ? [...this.#inputs, ...this.#outer.allInputs()] : this.#inputs;
  }

  /** Says how a named dimension is computed: `size` is int64 `[1]`. */
  defineDim(name: string, size: Value): void {
    this.#dims.set(name, size);
  }

  // ---- nodes ------------------------------------------------------------------------------------------------------

  /** Prefixes the names of values made inside `build` with `scope/`. */
  scope<T>(scope: string, build: () => T): T {
    this.#scopes.push(scope);
    try {
      return build();
    } finally {
      this.#scopes.pop();
    }
  }

  /**
   * Adds a node. Shape rules live in ops.ts; call this directly only for an operator that ops.ts does not have.
   * A null input is an optional input left out.
   */
  node(
    opType: string,
    inputs: readonly (Value | null)[],
    outputs: readonly OutputSpec[],
    options: NodeOptions = {},
  ): Value[] {
    for (const input of inputs) if (input) this.own(input);
    const values = outputs.map((spec) => this.#declare(spec.name ?? this.#freshName(opType), spec.type, spec.shape));
    this.#nodes.push(
      create(NodeProtoSchema, {
        name: values[0]?.name ?? this.#freshName(opType),
        opType,
        domain: options.domain ?? '',
        input: inputs.map((input) => input?.name ?? ''),
        output: values.map((value) => value.name),
        attribute: Object.entries(options.attributes ?? {}).map(([name, value]) => attributeProto(name, value)),
      }),
    );
    return values;
  }

  /** Checks that a value belongs to this graph or an outer one. */
  own(value: Value): Value {
    if (this.find(value.name) !== value)
      throw graphError(`${describe(value)} is not a value of the graph ${this.name}.`);
    return value;
  }

  /**
   * Splices at a value: everything that consumed `value` (nodes and graph outputs) consumes what `build(value)` returns
   * instead; the nodes that `build` adds keep reading the original. Type and shape must stay.
   */
  splice(value: Value, build: (value: Value) => Value): Value {
    this.own(value);
    const before = new Set(this.#nodes);
    const replacement = build(value);
    if (replacement === value) return value;
    if (replacement.type !== value.type || shapeText(replacement.shape) !== shapeText(value.shape)) {
      throw graphError(`A splice must keep type and shape: ${describe(value)} became ${describe(replacement)}.`);
    }
    for (const node of before) renameInputs(node, value.name, replacement.name);
    for (const [index, output] of this.#outputs.entries()) if (output === value) this.#outputs[index] = replacement;
    return replacement;
  }

  /** The nodes of this graph that the values are computed by, each after those that it reads. */
  nodesFor(values: readonly Value[]): GraphNode[] {
    return this.#neededNodes(values).map((proto) => {
      const attribute = (name: string) => proto.attribute.find((candidate) => candidate.name === name);
      return {
        opType: proto.opType,
        inputs: proto.input.map((name) => (name === '' ? null : this.value(name))),
        outputs: proto.output.filter((name) => name !== '').map((name) => this.value(name)),
        int: (name, fallback) => Number(attribute(name)?.i ?? fallback),
        float: (name, fallback) => attribute(name)?.f ?? fallback,
        text: (name, fallback) => {
          const bytes = attribute(name)?.s;
          return bytes ? new TextDecoder().decode(bytes) : fallback;
        },
        ints: (name) => (attribute(name)?.ints ?? []).map(Number),
      };
    });
  }

  // ---- proto ------------------------------------------------------------------------------------------------------

  /** A body for Loop, If or Scan: it sees the values of this graph. */
  subgraph(name: string): GraphBuilder {
    return new GraphBuilder(name, this);
  }

  /** This graph, sorted and reduced to what its outputs need. */
  toGraphProto(): GraphProto {
    if (this.#outputs.length === 0) throw graphError(`The graph ${this.name} has no output.`);
    const nodes = this.#neededNodes(this.#outputs);
    const used = new Set<string>(this.#outputs.map((output) => output.name));
    for (const node of nodes) for (const name of referencedNames(node)) used.add(name);
    const outputNames = new Set(this.#outputs.map((output) => output.name));
    const inputNames = new Set(this.#inputs.map((input) => input.name));
    return create(GraphProtoSchema, {
      name: this.name,
      // A body keeps all its inputs: Loop counts them. A main graph asks only for what it uses.
      input: this.#inputs.filter((input) => this.#outer !== null || used.has(input.name)).map(valueInfo),
      output: this.#outputs.map(valueInfo),
      initializer: [...this.#initializers.values()]
        .filter(({ value }) => used.has(value.name))
        .map(({ proto }) => proto),
      node: nodes,
      valueInfo: [...this.#values.values()]
        .filter(
          ({ name }) =>
            used.has(name) && !outputNames.has(name) && !inputNames.has(name) && !this.#initializers.has(name),
        )
        .map(valueInfo),
    });
  }

  toModelProto(): ModelProto {
    return create(ModelProtoSchema, {
      irVersion: IR_VERSION,
      producerName: 'errata',
      graph: this.toGraphProto(),
      opsetImport: [
        create(OperatorSetIdProtoSchema, { domain: '', version: BigInt(OPSET) }),
        create(OperatorSetIdProtoSchema, { domain: CONTRIB_DOMAIN, version: 1n }),
      ],
      metadataProps: [...this.metadata].map(([key, value]) => create(StringStringEntryProtoSchema, { key, value })),
    });
  }

  /** The graph as the bytes of an .onnx file. */
  toBytes(): Uint8Array<ArrayBuffer> {
    return toBinary(ModelProtoSchema, this.toModelProto());
  }

  /** Opens a built model for extending, splicing and cutting. Every value must carry its type and shape. */
  static open(model: ModelProto | Uint8Array): GraphBuilder {
    const proto = model instanceof Uint8Array ? decodeModel(model) : model;
    const { graph } = proto;
    if (!graph) throw new AppError('invalid-file', 'This ONNX model has no graph.');
    const builder = new GraphBuilder(graph.name);
    for (const { key, value } of proto.metadataProps) builder.metadata.set(key, value);
    const declare = (info: ValueInfoProto) => builder.#declare(info.name, ...typeAndShape(info));
    for (const info of graph.input) builder.#inputs.push(declare(info));
    for (const tensor of graph.initializer) {
      const type = elementTypeOfCode(tensor.dataType);
      builder.#addInitializer(tensor.name, type, tensor.dims.map(Number), tensor);
    }
    for (const info of graph.valueInfo) declare(info);
    for (const info of graph.output) builder.#outputs.push(builder.#values.get(info.name) ?? declare(info));
    builder.#nodes = [...graph.node];
    return builder;
  }

  #neededNodes(targets: readonly Value[]): NodeProto[] {
    const producer = new Map<string, NodeProto>();
    for (const node of this.#nodes) for (const name of node.output) if (name !== '') producer.set(name, node);
    const sorted: NodeProto[] = [];
    const state = new Map<NodeProto, 'visiting' | 'done'>();
    // Depth first with an explicit stack: a deep model has tens of thousands of nodes in one chain.
    const visit = (root: NodeProto): void => {
      const stack: { node: NodeProto; names: readonly string[]; next: number }[] = [];
      const push = (node: NodeProto) => {
        const known = state.get(node);
        if (known === 'done') return;
        if (known === 'visiting') throw graphError(`The graph ${this.name} has a cycle at ${node.name}.`);
        state.set(node, 'visiting');
        stack.push({ node, names: referencedNames(node), next: 0 });
      };
      push(root);
      for (let top = stack.at(-1); top; top = stack.at(-1)) {
        const name = top.names[top.next++];
        if (name === undefined) {
          state.set(top.node, 'done');
          sorted.push(top.node);
          stack.pop();
          continue;
        }
        const dependency = producer.get(name);
        if (dependency) push(dependency);
      }
    };
    for (const target of targets) {
      const node = producer.get(target.name);
      if (node) visit(node);
    }
    return sorted;
  }

  #addInitializer(name: string, type: ElementType, shape: readonly number[], proto: TensorProto): Value {
    const value = this.#declare(name, type, shape);
    this.#initializers.set(name, { proto, value });
    return value;
  }

  #declare(name: string, type: ElementType, shape: Shape): Value {
    if (name === '') throw graphError('A value needs a name.');
    if (this.find(name)) throw graphError(`The graph ${this.name} has two values called ${name}.`);
    for (const dim of shape) {
      if (typeof dim === 'number' && (!Number.isInteger(dim) || dim < 0)) {
        throw graphError(`${name} has an impossible shape ${shapeText(shape)}.`);
      }
    }
    const value: Value = { graph: this, name, type, shape };
    this.#values.set(name, value);
    return value;
  }

  #freshName(stem: string): string {
    const prefix = [...(this.#outer ? [this.name] : []), ...this.#scopes, stem].join('/');
    for (;;) {
      const count = this.#counters.get(prefix) ?? 0;
      this.#counters.set(prefix, count + 1);
      const name = count === 0 ? prefix : `${prefix}.${count}`;
      if (!this.find(name)) return name;
    }
  }
}

/** Reads the bytes of an .onnx file. */
export function decodeModel(bytes: Uint8Array): ModelProto {
  try {
    return fromBinary(ModelProtoSchema, bytes);
  } catch (cause) {
    throw new AppError('invalid-file', 'This is not an ONNX model: its bytes cannot be decoded.', { cause });
  }
}

function attributeProto(name: string, attribute: Attribute): AttributeProto {
  if ('int' in attribute)
    return create(AttributeProtoSchema, { name, type: AttributeType.INT, i: BigInt(attribute.int) });
  if ('float' in attribute)
    return create(AttributeProtoSchema, { name, type: AttributeType.FLOAT, f: attribute.float });
  if ('string' in attribute) {
    return create(AttributeProtoSchema, {
      name,
      type: AttributeType.STRING,
      s: new TextEncoder().encode(attribute.string),
    });
  }
  if ('ints' in attribute)
    return create(AttributeProtoSchema, { name, type: AttributeType.INTS, ints: attribute.ints.map(BigInt) });
  if ('floats' in attribute)
    return create(AttributeProtoSchema, { name, type: AttributeType.FLOATS, floats: [...attribute.floats] });
  return create(AttributeProtoSchema, { name, type: AttributeType.GRAPH, g: attribute.graph.toGraphProto() });
}

function valueInfo(value: Value): ValueInfoProto {
  const dim = value.shape.map((size) =>
    create(TensorShapeProto_DimensionSchema, {
      value: typeof size === 'number' ? { case: 'dimValue', value: BigInt(size) } : { case: 'dimParam', value: size },
    }),
  );
  const tensor = create(TypeProto_TensorSchema, {
    elemType: ELEMENT_TYPES[value.type].code,
    shape: create(TensorShapeProtoSchema, { dim }),
  });
  return create(ValueInfoProtoSchema, {
    name: value.name,
    type: create(TypeProtoSchema, { value: { case: 'tensorType', value: tensor } }),
  });
}

function typeAndShape(info: ValueInfoProto): [ElementType, Shape] {
  const type = info.type?.value;
  if (type?.case !== 'tensorType') throw new AppError('unsupported', `The ONNX value ${info.name} is not a tensor.`);
  const shape = (type.value.shape?.dim ?? []).map((dim, axis): Dim => {
    if (dim.value.case === 'dimValue') return Number(dim.value.value);
    return dim.value.case === 'dimParam' && dim.value.value !== '' ? dim.value.value : `${info.name}.${axis}`;
  });
  return [elementTypeOfCode(type.value.elemType), shape];
}

/** The names that a node reads, those read inside its bodies included. */
function referencedNames(node: NodeProto): string[] {
  const names = node.input.filter((name) => name !== '');
  for (const { g } of node.attribute) {
    if (!g) continue;
    for (const inner of g.node) names.push(...referencedNames(inner));
    for (const output of g.output) names.push(output.name);
  }
  return names;
}

function renameInputs(node: NodeProto, from: string, to: string): void {
  for (const [index, name] of node.input.entries()) if (name === from) node.input[index] = to;
  for (const { g } of node.attribute) {
    if (!g) continue;
    for (const inner of g.node) renameInputs(inner, from, to);
  }
}
