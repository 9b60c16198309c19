// What a kind of dictionary is: which features fire, given the pre-activations pre_i = ⟨w_i, x − c⟩ + b_i of a token. One file
// per kind holds all of it, index.ts lists them, and everything else asks the table. To add one: docs/howto/add-dictionary-kind.md.
//
// Invariant: the graph, the float64 form and the Python of a kind give the same activations, which are 0 where a feature is
// silent and above 0 where it fires. Not of a kind, but of a dictionary of any kind: which site it reads and which it writes
// (transcoders, crosscoders), a skip connection, how tokens are normalised.
import type { Value } from '../../onnx/graph.ts';
import type { OpenBlockForward } from '../blockForward.ts';
import type { SelectResident } from '../residentSelection.ts';
import type { TrainingConfig } from '../trainingConfig.ts';
import type { TrainingState } from '../trainingState.ts';

/** Numbers of each feature by name, `[size]` each. */
export type PerFeature = Readonly<Record<string, Float32Array>>;

/** What a file of a dictionary holds for each feature besides its rows. */
export interface FeatureArrays {
  /** `[size]`, of x − decoderBias where the layout subtracts it. */
  readonly encoderBias: Float32Array;
  readonly perFeature: PerFeature;
}

/** Activations of one position. */
export interface Selected {
  /** `[rows]` */
  readonly values: Float64Array;
  /** What the row's pre-activation must exceed to fire, among these. */
  readonly bar: (row: number) => number;
}

export interface SaeLensForm {
  /** `architecture` of cfg.json. Of kinds that share one, `training_architecture` tells which it is. */
  readonly architecture: string;
  /** What cfg.json has for this kind only. */
  config(k: number | null): Readonly<Record<string, unknown>>;
  /** The tensors `[n]`; those of every kind are W_enc, W_dec and b_dec. */
  tensors(arrays: FeatureArrays): PerFeature;
  read(tensor: (name: string) => Promise<Float32Array>): Promise<FeatureArrays>;
}

/** What training a kind takes besides what all kinds have. */
export interface KindTraining {
  /** On the CPU. */
  readonly openForward: OpenBlockForward;
  /** On a device with memory of its own. */
  readonly selectResident: SelectResident;
  /** The per-feature arrays that a run has learned, in the units of the raw activations. */
  perFeature(config: TrainingConfig, state: TrainingState): PerFeature;
  /** Afterwards one threshold is chosen on held-out activations, so that k features fire on average. */
  readonly calibratesThreshold: boolean;
}

export interface Kind<Name extends string = string> {
  readonly name: Name;
  /** What selection reads of each feature besides its pre-activation: the names of a dictionary's `perFeature` arrays. */
  readonly perFeature: readonly string[];
  /** Features compete for k places. Whether one fires then depends on all others, so a graph holds every row. */
  readonly competes: boolean;
  /**
   * Activations in a graph.
   * @param pre `[rows, positions]`; of all features where they compete
   * @param perFeature an array by its name, `[rows, 1]`
   * @param k of a kind whose features compete
   * @returns `[rows, positions]`
   */
  select(pre: Value, perFeature: (name: string) => Value, k: number): Value;
  /** The same in double precision for one position, written for reading: what graphs and files are checked against. */
  selectSlowly(pre: Float64Array, perFeature: PerFeature, k: number): Selected;
  /** The same in PyTorch: the body of a function of `pre` `[…, rows]`, `rows`, a dict of `[rows]` tensors, and `k`. */
  readonly python: readonly string[];
  /** The activation with which a feature begins to fire; 0 where it rises from 0, or where others decide. */
  jump(perFeature: PerFeature, feature: number): number;
  /** Why a graph computes an edit exactly as it is defined: a sentence. */
  exactness(facts: { readonly size: number; readonly k: number | null }): string;
  readonly saeLens: SaeLensForm;
  /** Of kinds that can be trained: those of contract/domain/dictionaryKinds.ts. */
  readonly training?: KindTraining;
}
