// An edit as part of a model's graph: x' = x + Σᵢ gᵢ·dᵢ over the edited features, spliced in at their sites.
//
// Every operation is one line of numbers (contract/domain/operations): with s the feature activation f or (x·d)/‖d‖²,
//   g = slope·s + offset + min(max(s, low), high) − s,   and 0 where its scope, gates or switch say no.
// So all operations are computed alike, and what an edit is lies in arrays only: they are inputs of the graph (interactive:
// a slider rebuilds nothing, and each sample of a batch can have another edit) or initializers (exported). One code
// path, and the same bits: see encoderGraph.ts for why rows stand first in every product.
//
// Where every g is 0 the value flows on untouched, bit for bit: it is chosen by Where, not made by adding zeros. What to
// compare with is the same graph with an empty edit: ONNX Runtime fuses operators across a site that has no patch, and may
// round differently there.
//
// Positions count from the first real token of a sequence, in either form of a model. BOS is position 0 and every token
// equal to the model's BOS id: at position 0 activations are outliers whatever the token, and a context packed from
// several documents has a BOS in its middle. A prompt ends where `prompt_length` says.
import type { Dictionary } from '../dictionaries/dictionary.ts';
import { decodeRows, encodeRows, encoderRows, flatten, type EncoderRows } from '../dictionaries/encoderGraph.ts';
import { kindOf } from '../dictionaries/kinds/index.ts';
import type { Patch } from '../models/variant.ts';
import type { ElementType } from '../onnx/elementType.ts';
import type { TensorData } from '../onnx/elementType.ts';
import type { GraphBuilder, Shape, Value } from '../onnx/graph.ts';
import * as op from '../onnx/ops.ts';

/** What a slot's graph can do. What it leaves out costs nothing. */
export interface Abilities {
  readonly project: boolean;
  readonly gates: boolean;
  readonly notBos: boolean;
  /** promptOnly and generatedOnly: the graph has the input `prompt_length`, int64 `[batch]`. */
  readonly promptLength: boolean;
  /** fromFirstFiring: a graph with a cache has the state `past_fired.SLOT` → `present_fired.SLOT`, bool `[operations, batch, 1]`. */
  readonly firstFiring: boolean;
  /** Each operation can be off for some samples: the array `switches`, bool `[operations, batch, 1]`. */
  readonly switches: boolean;
}

/** One dictionary at one site: what has its own arrays in the graph. The graph is built from these facts of the dictionary. */
export interface Slot extends Pick<Dictionary, 'architecture' | 'd' | 'size' | 'k'> {
  /** Unique in the graph; the arrays' names begin with it. */
  readonly name: string;
  readonly site: string;
  readonly abilities: Abilities;
}

/** An array of a slot under its short name. */
export interface SlotArray {
  readonly name: string;
  readonly type: 'float32' | 'int32' | 'bool';
  readonly shape: readonly number[];
  readonly data: TensorData;
}

/** Where the arrays of a slot come from. `shape` has names for sizes that depend on the edit. */
type LoadArray = (name: string, type: ElementType, shape: Shape) => Value;

/** The data of a slot's arrays, which become initializers; or null, and they become inputs. */
export type ArraysOf = (slot: Slot) => readonly SlotArray[] | null;

export function arrayName(slot: Slot, name: string): string {
  return `${slot.name}.${name}`;
}

export function pastFiredName(slot: Slot): string {
  return `past_fired.${slot.name}`;
}

export function presentFiredName(slot: Slot): string {
  return `present_fired.${slot.name}`;
}

/** One patch for each site. All slots of a site read the same x. */
export function slotPatches(slots: readonly Slot[], arraysOf: ArraysOf, bosTokenId: number | null): Patch[] {
  return [...new Set(slots.map(({ site }) => site))].map((site) => {
    const here = slots.filter((slot) => slot.site === site);
    const states = here
      .filter(({ abilities }) => abilities.firstFiring)
      .map((slot) => ({ past: pastFiredName(slot), present: presentFiredName(slot) }));
    return { site, states, apply: (x) => applySlots(x, here, arraysOf, bosTokenId) };
  });
}

