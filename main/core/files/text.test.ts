import { mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync, zstdCompressSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { parseJson, readJson, readJsonObject } from './json.ts';
import { readJsonValues } from './jsonValues.ts';
import { readText, textChunks } from './text.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'errata-text-'));
});
afterEach(async () => {
  await rm(folder, { recursive: true, force: true });
});

async function file(name: string, content: string | Uint8Array): Promise<string> {
  await writeFile(join(folder, name), content);
  return join(folder, name);
}

async function streamed(path: string): Promise<string> {
  let text = '';
  for await (const chunk of textChunks(path)) text += chunk;
  return text;
}

const TEXT = 'Grüße, 漢字 😀\n';
const utf16 = (text: string) => Buffer.from(text, 'utf16le');
const BYTES: readonly (readonly [string, Uint8Array])[] = [
  ['UTF-8', Buffer.from(TEXT)],
  ['UTF-8 with a mark', Buffer.from(`\ufeff${TEXT}`)],
  ['UTF-16 as Windows writes it', utf16(`\ufeff${TEXT}`)],
  ['UTF-16 in the other order', utf16(`\ufeff${TEXT}`).swap16()],
  ['UTF-16 without a mark', utf16(TEXT)],
];

describe('text', () => {
  it.each(BYTES)('in %s reads the same, whole, in pieces and compressed', async (_, bytes) => {
    for (const packed of [bytes, gzipSync(bytes), zstdCompressSync(bytes)]) {
      const path = await file('a.txt', packed);
      expect(await readText(path)).toBe(TEXT);
      expect(await streamed(path)).toBe(TEXT);
    }
  });

  it('keeps a mark that is not at the start, and files of fewer bytes than a mark has', async () => {
    expect(await readText(await file('a', 'a\ufeffb'))).toBe('a\ufeffb');
    for (const text of ['', 'a', 'ab', 'abc', '\ufeff']) {
      const path = await file('b', text);
      expect(await readText(path)).toBe(text.replace('\ufeff', ''));
      expect(await streamed(path)).toBe(text.replace('\ufeff', ''));
    }
  });

  it('that is no text is refused with the place or with what to do', async () => {
    const cases: [Uint8Array, RegExp][] = [
      [Buffer.from('gr\xfc\xdfe', 'latin1'), /first wrong byte is at offset 2\. Save it as UTF-8/u],
      [utf16(`\ufeff${TEXT}`).subarray(0, 7), /begins as UTF-16LE and is not whole/u],
      [gzipSync(TEXT).subarray(0, 20), /damaged or cut off/u],
      [zstdCompressSync(TEXT).subarray(0, 12), /damaged or cut off/u],
      [Buffer.from('PK\u0003\u0004abcdef'), /a zip archive, which is not read: unzip it/u],
      [Buffer.from('BZh91AY&SY....'), /bzip2/u],
      [Buffer.from('PAR1....'), /ending \.parquet/u],
    ];
    for (const [bytes, message] of cases) {
      const path = await file('bad', bytes);
      await expect(readText(path)).rejects.toThrow(message);
      await expect(streamed(path)).rejects.toThrow(message);
    }
    await expect(readText(await file('bomb', gzipSync(Buffer.alloc(1 << 20))), 1000)).rejects.toThrow(/too many/u);
  });

  it('behind a link that leads to nothing is told from a file that is missing', async () => {
    await symlink(join(folder, 'annex'), join(folder, 'link'));
    await expect(readText(join(folder, 'link'))).rejects.toMatchObject({
      code: 'not-found',
      message: `${join(folder, 'link')}: this link leads to nothing: there is no ${join(folder, 'annex')}.`,
    });
    await expect(readText(join(folder, 'none'))).rejects.toThrow('it does not exist');
  });
});

