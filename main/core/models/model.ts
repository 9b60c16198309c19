// A model opened from a Hugging Face folder: config, sites, and its graph over the weights where they lie. Opening reads
// headers only; the graph is built once at that time, so that a folder that cannot work is refused at once.
import { join, resolve } from 'node:path';
import type { BosRule } from '../../contract/domain/bosRule.ts';
import type { OnWork } from '../../contract/base/progress.ts';
import type { StoredTensor } from '../formats/safetensorsFolder.ts';
import { GraphBuilder } from '../onnx/graph.ts';
import type { Architecture, ModelBody } from './architecture.ts';
import { architectureOf } from './architectures/registry.ts';
import { ConfigFields, type ModelConfig } from './config.ts';
import { readOptionalJson } from '../files/json.ts';
import { contentHash } from './contentHash.ts';
import { ModelGraph, type ModelGraphOptions } from './modelGraph.ts';
import { listSites, type Site } from './sites.ts';
import { openTokenizer, type Tokenizer } from './tokenizer.ts';
import type { TransformersModules } from './transformersModules.ts';
import { Weights } from './weights.ts';
import type { ResidualWriters } from './writers.ts';

export interface OpenModelOptions {
  /** A file of ours where hashes of weight files are remembered. */
  readonly hashCache?: string;
  /** Of the project; the tokenizer's own when left out. */
  readonly bos?: BosRule;
}

/**
 * @param path of a folder with config.json and safetensors; a tokenizer is needed only where text is.
 * @throws AppError that names the file and the reason: `not-found`, `invalid-file`, `mismatch`, `unsupported`.
 */
export async function openModel(path: string, options: OpenModelOptions = {}): Promise<Model> {
  const folder = resolve(path); // creating an engine's session changes the working directory for a moment
  const fields = await ConfigFields.read(folder);
  const readArchitecture = architectureOf(fields); // before the weights: the likelier thing to be wrong
  const weights = await Weights.open(folder);
  const architecture = readArchitecture(fields, weights);
  const generation = await readOptionalJson(join(folder, 'generation_config.json'));
  const stops = generation
    ? new ConfigFields(join(folder, 'generation_config.json'), generation).tokenIds('eos_token_id')
    : [];
  const model = new Model(folder, architecture, weights, stops, options);
  model.buildGraph({ cache: false });
  return model;
}

export class Model {
  readonly folder: string;
  readonly config: ModelConfig;
  readonly sites: readonly Site[];
  /** For SessionOptions.weightsFolder: what the graph's external data locations are relative to. */
  readonly weightsFolder: string;
  /** Real paths of the weight files, all inside weightsFolder. */
  readonly weightFiles: readonly string[];
  readonly #architecture: Architecture;
  readonly #weights: Weights;
  readonly #options: OpenModelOptions;
  #tokenizer: Promise<Tokenizer> | null = null;

  constructor(
    folder: string,
    architecture: Architecture,
    weights: Weights,
    generationStops: readonly number[],
    options: OpenModelOptions,
  ) {
    this.folder = folder;
    this.#architecture = architecture;
    // As in transformers, generation_config.json has the last word on what ends a text.
    this.config =
      generationStops.length > 0 ? { ...architecture.config, eosTokenIds: generationStops } : architecture.config;
    this.sites = listSites(this.config);
    this.weightsFolder = weights.folder;
    this.weightFiles = weights.files;
    this.#weights = weights;
    this.#options = options;
  }

  /** SHA-256 that identifies config and weights, in hexadecimal. Reads all the weights the first time. */
  hash(signal?: AbortSignal, onWork?: OnWork): Promise<string> {
    return contentHash(this.folder, this.#weights.files, this.#options.hashCache, signal, onWork);
  }

  /** What writes to the residual stream. */
  get writers(): ResidualWriters {
    return this.#architecture.writers;
  }

  /** Where transformers has the model's sites. */
  get modules(): TransformersModules {
    return this.#architecture.modules;
  }

  /** Every stored tensor by its name, with the file it is in. */
  get storedTensors(): ReadonlyMap<string, StoredTensor> {
    return this.#weights.tensors;
  }

  /** Numbers in all stored tensors, and the bytes that they take. */
  get weightSize(): { readonly parameters: number; readonly bytes: number } {
    return this.#weights.size;
  }

  /** @throws AppError `not-found` when the folder has no tokenizer.json, `invalid-file`, `unsupported`. */
  tokenizer(): Promise<Tokenizer> {
    this.#tokenizer ??= openTokenizer(this.folder, this.config, this.#options.bos);
    return this.#tokenizer;
  }

  /** Builds the model into a graph. Twice in one graph is allowed without a cache: tokens and weights are shared. */
  buildInto(graph: GraphBuilder, options: ModelGraphOptions): ModelBody {
    return this.#architecture.build(new ModelGraph(graph, this.config, this.#weights, options));
  }

  /** The whole model with every site a value named as the site, and `logits` `[batch, time, vocabularySize]` its output. */
  buildGraph({ cache }: { cache: boolean }): GraphBuilder {
    const graph = new GraphBuilder(this.config.modelType);
    const body = this.buildInto(graph, { cache });
    graph.output(body.logits(body.hidden), 'logits');
    return graph;
  }
}