function applySlots(x: Value, slots: readonly Slot[], arraysOf: ArraysOf, bosTokenId: number | null): Value {
  const parts = slots.map((slot) => {
    const load = loader(x.graph, slot, arraysOf(slot));
    const gains = slotGains(x, slot, load, new Positions(x.graph, bosTokenId)); // [operations, batch, time]
    return {
      delta: decodeRows(gains, load('decoder', 'float32', ['operations', slot.d]), null), // [positions, d]
      isChanged: op.greater(op.reduceMax(op.abs(gains), [0], { keepDims: false }), 0), // [batch, time]
    };
  });
  const delta = parts.map((part) => part.delta).reduce((sum, next) => op.add(sum, next));
  const isChanged = parts.map((part) => part.isChanged).reduce((any, next) => either(any, next));
  const inner = [...x.shape.keys()].slice(isChanged.shape.length);
  return op.where(op.unsqueeze(isChanged, inner), op.add(x, op.reshape(delta, x.shape)), x);
}

/** g of every operation at every position: `[operations, batch, time]`. */
function slotGains(x: Value, slot: Slot, load: LoadArray, positions: Positions): Value {
  const { abilities, d } = slot;
  const perOperation = (name: string, type: 'float32' | 'bool' = 'float32') => load(name, type, ['operations', 1, 1]);
  const activations = encodeRows(x, d, rowsOf(slot, load)); // [rows, batch, time]
  const activationAt = (name: string, dim: string) => op.gather(activations, load(name, 'int32', [dim]));

  const activation = activationAt('row', 'operations');
  let source = activation;
  if (abilities.project) {
    const decoder = load('decoder', 'float32', ['operations', d]);
    const products = op.gemm(decoder, flatten(x, d), null, { transB: true }); // [operations, positions]
    const projection = op.mul(op.reshape(products, activation.shape), perOperation('inverseSquareNorm'));
    source = op.where(perOperation('isProjection', 'bool'), projection, activation);
  }
  const clipped = op.min(op.max(source, perOperation('low')), perOperation('high'));
  const gains = op.add(op.add(op.mul(source, perOperation('slope')), perOperation('offset')), op.sub(clipped, source));

  const isOn = [unless(perOperation('onlyActive', 'bool'), op.greater(activation, 0))];
  if (abilities.switches) isOn.push(load('switches', 'bool', ['operations', 'batch', 1]));
  if (abilities.notBos) isOn.push(unless(perOperation('notBos', 'bool'), op.not(positions.isBos)));
  if (abilities.promptLength) {
    isOn.push(unless(perOperation('promptOnly', 'bool'), positions.isPrompt));
    isOn.push(unless(perOperation('generatedOnly', 'bool'), op.not(positions.isPrompt)));
  }
  if (abilities.firstFiring) {
    const fires = op.greater(activationAt('firstRow', 'operations'), 0);
    const hasFired = sinceFirstTrue(fires, slot, positions);
    isOn.push(unless(perOperation('fromFirstFiring', 'bool'), hasFired));
  }
  if (abilities.gates) {
    const isOpen = op.greater(activationAt('gateRow', 'gates'), load('gateThreshold', 'float32', ['gates', 1, 1]));
    isOn.push(unless(perOperation('isGated', 'bool'), anyGate(isOpen, load, activation.shape)));
  }
  return op.where(
    isOn.reduce((all, next) => op.and(all, next)),
    gains,
    0,
  );
}

/** True where the condition is not asked for, and where it holds. */
function unless(isAskedFor: Value, condition: Value): Value {
  return op.not(op.and(isAskedFor, op.not(condition)));
}

/** Or, which the WebGPU provider would leave to the CPU. */
function either(a: Value, b: Value): Value {
  return op.not(op.and(op.not(a), op.not(b)));
}

