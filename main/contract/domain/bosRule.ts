// Whether a BOS stands before a text that a model reads: as its tokenizer says, unless the project says otherwise.
import * as v from 'valibot';

export const BOS_RULES = ['tokenizer', 'always', 'never'] as const;
export const bosRuleSchema = v.picklist(BOS_RULES, `expected ${BOS_RULES.join(', ')}`);
export type BosRule = v.InferOutput<typeof bosRuleSchema>;

export function openingWord(opening: readonly string[]): string {
  return opening.length === 0 ? 'nothing (no BOS)' : opening.join(' ');
}

/** The sentence of every face. `opening`: what is put before a text. */
export function openingText(rule: BosRule, opening: readonly string[]): string {
  const whose = rule === 'tokenizer' ? 'by its tokenizer' : 'as set in this project';
  return opening.length === 0
    ? `Texts are read as they are, without a BOS (${whose}).`
    : `Before a text: ${openingWord(opening)} (${whose}). A rendered chat template gets nothing added.`;
}
