// Where an operation acts: at a feature of a dictionary at a site, at some positions of a text, behind gates.
import * as v from 'valibot';
import { featureSchema, hashSchema, siteSchema } from '../../base/fields.ts';
import { float32Schema } from '../../base/float32.ts';

export const MAX_GATES = 64;

/** Positions that a text decides by itself. */
export const FIXED_POSITIONS = ['all', 'notBos', 'promptOnly', 'generatedOnly'] as const;
export const POSITIONS = [...FIXED_POSITIONS, 'fromFirstFiring'] as const;

export const POSITION_WORDS: Readonly<Record<(typeof FIXED_POSITIONS)[number], string>> = {
  all: 'at all tokens',
  notBos: 'at all tokens but the first (BOS)',
  promptOnly: 'at tokens of the prompt',
  generatedOnly: 'at generated tokens',
};

/** The positions at which an operation acts. `fromFirstFiring`: from the first position on at which `feature` (of the same dictionary) is above 0, that position included. */
export type Scope =
  | { readonly positions: (typeof FIXED_POSITIONS)[number] }
  | { readonly positions: 'fromFirstFiring'; readonly feature: number };

/** Open at a position where `feature` (of the same dictionary) is strictly above `threshold`. */
export interface Gate {
  readonly feature: number;
  readonly threshold: number;
}

/** Where an operation acts. No gates: always open. Several gates: open where any of them is. */
export interface Target {
  readonly feature: number;
  /** Content hash of the dictionary: sha-256, 64 lower-case hex digits. */
  readonly dictionary: string;
  /** TransformerLens name of the site: `blocks.3.hook_resid_post`. */
  readonly site: string;
  readonly scope: Scope;
  readonly gates: readonly Gate[];
}

const scopeSchema = v.variant(
  'positions',
  [
    v.strictObject({ positions: v.picklist(FIXED_POSITIONS) }),
    v.strictObject({ positions: v.literal('fromFirstFiring'), feature: featureSchema }),
  ],
  (issue) =>
    issue.kind === 'schema' && issue.type === 'variant' ? `unknown positions ${issue.received}` : issue.message,
);

/** The members that operations of all kinds have. */
export const targetEntries = {
  feature: featureSchema,
  dictionary: hashSchema,
  site: siteSchema,
  scope: scopeSchema,
  gates: v.pipe(
    v.array(v.strictObject({ feature: featureSchema, threshold: float32Schema })),
    v.maxLength(MAX_GATES, `more than ${MAX_GATES} gates`),
  ),
};
