// Edits as patches of a model: interactive, where edits are fed with every run, and fixed, where one edit is part of the graph.
import { Tensor } from 'onnxruntime-common';
import { AppError } from '../../contract/base/errors.ts';
import type { Dictionary } from '../dictionaries/dictionary.ts';
import { int64Tensor } from '../models/tokenBatch.ts';
import type { Patch } from '../models/variant.ts';
import { canonicalJson } from './canonical.ts';
import { canonicalOperations, type Edit } from '../../contract/domain/edit.ts';
import type { Operation } from '../../contract/domain/operations/index.ts';
import { arrayName, pastFiredName, slotPatches, type Abilities, type Slot, type SlotArray } from './editGraph.ts';
import { abilitiesFor, FEWEST_ROWS, operationArrays } from './operationArrays.ts';

/** Dictionaries by their content hash. */
export type Dictionaries = ReadonlyMap<string, Dictionary>;

export interface DictionarySite {
  readonly site: string;
  /** Content hash. */
  readonly dictionary: string;
}

export interface InteractiveOptions {
  /** The model's (config.bosTokenId): what the scope notBos leaves alone besides the first position. */
  readonly bosTokenId: number | null;
  /** Every sample of a batch can have its own edit; each batch then needs feeds of its size. */
  readonly perSample?: boolean;
  /** Allows promptOnly and generatedOnly; feeds then need the lengths of the prompts. */
  readonly promptLength?: boolean;
  /** Allows fromFirstFiring. */
  readonly firstFiring?: boolean;
}

export interface BatchFacts {
  /** How many samples there are. */
  readonly batch: number;
  /** Tokens of each sample's prompt. */
  readonly promptLengths?: readonly number[];
}

export interface FeedFacts extends BatchFacts {
  /** x' = x + strength·Σ gᵢ·dᵢ: 1, the default, is the edit as it stands, 0 leaves everything as it is, −1 is its mirror image. */
  readonly strength?: number;
}

/** Patches whose edits are inputs of the graph: feed them with `feeds`, another edit with every run. */
export class InteractiveEdit {
  readonly patches: readonly Patch[];
  readonly #slots: readonly (Slot & DictionarySite)[];
  readonly #dictionaries: Dictionaries;
  readonly #isPerSample: boolean;

