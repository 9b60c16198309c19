// Searching the guide: a page is cut at its headings, and what is found are sections. Pure.

export interface GuideText {
  readonly path: string;
  readonly title: string;
  /** Markdown. */
  readonly text: string;
}

export interface GuideHit {
  readonly path: string;
  readonly title: string;
  /** Of the section; empty before the first heading of a page. */
  readonly heading: string;
  readonly excerpt: string;
}

const EXCERPT = 110;

/** Sections that contain every word, those with the words in their heading first. Nothing for no words. */
export function searchGuide(pages: readonly GuideText[], wanted: string): readonly GuideHit[] {
  const words = wanted.toLowerCase().split(/\s+/u).filter(Boolean);
  if (words.length === 0) return [];
  const hasAll = (text: string) => words.every((word) => text.toLowerCase().includes(word));
  const found = pages.flatMap(({ path, title, text }) =>
    sectionsOf(text).flatMap(({ heading, body }) => {
      if (!hasAll(`${title} ${heading} ${body}`)) return [];
      const weight = hasAll(`${title} ${heading}`) ? 0 : 1;
      return [{ weight, hit: { path, title, heading, excerpt: excerptOf(body, words) } }];
    }),
  );
  return found.toSorted((a, b) => a.weight - b.weight).map(({ hit }) => hit);
}

/** As GitHub makes them: 'Roll back' → 'roll-back'. */
export function anchorOf(heading: string): string {
  return heading
    .toLowerCase()
    .replaceAll(/[^\p{L}\p{N}\s_-]/gu, '')
    .trim()
    .replaceAll(/\s+/gu, '-');
}

function sectionsOf(text: string): readonly { heading: string; body: string }[] {
  const sections: { heading: string; body: string }[] = [{ heading: '', body: '' }];
  let isCode = false;
  for (const line of text.split('\n')) {
    if (line.startsWith('```')) isCode = !isCode;
    const heading = isCode ? null : /^#{1,6} (.*)$/u.exec(line);
    if (heading?.[1] !== undefined && !line.startsWith('# ')) sections.push({ heading: plain(heading[1]), body: '' });
    else if (!heading) {
      const last = sections.at(-1);
      if (last) last.body += `${line}\n`;
    }
  }
  return sections;
}

/** Without the marks of Markdown. */
function plain(text: string): string {
  return text
    .replaceAll(/!?\[([^\]]*)\]\([^)]*\)/gu, '$1')
    .replaceAll(/[`*_|]/gu, '')
    .replaceAll(/\s+/gu, ' ')
    .trim();
}

function excerptOf(body: string, words: readonly string[]): string {
  const text = plain(body);
  const places = words.map((word) => text.toLowerCase().indexOf(word)).filter((place) => place >= 0);
  const first = places.length === 0 ? 0 : Math.min(...places);
  const start = first < EXCERPT / 2 ? 0 : text.indexOf(' ', first - EXCERPT / 2) + 1;
  const end = start + EXCERPT;
  return `${start > 0 ? '… ' : ''}${text.slice(start, end).trim()}${end < text.length ? ' …' : ''}`;
}
