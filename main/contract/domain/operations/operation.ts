// What has to be said about a kind of operation. Each kind has a file that says all of it, and index.ts is their table; the
// graph, the exports, the forecast, the finder, the command line and the window read it from there.
//
// An operation adds g·d to the activation x of a site, with d the decoder row of its feature and g a piecewise-linear function
// of one number s. `reads` says what s is:
//   feature   the activation f of the feature: g = f' − f
//   stream    (x·d)/‖d‖², how much of d there is in x; 0 for a row of zeros
//   nothing   g is a constant
// So a kind that reads nothing fits into a bias, one that reads the stream by a slope alone into weights, and one that reads
// the feature needs a graph or a hook.
import type * as v from 'valibot';
import { MAX_FLOAT32 } from '../../base/float32.ts';
import type { Target } from './target.ts';

/** g = slope·s + offset + min(max(s, low), high) − s. */
export interface Line {
  readonly slope: number;
  readonly offset: number;
  readonly low: number;
  readonly high: number;
}

/** The line that changes nothing. */
export const NO_CHANGE: Line = { slope: 0, offset: 0, low: -MAX_FLOAT32, high: MAX_FLOAT32 };

/** The number that an operation takes. */
export interface OperationNumber<Name extends string = string> {
  /** Its member of the operation, and its name for people. */
  readonly name: Name;
  readonly hint: string;
  /** What connects the operation and its number in a sentence: scale *by* 0.5. */
  readonly preposition: 'by' | 'to' | 'at';
  /** One that changes the model visibly: examples show it, and tests of every kind compute with it. */
  readonly example: number;
  /** What a new operation begins with. @param largest the feature's largest activation. */
  readonly first: (largest: number) => number;
  /** Between which numbers the slider looks for it. */
  readonly range: (largest: number) => readonly [low: number, high: number];
}

/** How the finder uses a kind. */
export interface FinderUse {
  /**
   * The number with which a feature of this mean activation is turned to the negative of a multiple of it; any number for a
   * kind that takes none. Null: the kind does not do that.
   */
  readonly numberAt: (multiple: number, mean: number) => number | null;
  /** Numbers to try in place of one that reached the goal. */
  readonly gentler: (number: number) => readonly number[];
}

export interface OperationDefinition<Action extends { readonly kind: string }> {
  readonly schema: v.GenericSchema<unknown, Target & Action>;
  /** The action with this number. */
  readonly action: (number: number) => Action;
  readonly title: string;
  /** One line for people. */
  readonly description: string;
  /** Null: it takes none. */
  readonly number: OperationNumber | null;
  readonly reads: 'feature' | 'stream' | 'nothing';
  /** g as the graph computes it. */
  readonly line: (number: number) => Partial<Line>;
  /** Does nothing where the feature is silent, whatever the line says. */
  readonly onlyActive?: true;
  /** g as the definition has it, in double precision: what graphs and exports are checked against. */
  readonly gain: (s: number, number: number) => number;
  /** g as one reads it, and the statements of Python that return it, given f, x, d and number (torch tensors but the last). */
  readonly formula: string;
  readonly python: readonly string[];
  /** Left out: the finder never proposes it. */
  readonly finder?: FinderUse;
}

/** What the file of a kind has to say. @template Name of the member that holds its number, where it takes one. */
export type DefinitionOf<Kind extends string, Name extends string = never> = OperationDefinition<
  { readonly kind: Kind } & { readonly [Member in Name]: number }
> & { readonly number: [Name] extends [never] ? null : OperationNumber<Name> };
