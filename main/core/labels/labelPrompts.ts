// What a language model is asked about a feature, and how its answers are read. Explaining follows Bills et al. 2023 (examples
// with the firing tokens marked); detection scoring follows Paulo et al. 2024, arXiv 2410.13928, section 3.2 (for each of some
// texts: does the label fit it?).
import type { FeaturePage } from '../../contract/domain/featurePage.ts';
import { AppError } from '../../contract/base/errors.ts';
import type { ChatMessage } from './chatEndpoint.ts';

const SHOWN_EXAMPLES = 10;
const SHOWN_EFFECTS = 6;
const LONGEST_LABEL = 120;
/** A token counts as firing from this share of the feature's highest activation on. */
const MARKED_FROM = 0.3;

interface Text {
  readonly tokens: readonly string[];
}

/** The examples that a model is shown, for whoever must hold others out. */
export function shownExamples({ top }: FeaturePage) {
  return top.slice(0, SHOWN_EXAMPLES);
}

export function labelQuestion(page: FeaturePage): readonly ChatMessage[] {
  const marked = shownExamples(page).map(({ tokens, activations }, index) => {
    const text = tokens
      .map((token, at) => ((activations[at] ?? 0) >= MARKED_FROM * page.max ? `<<${token}>>` : token))
      .join('');
    return `Text ${index + 1}: ${text}`;
  });
  const effects = page.logits?.top
    .filter(({ effect }) => effect > 0)
    .slice(0, SHOWN_EFFECTS)
    .map(({ token }) => JSON.stringify(token));
  return [
    {
      role: 'system',
      content:
        'You name features of a neural network. You are shown texts in which one feature fires; the tokens on which it fires are between << and >>. Say in at most ten words what these tokens, in their contexts, have in common. Answer with that phrase only.',
    },
    {
      role: 'user',
      content: [
        ...marked,
        ...(effects && effects.length > 0 ? [`It makes these next tokens more likely: ${effects.join(', ')}`] : []),
      ].join('\n\n'),
    },
  ];
}

/** One line, without the quotes, headings and thoughts that models put around an answer. @throws AppError `unreachable` */
export function readLabel(answer: string): string {
  const line = answer
    .replace(/<think>[\s\S]*?(?:<\/think>|$)/giu, '')
    .split('\n')
    .map((each) => each.replace(/[\p{Cc}\u202a-\u202e\u2066-\u2069]+/gu, ' ').trim())
    .find((each) => each !== '');
  const label = (line ?? '')
    .replace(/^(?:label|answer|explanation|phrase)\s*:\s*/iu, '')
    .replace(/^["“”'*`#\s-]+|["“”'*`\s]+$/gu, '')
    .replace(/\s+/gu, ' ');
  if (label !== '') return [...label].slice(0, LONGEST_LABEL).join('').trim();
  throw new AppError('unreachable', 'The language model answered, but with no label.');
}

export function detectionQuestion(label: string, texts: readonly Text[]): readonly ChatMessage[] {
  return [
    {
      role: 'system',
      content: `You are given a description of what a feature of a neural network fires on, and ${texts.length} texts. For each text say 1 if the description fits a part of it, else 0. Answer with a JSON array of ${texts.length} numbers, each 0 or 1, and nothing else.`,
    },
    {
      role: 'user',
      content: [
        `Description: ${label}`,
        ...texts.map(({ tokens }, index) => `Text ${index + 1}: ${tokens.join('')}`),
      ].join('\n\n'),
    },
  ];
}

/** @returns for each text whether the label was said to fit. @throws AppError `unreachable` for anything but `count` of 0 and 1 */
export function readDetections(answer: string, count: number): readonly boolean[] {
  const array = /\[[\s\d,]*\]/u.exec(answer.replace(/<think>[\s\S]*?(?:<\/think>|$)/giu, ''))?.[0] ?? '';
  const said = array.match(/\d+/gu) ?? [];
  if (said.length === count && said.every((each) => each === '0' || each === '1')) {
    return said.map((each) => each === '1');
  }
  throw new AppError(
    'unreachable',
    `The language model was asked for ${count} answers of 0 or 1, and gave ${said.length === 0 ? 'none' : said.length}.`,
  );
}
