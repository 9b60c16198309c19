import fc from 'fast-check';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { UNLABELLED, type LabelRecord } from '../../contract/domain/label.ts';
import { applyPatch } from './labels.ts';
import type { LabelFileFormat } from '../../contract/domain/label.ts';
import { formatOfName, readLabelFile, writeLabelFile, type LabelRow, type ReadOptions } from './labelsFile.ts';
import { recordsArbitrary } from '../../testing/features/randomLabels.ts';

const DICTIONARY = 'a'.repeat(64);
let folder: string;
beforeAll(async () => void (folder = await mkdtemp(join(tmpdir(), 'errata-labels-'))));
afterAll(() => rm(folder, { recursive: true }));

async function read(path: string, format: LabelFileFormat, options?: ReadOptions): Promise<LabelRow[]> {
  const rows: LabelRow[] = [];
  for await (const row of readLabelFile(path, format, options)) rows.push(row);
  return rows;
}

async function fileOf(name: string, content: string | Uint8Array): Promise<string> {
  const path = join(folder, name);
  await writeFile(path, content);
  return path;
}

const asRecord = ({ line: _, patch, author, time, ...rest }: LabelRow): LabelRecord => ({
  ...rest,
  ...applyPatch(UNLABELLED, patch),
  author: author ?? '',
  time: time ?? '',
});