describe('JSON', () => {
  it('is read with a mark, in UTF-16, and with the words of Python', async () => {
    for (const content of ['\ufeff{"a": NaN}', utf16('\ufeff{"a": NaN}'), '{"a":NaN}']) {
      expect(await readJson(await file('a.json', content))).toEqual({ a: Number.NaN });
    }
    const text =
      '{"up": Infinity, "down": [-Infinity, 1e999], "__proto__": {"x": NaN}, "s": "NaN \\u00e9 \\\\", "e": [], "o": {}}';
    const value = parseJson(text, 'f') as Record<string, unknown>;
    expect(value).toMatchObject({ up: Infinity, down: [-Infinity, Infinity], s: 'NaN é \\', e: [], o: {} });
    expect(Object.keys(value)).toContain('__proto__');
    expect(Object.getPrototypeOf(value)).toBe(Object.prototype);
  });

  it.each<[string, string]>([
    ['{"a": 1,\n "b": None}', 'line 2, column 7: "None" is not expected (JSON has null)'],
    ["{'a': 1}", `line 1, column 2: "'" is not expected (JSON has double quotes)`],
    ['{"a": 1} // x', 'line 1, column 10: "/" is not expected (JSON has no comments)'],
    ['{\n  # x\n  "a": 1}', 'line 2, column 3: "#" is not expected (JSON has no comments)'],
    ['[1, 2,]', 'line 1, column 7: "]" is not expected (no comma may stand before it)'],
    ['{"a": 1', 'line 1, column 8: it ends in the middle'],
    ['{"a": "x', 'line 1, column 7: "\\"" is not expected (this text is never closed)'],
    ['{"a": nan}', 'line 1, column 7: "nan" is not expected'],
    ['{"a": 1}{', 'line 1, column 9: "{" is not expected (a comma is missing before it, or the text ended earlier)'],
    ['', 'line 1, column 1: it ends in the middle'],
    ['[01]', 'line 1, column 3: "1" is not expected'],
  ])('%j is refused with line, column and word', (text, message) => {
    expect(() => parseJson(text, 'f.json')).toThrow(`f.json: not JSON at ${message}.`);
  });

  it('nested without end is refused, and a long one is read in a time that its length tells', () => {
    expect(() => parseJson(`[NaN,${'['.repeat(100_000)}`, 'f')).toThrow(/nested too deeply/u);
    const words = Array.from({ length: 200_000 }, () => 'NaN').join(',\n');
    const start = performance.now();
    expect(parseJson(`[${words}]`, 'f')).toHaveLength(200_000);
    expect(performance.now() - start).toBeLessThan(5000); // squared it would be minutes
  });

  it('must be one object where one is needed', async () => {
    await expect(readJsonObject(await file('a', '[]'))).rejects.toThrow('one JSON object');
  });
});

describe('the values of a .json file', () => {
  const values = async (content: string, longest = 1000) => {
    const found: unknown[] = [];
    for await (const { value } of readJsonValues(await file('v.json', content), longest)) found.push(value);
    return found;
  };

  it('are the entries of an array, or what stands there one after the other', async () => {
    expect(await values('[{"a": "x,]\\"["}, [1, [2]], "s t", 3,\n null, NaN]')).toEqual([
      { a: 'x,]"[' },
      [1, [2]],
      's t',
      3,
      null,
      Number.NaN,
    ]);
    expect(await values('{"a": 1}\n{"a":\n 2}{"a":3}')).toEqual([{ a: 1 }, { a: 2 }, { a: 3 }]);
    for (const none of ['[]', ' [ ]\n', '', '\n']) expect(await values(none)).toEqual([]);
  });

  it('pass through whole where pieces of the file cut them', async () => {
    const long = Array.from({ length: 3000 }, (_, i) => ({ text: `${i} `.repeat(200 + (i % 7)) }));
    expect(await values(JSON.stringify(long, null, 1), 1 << 20)).toEqual(long);
  });

  it.each<[string, RegExp]>([
    ['[1, 2', /the array is never closed/u],
    ['[1,, 2]', /"," is not expected/u],
    ['[1, ]', /no comma may stand before/u],
    ['[{"a":1} {"a":2}]', /a comma is missing/u],
    ['[1] 2', /"2" is not expected after the array/u],
    ['[1,\n {"a": None}]', /line 2, column \d+: "None"/u],
  ])('%j are refused', async (content, message) => {
    await expect(values(content)).rejects.toThrow(message);
  });

  it('longer than allowed are refused', async () => {
    await expect(values(`["${'x'.repeat(2000)}"]`)).rejects.toThrow(/longer than 1000/u);
  });
});