/** Open where any of an operation's gates is; an operation without gates is never. */
function anyGate(isOpen: Value, load: LoadArray, shape: Shape): Value {
  const [gates] = isOpen.shape;
  const flat = op.reshape(op.cast(isOpen, 'float32'), [gates ?? 1, 'batch·time']);
  const counts = op.matMul(load('gatesOf', 'float32', ['operations', 'gates']), flat);
  return op.greater(op.reshape(counts, shape), 0);
}

/**
 * Per operation, sample and position: whether it has been true here or anywhere before. Tokens of earlier runs of a
 * cached graph are remembered by its state; padding on the left is no position of the sequence.
 */
function sinceFirstTrue(isTrue: Value, slot: Slot, positions: Positions): Value {
  const { graph } = isTrue;
  if (!positions.hasCache) return op.greater(op.cumSum(op.cast(isTrue, 'float32'), 2), 0);
  const [operations] = isTrue.shape;
  const past = graph.input(pastFiredName(slot), 'bool', [operations ?? 1, 'batch', 1]);
  const isReal = op.greaterOrEqual(positions.position, 0);
  const count = op.cumSum(op.cast(op.and(isTrue, isReal), 'float32'), 2);
  const hasFired = either(op.greater(count, 0), past);
  graph.output(op.slice(hasFired, 2, -1, op.END), presentFiredName(slot));
  return hasFired;
}

/** The slot's rows: all of them where features compete, else as many as the edit reads. */
function rowsOf(slot: Slot, load: LoadArray): EncoderRows {
  const rows = kindOf(slot).competes ? slot.size : 'rows';
  return encoderRows(slot, (name) => load(name, 'float32', [rows, name === 'encoder' ? slot.d : 1]));
}

function loader(graph: GraphBuilder, slot: Slot, arrays: readonly SlotArray[] | null): LoadArray {
  return (name, type, shape) => {
    const full = arrayName(slot, name);
    const known = graph.find(full);
    if (known) return known;
    const array = arrays?.find((candidate) => candidate.name === name);
    if (array) return graph.initializer(full, type, array.shape, array.data);
    const named = shape.map((dim) => (typeof dim === 'number' || dim === 'batch' ? dim : arrayName(slot, dim)));
    return graph.input(full, type, named);
  };
}

/** Where in its sequence each token stands. What is asked for is added to the graph once. */
class Positions {
  readonly hasCache: boolean;
  readonly #graph: GraphBuilder;
  readonly #bosTokenId: number | null;

  constructor(graph: GraphBuilder, bosTokenId: number | null) {
    this.#graph = graph;
    this.#bosTokenId = bosTokenId;
    this.hasCache = graph.find('left_padding') !== undefined;
  }

  /** int64 `[1 or batch, time]`; negative on padding. */
  get position(): Value {
    return this.#once('edit.position', (graph) => {
      const zero = graph.constant('int64', 0);
      const time = op.squeeze(graph.dim('time'), [0]);
      if (!this.hasCache) return op.unsqueeze(op.range(zero, time, 'time'), [0]);
      const past = op.squeeze(graph.dim('past'), [0]);
      const slots = op.unsqueeze(op.range(past, op.add(past, time), 'time'), [0]);
      return op.sub(slots, op.unsqueeze(graph.value('left_padding'), [1]));
    });
  }

  get isBos(): Value {
    return this.#once('edit.is_bos', (graph) => {
      const isFirst = op.lessOrEqual(this.position, 0);
      if (this.#bosTokenId === null) return isFirst;
      return either(op.equal(graph.value('input_ids'), this.#bosTokenId), isFirst);
    });
  }

  get isPrompt(): Value {
    return this.#once('edit.is_prompt', (graph) => {
      const length = graph.find('prompt_length') ?? graph.input('prompt_length', 'int64', ['batch']);
      return op.less(this.position, op.unsqueeze(length, [1]));
    });
  }

  #once(name: string, build: (graph: GraphBuilder) => Value): Value {
    return this.#graph.find(name) ?? op.identity(build(this.#graph), name);
  }
}
