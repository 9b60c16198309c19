// A model's config.json: what every architecture has in common, and checked reading of its fields. The names of the fields
// differ by architecture (and by the generation of transformers that wrote them); each architecture's file reads its own.
//
// The file comes from a stranger: every number is bounded here, so that no later loop or allocation can be made huge.
import { join } from 'node:path';
import { AppError, type ErrorCode } from '../../contract/base/errors.ts';
import { nonFinitePlace } from '../../contract/base/nonFinite.ts';
import { isObject, readJsonObject, type JsonObject } from '../files/json.ts';

/** What the rest of the program needs to know of any model. */
export interface ModelConfig {
  /** The `model_type` of config.json. */
  readonly modelType: string;
  readonly vocabularySize: number;
  readonly hiddenSize: number;
  readonly layers: number;
  readonly heads: number;
  readonly keyValueHeads: number;
  readonly headDim: number;
  /** Width of the feed-forward layer between its two products. */
  readonly intermediateSize: number;
  /** The blocks with a mixture of experts in place of a feed-forward layer; none when left out. */
  readonly mixtureBlocks?: readonly number[];
  /** Tokens of the longest context: the model has no positions beyond. */
  readonly contextLength: number;
  /** How a block is wired, which decides the sites it has. */
  readonly residual: 'sequential' | 'parallel' | 'post-norm';
  readonly bosTokenId: number | null;
  /** Any of these ends a text. */
  readonly eosTokenIds: readonly number[];
}

const MAX_LAYERS = 1024;
const MAX_SIZE = 1 << 24;

/** Checked access to the fields of a JSON object. A field that is null counts as absent, as transformers has it. */
export class ConfigFields {
  readonly path: string;
  readonly #values: JsonObject;
  readonly #within: string;

  constructor(path: string, values: JsonObject, within = '') {
    this.path = path;
    this.#values = values;
    this.#within = within;
  }

  static async read(folder: string): Promise<ConfigFields> {
    const path = join(folder, 'config.json');
    return new ConfigFields(path, await readJsonObject(path));
  }

