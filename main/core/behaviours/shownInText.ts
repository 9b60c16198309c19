// Whether a text contains a behaviour: what is measured as collateral must not, or losing the behaviour counts as damage.
// Only what a check looks for in an answer can be found like this; behaviours judged by probabilities cannot.
import { toAppError } from '../../contract/base/errors.ts';
import type { Behaviour, Case } from '../../contract/domain/behaviour.ts';
import { judgeText, type TextCheck } from './checks.ts';

/** The words of the first case that the text shows, or null. @param text documents, a line break between two. */
export function shownInText({ cases }: Pick<Behaviour, 'cases'>, text: string): string | null {
  const lower = text.toLowerCase();
  for (const check of cases.flatMap(lookedFor)) {
    const words = check.kind === 'contains' ? check.text : check.pattern;
    if (check.kind === 'contains' ? has(text, lower, check) : matches(check, text)) return words;
  }
  return null;
}

type Looking = Extract<TextCheck, { readonly kind: 'contains' | 'regex' }>;

/** Checks that something is there. A case with a prompt that asks for it is named by them. */
function lookedFor({ checks, role }: Case): Looking[] {
  if (role !== 'target') return [];
  return checks.filter(
    (check): check is Looking => (check.kind === 'contains' || check.kind === 'regex') && check.expected,
  );
}

function has(
  text: string,
  lower: string,
  { text: words, ignoreCase }: Extract<Looking, { readonly kind: 'contains' }>,
) {
  return ignoreCase ? lower.includes(words.toLowerCase()) : text.includes(words);
}

/** An expression that takes too long on a long text finds nothing. */
function matches(check: Looking, text: string): boolean {
  try {
    return judgeText(check, text);
  } catch (thrown) {
    if (toAppError(thrown).code === 'usage') return false;
    throw thrown;
  }
}
