// Nothing that people read holds a word of the list of offenders: strings of the program, the command line, errors, reports.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { offencesIn, readingOf, stringsOf } from './words.ts';

const root = join(import.meta.dirname, '..');
/** SQL with its comments: what was written once is never edited. */
const NOT_READ = /\.test\.ts$|^main\/testing\/|^main\/storage\/migrations\//u;

function sources(): readonly string[] {
  return ['main', 'renderer', 'preload']
    .flatMap((room) =>
      readdirSync(join(root, room), { recursive: true, encoding: 'utf8' }).map((file) =>
        join(room, file).replaceAll('\\', '/'),
      ),
    )
    .filter((file) => /\.(?:ts|svelte)$/u.test(file) && !NOT_READ.test(file));
}

describe('the words that people read', () => {
  it('are those of a native writer: no string of the program holds an offender', () => {
    const files = sources();
    expect(files.length).toBeGreaterThan(500);
    const found = files.flatMap((file) => {
      const text = readFileSync(join(root, file), 'utf8');
      const strings = file.endsWith('.svelte') ? readingOf(text) : stringsOf(text);
      return offencesIn(strings).map(({ line, word, better }) => `${file}:${line}: “${word}” (better: ${better})`);
    });
    expect(found).toEqual([]);
  });

  it('an offender is found in a string, in markup and in an attribute, and nowhere else', () => {
    const script = "import { beside } from './beside.ts';\n// anew\nconst text = `Begun ${count} anew`;";
    expect(offencesIn(stringsOf(script)).map(({ line, word }) => [line, word])).toEqual([[3, 'anew']]);
    const component = [
      '<!-- whoever -->',
      '<script lang="ts">',
      "  const title = 'Take back';",
      '</script>',
      '<p class="beside" title="It lies in a folder">',
      '  Whoever reads it</p>',
      '<style>.anew {}</style>',
    ].join('\n');
    expect(offencesIn(readingOf(component)).map(({ line, word }) => [line, word])).toEqual([
      [3, 'Take back'],
      [5, 'lies in'],
      [6, 'Whoever'],
    ]);
  });

  it('leaves English alone', () => {
    const fine = ['There is no model yet', 'it is no longer there', 'is no better than the mean', 'look-alike', 'kept'];
    expect(offencesIn(fine.map((text) => ({ line: 1, text })))).toEqual([]);
  });
});
