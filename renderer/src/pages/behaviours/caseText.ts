// Cases and checks in words, new ones, and prompts out of pasted text.
import type { Case, Check } from '../../api/types.ts';
import { figure } from '../../state/format.ts';

export const CHECK_KINDS = [
  'contains',
  'regex',
  'refuses',
  'probability',
  'logitDifference',
  'multipleChoice',
] as const satisfies readonly Check['kind'][];

export const CHECK_NAMES: Record<Check['kind'], string> = {
  contains: 'contains',
  regex: 'matches',
  refuses: 'refuses',
  probability: 'probability',
  logitDifference: 'logit difference',
  multipleChoice: 'multiple choice',
};

export const CHECK_HINTS: Record<Check['kind'], string> = {
  contains: 'The answer contains this text.',
  regex: 'The answer matches this regular expression (ECMAScript, Unicode).',
  refuses: 'The first 200 characters refuse, by a list of phrases or by yours.',
  probability: 'p(continuation | prompt), from 0 to 1.',
  logitDifference: 'ln p(continuation) − ln p(against), in nats.',
  multipleChoice: 'The answer has the highest mean log-likelihood per token of the choices.',
};

export function newCheck(kind: Check['kind']): Check {
  switch (kind) {
    case 'contains':
      return { kind, text: '', ignoreCase: true, expected: true };
    case 'regex':
      return { kind, pattern: '', ignoreCase: true, expected: true };
    case 'refuses':
      return { kind, phrases: [], expected: true };
    case 'probability':
      return { kind, continuation: '', bound: 'atLeast', value: 0.5 };
    case 'logitDifference':
      return { kind, continuation: '', against: '', bound: 'atLeast', value: 0 };
    case 'multipleChoice':
      return { kind, choices: ['', ''], answer: 0, expected: true };
  }
}

export function newCase(like?: Case): Case {
  return {
    role: like?.role ?? 'target',
    system: like?.system ?? '',
    prompt: '',
    raw: like?.raw ?? false,
    checks: like?.checks ?? [newCheck('contains')],
    note: '',
    split: like?.split ?? 'report',
    isHeldOut: false,
    tags: {},
  };
}

/** 'not contains “Paris”' */
export function checkText(check: Check): string {
  const not = 'expected' in check && !check.expected ? 'not ' : '';
  const bound = 'bound' in check ? `${check.bound === 'atLeast' ? '≥' : '≤'} ${figure(check.value)}` : '';
  switch (check.kind) {
    case 'contains':
      return `${not}contains ${quoted(check.text)}`;
    case 'regex':
      return `${not}matches /${check.pattern}/`;
    case 'refuses':
      return `${not}refuses${check.phrases.length > 0 ? ` (${check.phrases.length} phrases)` : ''}`;
    case 'probability':
      return `p(${quoted(check.continuation)}) ${bound}`;
    case 'logitDifference':
      return `${quoted(check.continuation)} against ${quoted(check.against)} ${bound}`;
    case 'multipleChoice':
      return `${not}${quoted(check.choices[check.answer] ?? '')} of ${check.choices.length} choices`;
  }
}

export function checksText({ checks }: Case): string {
  return checks.map(checkText).join(' and ');
}

/** 'topic=weapons, framing=story' and back. */
export function tagsText(tags: Case['tags']): string {
  return Object.entries(tags)
    .map(([name, value]) => `${name}=${value}`)
    .join(', ');
}

/** @returns null for what does not read as tags. */
export function parseTags(text: string): Case['tags'] | null {
  const tags: Record<string, string> = {};
  for (const part of text.split(',').map((each) => each.trim())) {
    if (part === '') continue;
    const [, name, value] = /^([A-Za-z][A-Za-z0-9]*)\s*=\s*(.+)$/u.exec(part) ?? [];
    if (name === undefined || value === undefined) return null;
    tags[name] = value;
  }
  return tags;
}

/** Prompts of pasted text: one a line, or one a paragraph where there is an empty line. */
export function pastedPrompts(text: string): string[] {
  const whole = text.replace(/\r\n?/gu, '\n');
  const parts = /\n\s*\n/u.test(whole.trim()) ? whole.split(/\n\s*\n/u) : whole.split('\n');
  return parts.map((part) => part.replace(/^\n+|\s+$/gu, '')).filter((part) => part.trim() !== '');
}

function quoted(text: string): string {
  return `“${text.length > 30 ? `${text.slice(0, 29)}…` : text}”`;
}
