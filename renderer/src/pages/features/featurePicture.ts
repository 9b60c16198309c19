// A feature as a picture for a slide or a paper: its label, figures, histogram, strongest examples and effects, as one SVG that
// needs nothing of the page. Text is laid out by the width that a monospaced letter has: three fifths of its size.
import type { Example } from '../../api/types.ts';
import { tokenText } from '../../components/ui/tokenText.ts';
import { figure } from '../../state/format.ts';
import type { ExportedFeature } from './featureExport.ts';
import { featureFacts } from './featureFacts.ts';

/** Colours of the window, so that the picture looks as the page does. */
export interface Palette {
  readonly surface: string;
  readonly ink: string;
  readonly soft: string;
  readonly line: string;
  readonly activation: string;
  readonly bar: string;
}

export interface Picture {
  readonly text: string;
  readonly width: number;
  readonly height: number;
}

const WIDTH = 960;
const MARGIN = 24;
const SIZE = 12;
const LETTER = 0.6 * SIZE;
const LINE = 22;
const EXAMPLES = 8;
const HISTOGRAM = { width: 240, height: 70 } as const;
const MONO = "'Plex Mono', ui-monospace, 'Noto Sans Mono', monospace";
const SANS = "'Plex Sans', system-ui, 'Noto Sans', sans-serif";

export function featurePicture(shown: ExportedFeature, palette: Palette): Picture {
  const { dictionary, page, label } = shown;
  const parts: string[] = [];
  let y = MARGIN + 14;
  const write = (
    x: number,
    text: string,
    style: { size?: number; color?: string; family?: string; bold?: boolean } = {},
  ) =>
    parts.push(
      `<text x="${x}" y="${y}" font-family="${style.family ?? SANS}" font-size="${style.size ?? SIZE}" fill="${style.color ?? palette.ink}"${style.bold === true ? ' font-weight="600"' : ''} xml:space="preserve">${escape(text)}</text>`,
    );
  const title = label && label.text !== '' ? label.text : (label?.state ?? 'unlabelled');
  write(MARGIN, cut(title, 70), { size: 18, bold: true });
  y += LINE;
  write(
    MARGIN,
    `Feature ${page.feature} of ${dictionary.name}, ${dictionary.size} features at ${dictionary.site} of ${dictionary.model.name}`,
    { color: palette.soft },
  );
  y += LINE;
  for (const { name, value } of featureFacts(page)) {
    write(MARGIN, name, { color: palette.soft });
    write(MARGIN + 110, value, { bold: true });
    y += 17;
  }
  const { counts } = page.histogram;
  const most = Math.max(1, ...counts);
  const [left, bottom] = [WIDTH - MARGIN - HISTOGRAM.width, MARGIN + 60 + HISTOGRAM.height];
  for (const [index, count] of counts.entries()) {
    const height = (count / most) * HISTOGRAM.height;
    const step = HISTOGRAM.width / counts.length;
    parts.push(
      `<rect x="${round(left + index * step)}" y="${round(bottom - height)}" width="${round(Math.max(0.5, step - 0.5))}" height="${round(height)}" fill="${palette.bar}"/>`,
    );
  }
  parts.push(
    `<line x1="${left}" x2="${left + HISTOGRAM.width}" y1="${bottom}" y2="${bottom}" stroke="${palette.line}"/>`,
  );
  y = Math.max(y, bottom + 10) + LINE / 2;
  if (page.firings === 0) write(MARGIN, `It never fires on these ${page.tokens} tokens.`, { color: palette.soft });
  for (const example of page.top.slice(0, EXAMPLES)) {
    write(MARGIN, figure(example.value).padStart(7), { family: MONO, color: palette.soft });
    parts.push(...exampleParts(example, page.max, y, palette));
    y += LINE;
  }
  y += 6;
  if (page.logits) {
    const tokens = (list: readonly { readonly token: string }[]) =>
      list.map(({ token }) => tokenText(token)).join('  ');
    write(MARGIN, 'Raises', { color: palette.soft });
    write(MARGIN + 60, cut(tokens(page.logits.top), 115), { family: MONO });
    y += LINE;
    write(MARGIN, 'Lowers', { color: palette.soft });
    write(MARGIN + 60, cut(tokens(page.logits.bottom), 115), { family: MONO });
    y += LINE;
  }
  const height = y + MARGIN / 2;
  const text = `<?xml version="1.0" encoding="UTF-8"?>
<svg xmlns="http://www.w3.org/2000/svg" width="${WIDTH}" height="${height}" viewBox="0 0 ${WIDTH} ${height}"><rect width="100%" height="100%" fill="${palette.surface}"/>${parts.join('')}</svg>
`;
  return { text, width: WIDTH, height };
}

/** The tokens around the peak, as many as fit, shaded by their activations. */
function exampleParts({ tokens, activations, peak }: Example, max: number, y: number, palette: Palette): string[] {
  const room = Math.floor((WIDTH - 2 * MARGIN - 64) / LETTER);
  const texts = tokens.map(tokenText);
  let [first, end, used] = [peak, peak, 0];
  const fits = (index: number) => index >= 0 && index < texts.length && used + cells(texts[index]!) <= room;
  for (let grew = true; grew;) {
    grew = false;
    if (fits(end)) {
      used += cells(texts[end++]!);
      grew = true;
    }
    if (fits(first - 1)) {
      used += cells(texts[--first]!);
      grew = true;
    }
  }
  const parts: string[] = [];
  let x = MARGIN + 64;
  for (let index = first; index < end; index++) {
    const width = cells(texts[index]!) * LETTER;
    const value = activations[index] ?? 0;
    if (value > 0 && max > 0) {
      const opacity = Math.max(0.12, Math.min(1, value / max) * 0.7);
      parts.push(
        `<rect x="${round(x)}" y="${y - 13}" width="${round(width)}" height="18" rx="2" fill="${palette.activation}" fill-opacity="${round(opacity)}"/>`,
      );
    }
    parts.push(
      `<text x="${round(x)}" y="${y}" font-family="${MONO}" font-size="${SIZE}" fill="${palette.ink}"${index === peak ? ' text-decoration="underline"' : ''} textLength="${round(width)}" lengthAdjust="spacingAndGlyphs" xml:space="preserve">${escape(texts[index]!)}</text>`,
    );
    x += width;
  }
  return parts;
}

/** Columns of a terminal that a text takes: wide signs take two. */
function cells(text: string): number {
  let count = 0;
  for (const sign of text)
    count +=
      /[\u1100-\u115f\u2e80-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe4f\uff00-\uff60\u{1f300}-\u{1faff}]/u.test(sign)
        ? 2
        : 1;
  return count;
}

function cut(text: string, most: number): string {
  const signs = [...text];
  return signs.length <= most ? text : `${signs.slice(0, most - 1).join('')}…`;
}

function round(value: number): number {
  return Math.round(value * 100) / 100;
}

/** For XML, which knows no control characters. */
function escape(text: string): string {
  return text
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;')
    .replace(/[\p{Cc}\ufffe\uffff]|\p{Cs}/gu, '\ufffd');
}
