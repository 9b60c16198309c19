// What is being entered for the next search: kept while other views are looked at.
import type { FileLocation } from '../../api/types.ts';

export const POSITIONS = {
  both: 'on the last token and anywhere',
  last: 'on the last token',
  anywhere: 'anywhere',
} as const;

interface Draft {
  from: 'behaviours' | 'prompts';
  target: string | null;
  /** Null: all whose aim is to be kept. */
  keep: readonly string[] | null;
  withText: string;
  withoutText: string;
  maxNewTokens: number;
  isRaw: boolean;
  /** Null: the first that is finished. */
  dictionaries: readonly string[] | null;
  corpus: string;
  place: FileLocation | null;
  positions: keyof typeof POSITIONS;
  /** Per cent of the cases that may still show it. */
  goal: number;
  /** Per cent of the mean difference that may be left, where continuations are compared. */
  goalCompared: number;
  harmWeight: number;
  mostOperations: number;
  /** Tokens of a round. */
  effort: number;
  candidates: number;
  targetCases: number;
  keepCases: number;
  seed: number;
  /** Null: as is suggested. */
  name: string | null;
}

export const draft = $state<Draft>({
  from: 'behaviours',
  target: null,
  keep: null,
  withText: '',
  withoutText: '',
  maxNewTokens: 12,
  isRaw: true,
  dictionaries: null,
  corpus: '',
  place: null,
  positions: 'both',
  goal: 1,
  goalCompared: 45,
  harmWeight: 4,
  mostOperations: 16,
  effort: 120_000,
  candidates: 512,
  targetCases: 160,
  keepCases: 128,
  seed: 0,
  name: null,
});
