// What one file of architectures/ gives: the model's normalised config, and how to build its graph.
import type { Value } from '../onnx/graph.ts';
import type { ConfigFields, ModelConfig } from './config.ts';
import type { ModelGraph } from './modelGraph.ts';
import type { TransformersModules } from './transformersModules.ts';
import type { Weights } from './weights.ts';
import type { ResidualWriters } from './writers.ts';

/** The built body of a model. The vocabulary product is left to the head, which may need it at a few positions only. */
export interface ModelBody {
  /** After the last normalisation: `[batch, time, hiddenSize]`. */
  readonly hidden: Value;
  /** `[…, hiddenSize] → […, vocabularySize]`. */
  readonly logits: (hidden: Value) => Value;
}

export interface Architecture {
  readonly config: ModelConfig;
  readonly writers: ResidualWriters;
  readonly modules: TransformersModules;
  build(model: ModelGraph): ModelBody;
}

/** @throws AppError `invalid-file` or `unsupported`, naming config.json or the weights. */
export type ReadArchitecture = (fields: ConfigFields, weights: Weights) => Architecture;
