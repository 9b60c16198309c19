// The documents that people work by are true: links lead somewhere, commands parse, queries run on a project, and the guide that
// the window bundles is the guide that is here.
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import Sqlite from 'better-sqlite3';
import { beforeAll, describe, expect, it } from 'vitest';
import { parseLine } from '../main/hosts/cli/arguments.ts';
import { commands } from '../main/hosts/cli/commands/index.ts';
import { errata } from '../main/testing/hosts/commandLine.ts';
import { temporaryFolder } from '../main/testing/models/temporaryFolder.ts';
import { GUIDE_PAGES, linkedPage, pageOfView } from '../renderer/src/shell/guide/guidePages.ts';
import { anchorOf } from '../renderer/src/shell/guide/guideSearch.ts';
import { VIEWS } from '../main/contract/api/views.ts';

const root = join(import.meta.dirname, '..');
const read = (path: string) => readFileSync(join(root, path), 'utf8');

const DOCUMENTS = [
  'README.md',
  ...['ARCHITECTURE.md', 'CONTRIBUTING.md', 'SECURITY.md', 'resources/sample/README.md'],
  ...readdirSync(join(root, 'docs'), { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.md'))
    .map((file) => `docs/${file.replaceAll('\\', '/')}`),
];
const GUIDE = GUIDE_PAGES.map(({ path }) => `docs/${path}.md`);

/** Code between fences, by the language that is named. */
function fences(text: string, language: string): string[] {
  return [...text.matchAll(/^```(\S*)\n(.*?)^```/gmsu)].flatMap(([, named, code = '']) =>
    named === language ? [code] : [],
  );
}

/** Words of a shell line, quotes taken off, without what follows a #. */
function wordsOf(line: string): string[] {
  return [...line.matchAll(/"([^"]*)"|'([^']*)'|(#.*$)|(\S+)/gmu)].flatMap(([, double, single, comment, plain]) =>
    comment === undefined ? [double ?? single ?? plain ?? ''] : [],
  );
}

function headings(text: string): string[] {
  return text.split('\n').flatMap((line) => {
    const heading = /^#+ (.*)$/u.exec(line)?.[1];
    return heading === undefined ? [] : [anchorOf(heading)];
  });
}

describe('documents', () => {
  it.each(DOCUMENTS)('links of %s lead to a file, and to a heading in it', (document) => {
    const text = read(document).replaceAll(/^```.*?^```/gmsu, '');
    const links = [...text.matchAll(/\]\(([^)\s]+)\)/gu)].map(([, href = '']) => href);
    const broken = links.filter((href) => {
      if (/^[a-z]+:/u.test(href)) return false;
      const [file = '', anchor] = href.split('#');
      const target = file === '' ? join(root, document) : resolve(root, dirname(document), file);
      if (!existsSync(target)) return true;
      return anchor !== undefined && !headings(readFileSync(target, 'utf8')).includes(anchor);
    });
    expect(broken).toEqual([]);
  });

  it.each(DOCUMENTS.filter((name) => !name.includes('reference/')))(
    'every command in %s is one that parses',
    (document) => {
      const code = [...fences(read(document), 'sh'), ...fences(read(document), '')].join('\n');
      const lines = code
        .replaceAll(/\\\n/gu, ' ')
        .split(/\n(?=\S)/u)
        .flatMap((line) => line.split(' && '))
        .map((line) => line.replace(/^npx /u, ''))
        .filter((line) => line.startsWith('errata '));
      for (const line of lines) {
        const words = wordsOf(line).slice(1);
        if (words.includes('--help')) continue;
        expect(() => parseLine(words, commands), line).not.toThrow();
      }
    },
  );
});

describe('the guide of the window', () => {
  it('has every page of docs/guide, under the title that is its first heading, in the order of its list', () => {
    for (const { path, title } of GUIDE_PAGES) expect(read(`docs/${path}.md`).split('\n')[0]).toBe(`# ${title}`);
    const files = readdirSync(join(root, 'docs/guide')).filter((name) => name.endsWith('.md') && name !== 'README.md');
    expect(GUIDE.filter((path) => path.startsWith('docs/guide/')).toSorted()).toEqual(
      files.map((name) => `docs/guide/${name}`).toSorted(),
    );
    const listed = [...read('docs/guide/README.md').matchAll(/^\d+\. \[([^\]]+)\]\(([\w-]+)\.md\)$/gmu)];
    expect(listed.map(([, title, file]) => [title, `guide/${file ?? ''}`])).toEqual(
      GUIDE_PAGES.filter(({ path }) => path.startsWith('guide/')).map(({ path, title }) => [title, path]),
    );
  });

  it('has a page about every view', () => {
    const about = VIEWS.map(({ name }) => [name, GUIDE_PAGES.some(({ views }) => views?.some((one) => one === name))]);
    expect(about.filter(([, isThere]) => !isThere)).toEqual([]);
    expect(pageOfView('features')).toBe('guide/label');
    expect(pageOfView(undefined)).toBe('guide/install');
  });

  it('follows links between its pages, and no others', () => {
    expect(linkedPage('../glossary.md', 'guide/label')).toEqual({ path: 'glossary', anchor: '' });
    expect(linkedPage('train.md', 'guide/collect')).toEqual({ path: 'guide/train', anchor: '' });
    expect(linkedPage('#the-database', 'formats')).toEqual({ path: 'formats', anchor: 'the-database' });
    expect(linkedPage('guide/train.md#x', 'troubleshooting')).toEqual({ path: 'guide/train', anchor: 'x' });
    for (const href of ['https://example.org/train.md', 'javascript:alert(1)', '../../ARCHITECTURE.md'])
      expect(linkedPage(href, 'guide/label')).toBeNull();
  });
});

describe('docs/formats.md', () => {
  let project: string;
  beforeAll(async () => {
    const folder = await temporaryFolder();
    project = join(folder, 'sample');
    await errata(folder, ['project', 'sample', project]);
  }, 120_000);

  it('its queries run on the sample’s database, opened to read only, and find something', () => {
    const queries = fences(read('docs/formats.md'), 'sql')
      .join('\n')
      .split(/;\n/u)
      .map((query) => query.trim())
      .filter(Boolean);
    expect(queries.length).toBeGreaterThanOrEqual(7);
    const database = new Sqlite(join(project, 'project.sqlite'), { readonly: true });
    for (const query of queries) expect(database.prepare(query).all().length, query).toBeGreaterThan(0);
    database.close();
  });

  it('names every table and view of the database but those of its machinery', () => {
    const database = new Sqlite(join(project, 'project.sqlite'), { readonly: true });
    const names = database
      .prepare("SELECT name FROM sqlite_schema WHERE type IN ('table', 'view') ORDER BY name")
      .pluck()
      .all()
      .map(String);
    database.close();
    // Full-text indexes, and what SQLite and the program keep about the file itself.
    const machinery = /^(?:label_words|label_substrings|feature_words|sqlite_|meta$|holders$|job_owners$)/u;
    const text = read('docs/formats.md');
    expect(names.filter((name) => !machinery.test(name) && !text.includes(`\`${name}\``))).toEqual([]);
  });
});
