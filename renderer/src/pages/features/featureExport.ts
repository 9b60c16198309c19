// A feature as something to take along: Markdown for a note, JSON for a program, the body of Neuronpedia's upload.
import type { Dictionary, Example, FeaturePage, Label } from '../../api/types.ts';
import { tokenText } from '../../components/ui/tokenText.ts';
import { toMarkdown } from '../../components/ui/tableText.ts';
import { figure } from '../../state/format.ts';
import { featureFacts } from './featureFacts.ts';

export interface ExportedFeature {
  readonly dictionary: Dictionary;
  readonly page: FeaturePage;
  readonly label: Label | null;
}

const EXAMPLES = 10;

/** Text that Markdown takes as it is. */
function plain(text: string): string {
  return text.replace(/[\\`*_[\]<>|#]/gu, '\\$&');
}

/** The tokens around the peak, the peak itself bold. */
function exampleLine({ tokens, peak, value }: Example): string {
  const part = (from: number, to: number) => plain(tokens.slice(Math.max(0, from), to).map(tokenText).join(''));
  return `- ${figure(value)}: …${part(peak - 16, peak)}**${part(peak, peak + 1)}**${part(peak + 1, peak + 8)}…`;
}

export function featureMarkdown({ dictionary, page, label }: ExportedFeature, link: string): string {
  const facts = featureFacts(page).map(({ name, value }) => [name, value]);
  const effects = page.logits
    ? [
        '',
        `Raises ${page.logits.top.map(({ token, effect }) => `\`${tokenText(token).replaceAll('`', "'")}\` ${figure(effect)}`).join(', ')}`,
        '',
        `Lowers ${page.logits.bottom.map(({ token, effect }) => `\`${tokenText(token).replaceAll('`', "'")}\` ${figure(effect)}`).join(', ')}`,
      ]
    : [];
  return [
    `## Feature ${page.feature} of ${plain(dictionary.name)}${label && label.text !== '' ? `: ${plain(label.text)}` : ''}`,
    '',
    `${dictionary.size} features (${dictionary.architecture}) at \`${dictionary.site}\` of ${plain(dictionary.model.name)}. ${link}`,
    ...(label && label.tags.length > 0 ? ['', `Tags: ${label.tags.map(plain).join(', ')}`] : []),
    ...(label && label.notes !== '' ? ['', plain(label.notes)] : []),
    '',
    toMarkdown({ columns: ['Figure', 'Value'], rows: facts }),
    '',
    ...page.top.slice(0, EXAMPLES).map(exampleLine),
    ...effects,
    '',
  ].join('\n');
}

export function featureJson({ dictionary, page, label }: ExportedFeature): string {
  const { name, site, model, architecture, size, hash } = dictionary;
  return JSON.stringify({ dictionary: { name, hash, site, model, architecture, size }, label, ...page }, null, 2);
}

/** As much as Neuronpedia takes of each. */
const MOST = { text: 512, tokens: 1024, effects: 20 } as const;

/**
 * The body of Neuronpedia's `POST /api/feature/upload-batch`, with one feature. Its names of the model and the source are
 * its own: ours stand there, to be replaced by whoever uploads.
 */
export function neuronpediaUpload({ dictionary, page, label }: ExportedFeature): string {
  const effects = (list: readonly { readonly token: string; readonly effect: number }[]) =>
    list.slice(0, MOST.effects).map(({ token, effect }) => ({ token, value: effect }));
  const activation = (example: Example) => ({
    tokens: example.tokens.slice(0, MOST.tokens),
    values: example.activations.slice(0, MOST.tokens),
  });
  const groups = page.groups.flatMap(({ from, to, examples }) =>
    examples.map((example) => ({ ...activation(example), quantileMin: from, quantileMax: to })),
  );
  const feature = {
    index: page.feature,
    density: page.rate,
    ...(page.logits ? { topLogits: effects(page.logits.top), bottomLogits: effects(page.logits.bottom) } : {}),
    ...(label && label.text !== '' ? { explanations: [{ text: label.text.slice(0, MOST.text) }] } : {}),
    activations: [...page.top.map(activation), ...groups],
  };
  return JSON.stringify({ modelId: dictionary.model.name, source: dictionary.name, features: [feature] }, null, 2);
}