  /**
   * @param places where edits can act
   * @throws AppError `not-found` for a dictionary that is not among `dictionaries`.
   */
  constructor(places: readonly DictionarySite[], dictionaries: Dictionaries, options: InteractiveOptions) {
    const { perSample = false, promptLength = false, firstFiring = false } = options;
    const abilities = { project: true, gates: true, notBos: true, promptLength, firstFiring, switches: perSample };
    this.#slots = makeSlots(places, dictionaries, () => abilities);
    this.#dictionaries = dictionaries;
    this.#isPerSample = perSample;
    this.patches = slotPatches(this.#slots, () => null, options.bosTokenId);
  }

  /**
   * @param edit one for all samples; or, when made with perSample, one for each.
   * @throws AppError `usage` for a feature the dictionary does not have, `unsupported` for a place or scope that this was
   * not made for.
   */
  feeds(edit: Edit | readonly Edit[], { batch, promptLengths, strength = 1 }: FeedFacts): Record<string, Tensor> {
    const edits = 'operations' in edit ? [edit] : edit;
    const isForAll = 'operations' in edit;
    if (!isForAll && (!this.#isPerSample || edits.length !== batch)) {
      throw new AppError('internal', `${edits.length} edits for ${batch} samples.`);
    }
    const feeds: Record<string, Tensor> = {};
    const distinct = distinctOperations(edits);
    checkPlaces(
      distinct.map(({ operation }) => operation),
      this.#slots,
    );
    for (const slot of this.#slots) {
      const owned = distinct.filter(({ operation }) => isAt(operation, slot));
      const here = owned.map(({ operation }) => operation);
      checkAbilities(abilitiesFor(here, false), slot.abilities);
      const samples = this.#isPerSample
        ? Array.from({ length: batch }, (_, sample) => owned.map(({ owners }) => owners.has(isForAll ? 0 : sample)))
        : null;
      const arrays = operationArrays(dictionaryOf(slot, this.#dictionaries), here, samples);
      for (const array of arrays) feeds[arrayName(slot, array.name)] = tensorOf(scaledArray(array, strength));
      if (slot.abilities.firstFiring)
        feeds[pastFiredName(slot)] = nothingFired(Math.max(here.length, FEWEST_ROWS), batch);
    }
    if (this.#slots.some(({ abilities }) => abilities.promptLength)) {
      feeds['prompt_length'] = promptLengthTensor(promptLengths, batch);
    }
    return feeds;
  }
}

/** One edit as part of the graph: what is exported. */
export interface FixedEdit {
  readonly patches: readonly Patch[];
  /** What the graph still asks for: nothing, unless operations have the scopes promptOnly, generatedOnly, fromFirstFiring. */
  feeds(batch: BatchFacts): Record<string, Tensor>;
  readonly needsPromptLength: boolean;
  /** States of the graph with a cache: bool `[operations, batch, 1]`, all false before the first token. */
  readonly states: readonly { readonly past: string; readonly operations: number }[];
}

/** @throws AppError `not-found` for a dictionary that is not there, `usage` for a feature it does not have. */
export function fixEdit(edit: Edit, dictionaries: Dictionaries, bosTokenId: number | null): FixedEdit {
  const operations = canonicalOperations(edit.operations);
  const slots = makeSlots(operations, dictionaries, (place) =>
    abilitiesFor(
      operations.filter((operation) => isAt(operation, place)),
      false,
    ),
  );
  const arrays = new Map<Slot, readonly SlotArray[]>(
    slots.map((slot) => [
      slot,
      operationArrays(
        dictionaryOf(slot, dictionaries),
        operations.filter((operation) => isAt(operation, slot)),
        null,
      ),
    ]),
  );
  const needsPromptLength = slots.some(({ abilities }) => abilities.promptLength);
  const states = slots
    .filter(({ abilities }) => abilities.firstFiring)
    .map((slot) => ({
      past: pastFiredName(slot),
      operations: Math.max(operations.filter((operation) => isAt(operation, slot)).length, FEWEST_ROWS),
    }));
  return {
    patches: slotPatches(slots, (slot) => arrays.get(slot) ?? null, bosTokenId),
    needsPromptLength,
    states,
    feeds: ({ batch, promptLengths }) => ({
      ...(needsPromptLength ? { prompt_length: promptLengthTensor(promptLengths, batch) } : {}),
      ...Object.fromEntries(states.map((state) => [state.past, nothingFired(state.operations, batch)])),
    }),
  };
}

/** The places of an edit's operations, each once. */
export function placesOf(edit: Edit): DictionarySite[] {
  return withoutRepeats(edit.operations);
}

function withoutRepeats(places: readonly DictionarySite[]): DictionarySite[] {
  return places
    .filter((place, index) => places.findIndex((other) => isAt(place, other)) === index)
    .map(({ site, dictionary }) => ({ site, dictionary }));
}

function makeSlots(
  places: readonly DictionarySite[],
  dictionaries: Dictionaries,
  abilitiesOf: (place: DictionarySite) => Abilities,
): (Slot & DictionarySite)[] {
  const counts = new Map<string, number>();
  // In an order of their own, so that the deltas at a site are summed alike whoever asks.
  const sorted = withoutRepeats(places).sort(
    (a, b) => compareText(a.site, b.site) || compareText(a.dictionary, b.dictionary),
  );
  return sorted.map((place) => {
    const count = counts.get(place.site) ?? 0;
    counts.set(place.site, count + 1);
    const { architecture, d, size, k } = dictionaryOf(place, dictionaries);
    return {
      ...place,
      name: `edit.${place.site}.${count}`,
      architecture,
      d,
      size,
      k,
      abilities: abilitiesOf(place),
    };
  });
}

function compareText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

function isAt(one: DictionarySite, other: DictionarySite): boolean {
  return one.site === other.site && one.dictionary === other.dictionary;
}

function dictionaryOf({ dictionary }: DictionarySite, dictionaries: Dictionaries): Dictionary {
  const found = dictionaries.get(dictionary);
  if (found) return found;
  throw new AppError('not-found', `The edit needs the dictionary ${dictionary.slice(0, 10)}, which is not here.`, {
    details: { dictionary },
  });
}

interface OwnedOperation {
  readonly operation: Operation;
  /** Indices of the edits that have it. */
  readonly owners: ReadonlySet<number>;
}

/** The operations of all edits, equal ones once, in canonical order. */
function distinctOperations(edits: readonly Edit[]): OwnedOperation[] {
  const owners = new Map<string, Set<number>>();
  const all = edits.flatMap((edit, index) =>
    canonicalOperations(edit.operations).map((operation) => {
      const key = canonicalJson(operation);
      const known = owners.get(key) ?? new Set<number>();
      owners.set(key, known.add(index));
      return { operation, isFirst: known.size === 1 };
    }),
  );
  return canonicalOperations(all.filter(({ isFirst }) => isFirst).map(({ operation }) => operation)).map(
    (operation) => ({ operation, owners: owners.get(canonicalJson(operation)) ?? new Set() }),
  );
}

function checkPlaces(operations: readonly Operation[], slots: readonly DictionarySite[]): void {
  for (const operation of operations) {
    if (slots.some((slot) => isAt(operation, slot))) continue;
    throw new AppError(
      'unsupported',
      `This run was not prepared for edits at ${operation.site} with the dictionary ${operation.dictionary.slice(0, 10)}.`,
      { details: { site: operation.site, dictionary: operation.dictionary } },
    );
  }
}

function checkAbilities(needed: Abilities, given: Abilities): void {
  const scopes = { promptLength: 'promptOnly and generatedOnly', firstFiring: 'fromFirstFiring' } as const;
  for (const ability of ['promptLength', 'firstFiring'] as const) {
    if (!needed[ability] || given[ability]) continue;
    throw new AppError('unsupported', `This run was not prepared for the scope ${scopes[ability]}.`);
  }
}

function promptLengthTensor(lengths: readonly number[] | undefined, batch: number): Tensor {
  if (lengths?.length === batch) return int64Tensor(lengths);
  throw new AppError(
    'unsupported',
    'An edit of the prompt only, or of the generated text only, needs to know where each prompt ends.',
  );
}

/** The deltas g·d are scaled through d; what project reads through d, (x·d)/‖d‖², stays as it is. */
function scaledArray(array: SlotArray, strength: number): SlotArray {
  const factor = array.name === 'decoder' ? strength : array.name === 'inverseSquareNorm' ? 1 / strength : 1;
  if (factor === 1 || !(array.data instanceof Float32Array)) return array;
  return { ...array, data: array.data.map((value) => (strength === 0 ? 0 : value * factor)) };
}

function nothingFired(operations: number, batch: number): Tensor {
  return new Tensor('bool', new Uint8Array(operations * batch), [operations, batch, 1]);
}

function tensorOf({ type, shape, data }: SlotArray): Tensor {
  if (type === 'float32' && data instanceof Float32Array) return new Tensor(type, data, shape);
  if (type === 'int32' && data instanceof Int32Array) return new Tensor(type, data, shape);
  if (type === 'bool' && data instanceof Uint8Array) return new Tensor(type, data, shape);
  throw new AppError('internal', `The array of type ${type} holds something else.`);
}