describe('a label file', () => {
  it.each(['csv', 'jsonl', 'neuronpedia'] as const)('loses nothing as %s', async (format) => {
    const path = join(folder, `trip.${format}`);
    await fc.assert(
      fc.asyncProperty(recordsArbitrary(DICTIONARY), async (records) => {
        const count = await writeLabelFile(path, format, records, {
          neuronpedia: { modelId: 'gpt2-small', layer: '12-res-jb' },
        });
        expect(count).toBe(records.length);
        expect((await read(path, format)).map(asRecord)).toEqual(records);
      }),
      { numRuns: 50 },
    );
  });

  it('may carry some fields only, for the dictionary that is named', async () => {
    const path = await fileOf('partial.csv', '\ufefffeature,text\r\n7,"harmful, requests"\r\n8,\r\n');
    expect(await read(path, 'csv', { dictionary: DICTIONARY })).toMatchObject([
      { line: 2, feature: 7, dictionary: DICTIONARY, patch: { text: 'harmful, requests' }, author: null },
      { line: 3, feature: 8, patch: { text: '' } },
    ]);
    expect(Object.keys((await read(path, 'csv', { dictionary: DICTIONARY }))[0]?.patch ?? {})).toEqual(['text']);
    await expect(read(path, 'csv')).rejects.toThrow(/line 2: the row names no dictionary/u);
  });

  it('reads Neuronpedia’s own rows as drafts, packed or not, one source at a time', async () => {
    const row = (layer: string, index: string, description: string) =>
      JSON.stringify({
        id: 'x',
        modelId: 'gpt2-small',
        layer,
        index,
        description,
        authorId: null,
        embedding: [0.5],
        triggeredById: null,
        typeName: 'oai_token-act-pair',
        explanationModelName: 'gpt-4o-mini',
        notes: null,
        createdAt: '2024-05-01 10:00:00+00',
      });
    const path = await fileOf(
      'batch-0.jsonl.gz',
      gzipSync(`${row('1-res', '5', 'commas')}\n${row('1-res', '6', 'dots')}\n`),
    );
    expect(formatOfName(path)).toBe('jsonl');
    expect(await read(path, 'neuronpedia', { dictionary: DICTIONARY })).toMatchObject([
      {
        feature: 5,
        author: 'gpt-4o-mini',
        time: '2024-05-01T10:00:00.000Z',
        patch: { state: 'draft', text: 'commas' },
      },
      { feature: 6 },
    ]);
    const two = await fileOf('two.jsonl', `${row('1-res', '5', 'commas')}\n${row('2-res', '5', 'dots')}\n`);
    await expect(read(two, 'neuronpedia', { dictionary: DICTIONARY })).rejects.toThrow(/several sources/u);
    expect(await read(two, 'neuronpedia', { dictionary: DICTIONARY, source: 'gpt2-small/2-res' })).toHaveLength(1);
  });

  it('reads what Neuronpedia is uploaded with, its lists, its features and arrays of explanations', async () => {
    const file = async (name: string, value: unknown) => {
      const path = join(folder, name);
      await writeFile(path, JSON.stringify(value));
      return path;
    };
    const shared = { modelId: 'gpt2-small', layer: '6-res-jb' };
    const upload = await file('upload.json', {
      ...{ modelId: 'gpt2-small', source: '6-res-jb' },
      features: [
        { index: 4, explanations: [{ text: 'a colour', modelName: 'llama' }, { text: 'red' }], activations: [] },
        { index: 5, activations: [] },
        { index: '9', explanations: [{ text: 'a name' }] },
      ],
    });
    expect(formatOfName(upload)).toBe('neuronpedia');
    expect(await read(upload, 'neuronpedia', { dictionary: DICTIONARY })).toMatchObject([
      { feature: 4, author: 'llama', patch: { state: 'draft', text: 'a colour', notes: 'Also: red' } },
      { feature: 9, author: null, patch: { text: 'a name', notes: '' } },
    ]);
    const list = await file('list.json', {
      ...{ name: 'Colours', description: 'All of them', testText: 'The sky is blue' },
      features: [
        { ...shared, index: '1', description: 'blue' },
        { ...shared, index: '2', description: '' },
      ],
    });
    const rows = await read(list, 'neuronpedia', { dictionary: DICTIONARY });
    expect(rows.map(({ feature, patch }) => [feature, patch.state, patch.text])).toEqual([
      [1, 'draft', 'blue'],
      [2, 'unlabelled', ''],
    ]);
    const feature = await file('feature.json', {
      ...{ ...shared, index: '7', maxActApprox: 3 },
      explanations: [{ ...shared, index: '7', description: 'a verb', explanationModelName: 'gpt-4' }],
    });
    expect(await read(feature, 'neuronpedia', { dictionary: DICTIONARY })).toMatchObject([
      { feature: 7, author: 'gpt-4', patch: { text: 'a verb' } },
    ]);
    const rowsInArray = await file('rows.json', [{ ...shared, index: '3', description: 'x' }]);
    expect(await read(rowsInArray, 'neuronpedia', { dictionary: DICTIONARY })).toMatchObject([{ feature: 3 }]);

    const lying: readonly (readonly [unknown, RegExp])[] = [
      [{ labels: [] }, /lying\.json: expected Neuronpedia's JSON/u],
      [[1], /expected Neuronpedia's JSON/u],
      [{ features: [{ ...shared, index: -1, description: 'x' }] }, /lying\.json: features\[0\]/u],
      [{ features: [5] }, /lying\.json: features\[0\]: modelId/u],
      [{ ...shared, features: [{ index: 1, explanations: [{ text: 5 }] }] }, /features\[0\]: description/u],
      [{ features: [] }, /holds no labels/u],
      [
        { features: [1, 2].map((layer) => ({ ...shared, layer: String(layer), index: 1, description: 'x' })) },
        /several sources/u,
      ],
    ];
    for (const [value, words] of lying) {
      await expect(read(await file('lying.json', value), 'neuronpedia', { dictionary: DICTIONARY })).rejects.toThrow(
        words,
      );
    }
  });

  it.each<[string, string | Uint8Array]>([
    ['plain', 'feature,state,text,tags\n1,labelled,"lamps, lights",place\n2,labelled,=1+1 and sums,\n'],
    ['semicolons', '\ufefffeature;state;text;tags\r\n1;labelled;lamps, lights;place\r\n2;labelled;=1+1 and sums;\r\n'],
    [
      'what Excel says itself',
      'sep=;\nfeature;state;text;tags\n1;labelled;lamps, lights;place\n2;labelled;=1+1 and sums;\n',
    ],
    [
      'Unicode text',
      Buffer.from(
        '\ufefffeature\tstate\ttext\ttags\r\n1\tlabelled\tlamps, lights\tplace\r\n2\tlabelled\t=1+1 and sums\t\r\n',
        'utf16le',
      ),
    ],
    [
      'own columns',
      'feature,state,text,tags,my remark\n1,labelled,"lamps, lights",place,x\n2,labelled,=1+1 and sums,,\n',
    ],
    [
      'an empty last column',
      'feature,state,text,tags,\n1,labelled,"lamps, lights",place,\n2,labelled,=1+1 and sums,,\n',
    ],
  ])('of a spreadsheet with %s is read, and what is left out is named', async (name, content) => {
    const notes: string[] = [];
    const path = await fileOf('table.csv', content);
    const rows = await read(path, 'csv', { dictionary: DICTIONARY, onNote: (note) => notes.push(note) });
    expect(rows.map(({ feature, patch }) => [feature, patch.state, patch.text, patch.tags])).toEqual([
      [1, 'labelled', 'lamps, lights', ['place']],
      [2, 'labelled', '=1+1 and sums', []],
    ]);
    expect(notes).toEqual(name === 'own columns' ? [`${path}: left out the column "my remark".`] : []);
  });

  it.each<[string, string, string | Uint8Array, RegExp]>([
    ['no feature column', 'a.csv', 'text,notes\nx,y\n', /lacks "feature"/u],
    [
      'an unknown column and no feature',
      'b.csv',
      'number,colour\n1,red\n',
      /lacks "feature"; "number", "colour" are not known.*Known columns: dictionary, feature/u,
    ],
    ['a cell in a column without a name', 'b2.csv', 'feature,text,\n1,a,b\n', /line 2: column 3 has no name/u],
    ['a column twice', 'c.csv', 'feature,feature\n1,1\n', /"feature" stands there twice/u],
    ['a cell too few', 'd.csv', 'feature,text\n1\n', /line 2: it has more or fewer cells/u],
    ['an open quote', 'e.csv', 'feature,text\n1,"abc\n', /a quote is opened/u],
    [
      'a feature that is no number',
      'f.csv',
      'feature,text\n-1,a\n',
      /line 2: feature: expected a whole number, found "-1"/u,
    ],
    ['confidence 9', 'g.csv', 'feature,confidence,text\n1,9,a\n', /line 2: confidence: expected 1 to 5/u],
    ['a text of 3 MB', 'h.csv', `feature,text\n1,${'x'.repeat(3 << 20)}\n`, /longer than 1048576/u],
    ['an endless line', 'i.jsonl', 'x'.repeat(3 << 20), /line 1 is longer than/u],
    ['bytes that are not UTF-8', 'j.csv', Buffer.from([0x66, 0xff, 0xfe, 0x0a]), /not UTF-8/u],
    ['a gzip that is none', 'k.csv.gz', Buffer.from('not gzip'), /lacks "feature"/u],
    [
      'a truncated gzip',
      'l.csv.gz',
      gzipSync(`feature,text\n${'1,abc\n'.repeat(1000)}`).subarray(0, 40),
      /damaged or cut off/u,
    ],
    ['nothing in it', 'm.csv', '', /not even the columns/u],
    ['columns only', 'n.csv', 'feature,text\n', /holds no labels/u],
    ['a line that is not JSON', 'o.jsonl', '{"feature":1}\n{"feature":', /not JSON at line 2, column 12/u],
    ['a line that is not an object', 'p.jsonl', '[]\n', /line 1: .*/u],
    ['an unknown member', 'q.jsonl', '{"feature":1,"colour":"red"}\n', /line 1: colour: is not known here/u],
    [
      'a control character',
      'r.jsonl',
      '{"feature":1,"text":"a\\u0000b"}\n',
      /line 1: text: the text holds a control character/u,
    ],
    ['NaN', 's.jsonl', '{"feature":NaN}\n', /line 1: feature: .*\(line 1, column 12: NaN\)/u],
    [
      'comments that are not JSON',
      't.csv',
      'feature,comments\n1,hello\n',
      /line 2: comments: not JSON at line 1, column 1: "hello"/u,
    ],
  ])('with %s is refused by name and line', async (_, name, content, message) => {
    const path = await fileOf(name, content);
    const attempt = read(path, formatOfName(path), { dictionary: DICTIONARY });
    await expect(attempt).rejects.toThrow(message);
    await expect(attempt).rejects.toThrow(path);
  });

  it('survives arbitrary bytes with one clear error or good rows', async () => {
    const path = join(folder, 'noise.csv');
    await fc.assert(
      fc.asyncProperty(
        fc.string({ unit: 'binary', maxLength: 200 }),
        fc.constantFrom('csv', 'jsonl', 'neuronpedia'),
        async (noise, format) => {
          await writeFile(path, `feature,text\n${noise}`);
          const error: unknown = await read(path, format, { dictionary: DICTIONARY }).then(
            () => null,
            (thrown: unknown) => thrown,
          );
          if (error !== null)
            expect(error).toMatchObject({ code: expect.stringMatching(/^(invalid-file|empty|usage)$/u) as unknown });
        },
      ),
    );
  });

  it('of a million rows is read in bounded memory', async () => {
    const path = join(folder, 'million.csv');
    const block = Array.from({ length: 1000 }, (_, i) => `${i},label of a feature\n`).join('');
    await writeFile(path, `feature,text\n${block.repeat(1000)}`);
    globalThis.gc?.();
    const before = process.memoryUsage().rss;
    let rows = 0;
    let most = 0;
    for await (const row of readLabelFile(path, 'csv', { dictionary: DICTIONARY })) {
      if (row.patch.text === 'label of a feature') rows++;
      if (rows % 10_000 === 0) most = Math.max(most, process.memoryUsage().rss);
    }
    expect(rows).toBe(1_000_000);
    expect(most - before).toBeLessThan(300 * 2 ** 20); // holding the rows would take well over 500 MB; a young heap alone takes some 100
  }, 240_000);

  it('of the Neuronpedia kind is not written without its names', async () => {
    await expect(writeLabelFile(join(folder, 'x.jsonl'), 'neuronpedia', [])).rejects.toThrow(/names of the model/u);
  });
});