  /** With `usual` where it says nothing. */
  completed(usual: JsonObject): ConfigFields {
    const said = Object.fromEntries(Object.entries(this.#values).filter(([, value]) => value !== null));
    return new ConfigFields(this.path, { ...usual, ...said }, this.#within);
  }

  error(code: ErrorCode, reason: string): AppError {
    return new AppError(code, `${this.path}: ${reason}`, { details: { path: this.path } });
  }

  has(name: string): boolean {
    return this.value(name) !== undefined;
  }

  value(name: string): unknown {
    return Object.hasOwn(this.#values, name) ? (this.#values[name] ?? undefined) : undefined;
  }

  /** A positive integer: a count or a size. */
  size(name: string, fallback?: number, largest = MAX_SIZE): number {
    const value = this.number(name, fallback);
    if (Number.isInteger(value) && value >= 1 && value <= largest) return value;
    throw this.#wrong(name, `a whole number from 1 to ${largest}`);
  }

  layers(name: string): number {
    return this.size(name, undefined, MAX_LAYERS);
  }

  number(name: string, fallback?: number): number {
    const value = this.value(name) ?? fallback;
    if (typeof value === 'number' && Number.isFinite(value)) return value;
    throw this.#wrong(name, 'a number');
  }

  positive(name: string, fallback?: number): number {
    const value = this.number(name, fallback);
    if (value > 0) return value;
    throw this.#wrong(name, 'a number above 0');
  }

  /** As positive, where a null in the file does not mean "absent" but "none". */
  positiveOrNone(name: string, fallback: number | null): number | null {
    if (Object.hasOwn(this.#values, name) && this.#values[name] === null) return null;
    return this.has(name) ? this.positive(name) : fallback;
  }

  /** As size, where a null in the file does not mean "absent" but "none". */
  sizeOrNone(name: string, fallback: number | null): number | null {
    if (Object.hasOwn(this.#values, name) && this.#values[name] === null) return null;
    return this.has(name) ? this.size(name) : fallback;
  }

  boolean(name: string, fallback: boolean): boolean {
    const value = this.value(name) ?? fallback;
    if (typeof value === 'boolean') return value;
    throw this.#wrong(name, 'true or false');
  }

  text(name: string, fallback?: string): string {
    const value = this.value(name) ?? fallback;
    if (typeof value === 'string') return value;
    throw this.#wrong(name, 'a text');
  }

  /** The fields of an object within this one; undefined when absent. */
  object(name: string): ConfigFields | undefined {
    const value = this.value(name);
    if (value === undefined) return undefined;
    if (isObject(value)) return new ConfigFields(this.path, value, `${this.#label(name)}.`);
    throw this.#wrong(name, 'an object');
  }

  /** One of `choices` per layer; undefined when absent. */
  perLayer<T extends string>(name: string, layers: number, choices: readonly T[]): readonly T[] | undefined {
    const value = this.value(name);
    if (value === undefined) return undefined;
    if (!Array.isArray(value) || value.length !== layers) throw this.#wrong(name, `a list with ${layers} entries`);
    return value.map((entry: unknown) => {
      const choice = choices.find((candidate) => candidate === entry);
      if (choice === undefined) {
        throw this.error('unsupported', `"${this.#label(name)}" has an entry other than ${choices.join(', ')}.`);
      }
      return choice;
    });
  }

  /** A list of numbers from 0 to `end`, which is left out; empty when absent. */
  indices(name: string, end: number): readonly number[] {
    const value = this.value(name) ?? [];
    const isIndex = (entry: unknown): entry is number => Number.isSafeInteger(entry) && Number(entry) >= 0;
    if (Array.isArray(value) && value.length <= end && value.every((entry) => isIndex(entry) && entry < end)) {
      return value as readonly number[];
    }
    throw this.#wrong(name, `a list of numbers from 0 to ${end - 1}`);
  }

  /** A list of `length` numbers above 0. */
  positives(name: string, length: number): readonly number[] {
    const value = this.value(name);
    if (!Array.isArray(value) || value.length !== length) throw this.#wrong(name, `a list of ${length} numbers`);
    return value.map((entry: unknown) => {
      if (typeof entry === 'number' && Number.isFinite(entry) && entry > 0) return entry;
      throw this.#wrong(name, 'a list of numbers above 0');
    });
  }

  /** A token id, or a list of them; empty when absent. Old conversions write -1 for "none". */
  tokenIds(name: string): readonly number[] {
    const value = this.value(name);
    if (value === undefined) return [];
    const list: readonly unknown[] = Array.isArray(value) ? value : [value];
    if (list.length > 1024) throw this.#wrong(name, 'a token id or a short list of them');
    return list
      .filter((id) => id !== -1 && id !== null)
      .map((id) => {
        if (typeof id === 'number' && Number.isInteger(id) && id >= 0 && id <= MAX_SIZE) return id;
        throw this.#wrong(name, 'a token id or a list of them');
      });
  }

  #label(name: string): string {
    return `${this.#within}${name}`;
  }

  #wrong(name: string, expected: string): AppError {
    const value = this.value(name);
    if (value === undefined) return this.error('invalid-file', `"${this.#label(name)}" is missing.`);
    const place = nonFinitePlace(this.#values, name);
    const shown = place ?? JSON.stringify(value).slice(0, 60);
    return this.error('invalid-file', `"${this.#label(name)}" must be ${expected}, not ${shown}.`);
  }
}

/** The fields that all architectures name alike. */
export function commonConfig(
  fields: ConfigFields,
): Pick<ModelConfig, 'modelType' | 'vocabularySize' | 'bosTokenId' | 'eosTokenIds'> {
  return {
    modelType: fields.text('model_type'),
    vocabularySize: fields.size('vocab_size'),
    bosTokenId: fields.tokenIds('bos_token_id')[0] ?? null,
    eosTokenIds: fields.tokenIds('eos_token_id'),
  };
}

/** Width of one head where config.json does not say it. @throws AppError `invalid-file` when the heads do not share evenly. */
export function sharedHeadDim(fields: ConfigFields, hiddenSize: number, heads: number): number {
  if (hiddenSize % heads === 0) return hiddenSize / heads;
  throw fields.error('invalid-file', `a hidden size of ${hiddenSize} cannot be shared by ${heads} heads.`);
}

/** @throws AppError `invalid-file` unless every key-value head serves the same number of query heads. */
export function checkHeadGroups(fields: ConfigFields, heads: number, keyValueHeads: number): void {
  if (heads % keyValueHeads === 0) return;
  throw fields.error('invalid-file', `${heads} heads cannot share ${keyValueHeads} key-value heads evenly.`);
}
