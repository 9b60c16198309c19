import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { glossaryMarkdown, TERMS } from './glossary.ts';

describe('the glossary', () => {
  it('has each word once, in the order of the alphabet', () => {
    const words = TERMS.map(({ term }) => term.toLowerCase());
    expect(words).toEqual([...new Set(words)].toSorted((a, b) => a.localeCompare(b, 'en')));
    for (const { meaning } of TERMS) expect(meaning).toMatch(/^[A-Z].*\.$/u);
  });
  // `npx vitest run -u --project unit main/contract/domain/glossary.test.ts` writes it again.
  it('is what docs/glossary.md says', async () => {
    await expect(glossaryMarkdown()).toMatchFileSnapshot(join(import.meta.dirname, '../../../docs/glossary.md'));
  });
});
