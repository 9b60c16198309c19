// Looks for regular expressions that explode before they are stored: each runs on texts that make careless repetitions
// try very many ways, under the time limit of checks.ts. What this does not find is still stopped when it runs.
import { AppError, toAppError, type ErrorCode } from '../../contract/base/errors.ts';
import type { Check } from '../../contract/domain/checks.ts';
import type { Behaviour } from '../../contract/domain/behaviour.ts';
import { judgeText } from './checks.ts';

type RegexCheck = Extract<Check, { readonly kind: 'regex' }>;

/** Enough for an exponential pattern never to end, and for a cubic one to take minutes. */
const REPEATS = [32, 2000];
/** What the classes \w, \d, \s and the dot hold. */
const COMMON = ['a', '0', ' ', '\n', '.', '-', '_'];
const MOST_UNITS = 16;
/** For all patterns of a behaviour together. */
const BUDGET_MS = 3000;

/** The sentence about a pattern that did not come to an end; null where none was found. */
export function explosionOf(check: RegexCheck): string | null {
  try {
    for (const text of probes(check.pattern)) judgeText(check, text);
    return null;
  } catch (thrown) {
    const { code, message } = toAppError(thrown);
    if (code !== 'usage') throw thrown;
    return message;
  }
}

/** @throws AppError(code) that names the first case whose regular expression explodes. */
export function refuseExplosions(
  { cases }: Pick<Behaviour, 'cases'>,
  subject: string,
  code: ErrorCode = 'usage',
): void {
  const until = performance.now() + BUDGET_MS;
  const seen = new Set<string>();
  for (const [index, { checks }] of cases.entries()) {
    for (const check of checks) {
      if (check.kind !== 'regex' || seen.has(check.pattern)) continue;
      if (performance.now() > until) return;
      seen.add(check.pattern);
      const explosion = explosionOf(check);
      if (explosion === null) continue;
      throw new AppError(code, `${subject}: case ${index + 1}: ${explosion}`, { details: { first: index } });
    }
  }
}

/** Pieces of the pattern itself, many times over, then a character that nothing expects. */
function* probes(pattern: string): Generator<string> {
  const plain = pattern.replace(/\\[dDwWsSbBpPuxkc]|\(\?[:=!<][=!]?|\{[\d,]*\}/gu, '|').replaceAll('\\', '');
  const runs = plain.split(/[()[\]|*+?.^$]+/u).filter((run) => run !== '');
  const lead = runs[0] ?? '';
  const units = [...new Set([...runs, ...runs.flatMap((run) => Array.from(run)), ...COMMON])];
  const chosen = [...units.slice(0, MOST_UNITS), ...COMMON];
  for (const repeats of REPEATS) {
    for (const unit of new Set(chosen)) {
      const text = `${unit.repeat(Math.ceil(repeats / unit.length))}\u0001`;
      yield text;
      if (lead !== '' && lead !== unit) yield lead + text;
    }
  }
}
