// The texts of the guide and its pictures as they are in docs/, bundled: the guide needs no network and no file of the clone.
import { GUIDE_PAGES } from './guidePages.ts';
import type { GuideText } from './guideSearch.ts';

const FILES = import.meta.glob<string>(
  ['../../../../docs/guide/*.md', '../../../../docs/{troubleshooting,formats,glossary}.md'],
  { query: '?raw', import: 'default', eager: true },
);
const PICTURES = import.meta.glob<string>('../../../../resources/pictures/*.{png,svg}', {
  query: '?url',
  import: 'default',
  eager: true,
});

export const GUIDE_TEXTS: readonly GuideText[] = GUIDE_PAGES.map(({ path, title }) => ({
  path,
  title,
  text: FILES[`../../../../docs/${path}.md`] ?? '',
}));

/** The address of a bundled picture by its file name; null for any other. */
export function pictureOf(href: string): string | null {
  const name = href.split('/').at(-1) ?? '';
  return PICTURES[`../../../../resources/pictures/${name}`] ?? null;
}
