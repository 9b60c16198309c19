import { mkdir, mkdtemp, open, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gzipSync, zstdCompressSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openCorpus, type CorpusOptions } from './corpus.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'errata-corpus-'));
});
afterEach(async () => {
  await rm(folder, { recursive: true, force: true });
});

async function file(name: string, content: string | Uint8Array): Promise<string> {
  await mkdir(join(folder, name, '..'), { recursive: true });
  await writeFile(join(folder, name), content);
  return join(folder, name);
}

async function documents(path: string, options: CorpusOptions = {}): Promise<string[]> {
  const found: string[] = [];
  let current = '';
  for await (const { text, endsDocument } of (await openCorpus(path, options)).pieces()) {
    current += text;
    if (!endsDocument) continue;
    found.push(current);
    current = '';
  }
  expect(current).toBe('');
  return found;
}

describe('documents', () => {
  it('of a .txt file are the whole, its lines, or its paragraphs', async () => {
    const path = await file('a.txt', '\ufeffOne.\r\nTwo.\n\n \nThree.\n');
    expect(await documents(path)).toEqual(['One.\r\nTwo.\n\n \nThree.\n']);
    expect(await documents(path, { textDocuments: 'line' })).toEqual(['One.', 'Two.', 'Three.']);
    expect(await documents(path, { textDocuments: 'paragraph' })).toEqual(['One.\nTwo.', 'Three.']);
  });

  it('of a .jsonl file are the texts of a field', async () => {
    const path = await file(
      'a.jsonl',
      '{"text":"One","body":"1"}\n\n{"text":"","body":"2"}\r\n{"text":"Three\\n3","body":"3"}',
    );
    expect(await documents(path)).toEqual(['One', 'Three\n3']);
    expect(await documents(path, { field: 'body' })).toEqual(['1', '2', '3']);
  });

  it('of a folder come in the order of their paths, from files and links, without hidden ones', async () => {
    await file('b.jsonl', '{"text":"b"}');
    await file('a/z.txt', 'a/z');
    await file('B.TXT', 'B');
    await file('.hidden.txt', 'no');
    await file('.git/x.txt', 'no');
    await file('notes.md', 'no');
    await symlink(join(folder, 'notes.md'), join(folder, 'c.txt'));
    expect(await documents(folder)).toEqual(['B', 'a/z', 'b', 'no']);
  });

  it('keep characters and lines whole across the borders of chunks', async () => {
    // Lines of 1 MB and more, of characters of one to four bytes, so that borders of 1 MiB fall into all of them.
    const texts = ['aä漢😀', 'ä', '漢', '😀', '\u00a0x'].map((unit, i) => unit.repeat(500_000 + i));
    const path = await file('a.txt', texts.join('\n'));
    const whole = await documents(path);
    expect(whole.length === 1 && whole[0] === texts.join('\n')).toBe(true); // not toBe: a difference of 7 MB is no message
    const byLine = await documents(path, { textDocuments: 'line' });
    expect(byLine.map((text, i) => text === texts[i])).toEqual(texts.map(() => true));
    const json = await file('b.jsonl', texts.map((text) => JSON.stringify({ text })).join('\n'));
    expect((await documents(json)).map((text, i) => text === texts[i])).toEqual(texts.map(() => true));
  });

  it('of a file of many megabytes pass through in small pieces', async () => {
    const path = join(folder, 'large.txt');
    const handle = await open(path, 'w');
    const block = 'All work and no play.\n'.repeat(50_000);
    for (let i = 0; i < 60; i++) await handle.write(block);
    await handle.close();
    let longest = 0;
    let total = 0;
    for await (const { text } of (await openCorpus(path)).pieces()) {
      longest = Math.max(longest, text.length);
      total += text.length;
    }
    expect(total).toBe(60 * block.length);
    expect(longest).toBeLessThanOrEqual(1 << 20);
  });
});

describe('corpora as they come', () => {
  const leftOutOf = async (path: string, options: CorpusOptions = {}) => {
    const corpus = await openCorpus(path, options);
    for await (const piece of corpus.pieces()) expect(piece.endsDocument).toBe(true);
    return corpus.leftOut;
  };

  it('compressed, with a mark or in UTF-16 are read as they would be without', async () => {
    const rows = '{"text":"Ä"}\n{"text":"B","perplexity":NaN}\n';
    for (const [name, content] of [
      ['a.jsonl.gz', gzipSync(rows)],
      ['a.jsonl.zst', zstdCompressSync(rows)],
      ['packed-without-saying.jsonl', gzipSync(rows)],
      ['mark.jsonl', `\ufeff${rows}`],
      ['utf16.jsonl', Buffer.from(`\ufeff${rows}`, 'utf16le')],
      ['a.ndjson', rows],
      ['lines.json', rows],
      ['array.json', '\ufeff[{"text": "Ä"},\n {"text": "B"}]'],
      ['texts.json', '["Ä", "B"]'],
      ['array.json.gz', gzipSync('[{"text": "Ä"}, {"text": "B"}]')],
    ] as const) {
      expect([name, await documents(await file(name, content))]).toEqual([name, ['Ä', 'B']]);
    }
    expect(await documents(await file('a.txt.gz', gzipSync('One.\nTwo.')), { textDocuments: 'line' })).toEqual([
      'One.',
      'Two.',
    ]);
  });

  it('with null in place of a text are read without these rows, which are counted', async () => {
    const path = await file('a.jsonl', '{"text":"A"}\n{"text":null}\nnull\n{"text":""}\n{"text":"B"}\n');
    expect(await documents(path)).toEqual(['A', 'B']);
    expect(await leftOutOf(path)).toBe(2);
    const nested = await file('b.jsonl', '{"data":null}\n{"data":{"text":null}}\n{"data":{"text":"A"}}\n');
    expect(await documents(nested, { field: 'data.text' })).toEqual(['A']);
    expect(await leftOutOf(nested, { field: 'data.text' })).toBe(2);
  });

  it('with the text in fields of fields or in lists are read by the way to it', async () => {
    const path = await file('a.jsonl', '{"data":{"text":"A"},"x.y":"dots"}\n{"data":{"text":["B","C"]},"x.y":""}\n');
    expect(await documents(path, { field: 'data.text' })).toEqual(['A', 'B', 'C']);
    expect(await documents(path, { field: 'x.y' })).toEqual(['dots']);
    const wrapped = await file('b.json', '{"version": 1, "data": [{"text": "A"}, {"text": "B"}]}');
    expect(await documents(wrapped, { field: 'data.text' })).toEqual(['A', 'B']);
    await expect(documents(path, { field: 'data.body' })).rejects.toThrow(
      'line 1 has no field "data.body" (its fields: data, x.y)',
    );
  });

  it('of conversations become texts by the template, under the names that chat data have', async () => {
    const render = (messages: readonly { role: string; content: string }[]) =>
      messages.map(({ role, content }) => `${role}: ${content}`).join('|');
    const turns = '[{"role":"user","content":"Hi"},{"role":"assistant","content":[{"type":"text","text":"Yes?"}]}]';
    const shareGpt = '[{"from":"human","value":"Hi"},{"from":"gpt","value":"Yes?"}]';
    for (const row of [`{"messages":${turns}}`, `{"conversations":${shareGpt},"id":1}`]) {
      const path = await file('a.jsonl', row);
      const corpus = await openCorpus(path, {}, render);
      const texts: string[] = [];
      for await (const { text } of corpus.pieces()) texts.push(text);
      expect(texts).toEqual(['user: Hi|assistant: Yes?']);
      await expect(documents(path)).rejects.toThrow(/no chat template to format them with.*--field messages\.content/u);
    }
    const path = await file('b.jsonl', '{"messages":[{"role":"user","content":"Hi"},{"role":"x","content":"Yes?"}]}');
    expect(await documents(path, { field: 'messages.content' })).toEqual(['Hi', 'Yes?']);
  });

  it('in Parquet are read however it is compressed, nested columns and conversations too', async () => {
    const fixture = (name: string) => fileURLToPath(new URL(`../formats/fixtures/${name}.parquet`, import.meta.url));
    for (const codec of ['none', 'snappy', 'gzip', 'zstd', 'brotli']) {
      const path = fixture(`texts-${codec}`);
      expect([codec, await documents(path)]).toEqual([
        codec,
        ['The lamp was lit.', 'Grüße, 漢字 😀', 'The boats came home.'],
      ]);
      expect(await leftOutOf(path)).toBe(1);
    }
    expect(await documents(fixture('nested'), { field: 'data.text' })).toEqual(['One', 'Two']);
    expect(await documents(fixture('nested'), { field: 'data.tags' })).toEqual(['a', 'b']);
    expect(await documents(fixture('messages'), { field: 'messages.content' })).toEqual([
      'Who lit it?',
      'The keeper.',
      'When?',
      'At dusk.',
    ]);
    await expect(documents(fixture('texts-lz4'))).rejects.toThrow(/compressed by LZ4.*zstd and brotli are read/u);
    await expect(documents(fixture('nested'))).rejects.toThrow('it has no column "text". It has: data.');
    await expect(documents(fixture('texts-none'), { field: 'id' })).rejects.toThrow(
      'row 1 has no text in the field "id"',
    );
    const whole = await readFile(fixture('texts-snappy'));
    for (const length of [0, 3, 12, whole.length - 9, whole.length - 1]) {
      const path = await file('cut.parquet', whole.subarray(0, length));
      await expect(documents(path)).rejects.toMatchObject({ code: length === 0 ? 'empty' : 'invalid-file' });
    }
  });

  it('in a folder are read where .json files hold lists, and what describes the data is left out', async () => {
    await file('set/data.json', ' \n[{"text":"A"}]');
    await file('set/dataset_info.json', '{"features": [{"text": 1}]}');
    await file('set/b.jsonl.gz', gzipSync('{"text":"B"}'));
    expect(await documents(join(folder, 'set'))).toEqual(['B', 'A']);
  });

  it('in a folder with a link that leads to nothing are refused by the name of the link', async () => {
    await file('set/a.txt', 'A');
    await symlink(join(folder, 'annex'), join(folder, 'set/b.txt'));
    await expect(documents(join(folder, 'set'))).rejects.toMatchObject({
      code: 'not-found',
      details: { path: join(folder, 'set/b.txt') },
    });
  });
});

describe('a corpus is refused', () => {
  it('when it is not UTF-8, with the offset of the first wrong byte', async () => {
    const million = Buffer.from('é'.repeat(524_287)); // two bytes short of a chunk
    const cases: [Uint8Array, number][] = [
      [Buffer.from([0x61, 0xff, 0x62]), 1],
      [Buffer.from('gr\xfc\xdfe', 'latin1'), 2],
      [Buffer.concat([million, Buffer.from([0xe6, 0xbc, 0x41])]), million.length],
      [Buffer.concat([million, Buffer.from('ab漢'), Buffer.from([0x80])]), million.length + 5],
      [Buffer.from('cut 😀').subarray(0, 7), 4],
      [Buffer.concat([Buffer.alloc((1 << 20) - 1, 'a'), Buffer.from('😀').subarray(0, 3)]), (1 << 20) - 1],
      [Buffer.from([0xed, 0xa0, 0x80]), 0], // half of a surrogate pair
      [Buffer.from([0xc0, 0x80]), 0], // overlong
    ];
    for (const [bytes, offset] of cases) {
      const path = await file('bad.txt', bytes);
      await expect(documents(path)).rejects.toMatchObject({ code: 'invalid-file', details: { path, offset } });
    }
  });

  it('when it is empty, absent or of another kind', async () => {
    await expect(documents(await file('empty.txt', ''))).rejects.toMatchObject({ code: 'empty' });
    await expect(documents(join(folder, 'none.txt'))).rejects.toMatchObject({ code: 'not-found' });
    await expect(documents(await file('a.docx', 'x'))).rejects.toMatchObject({ code: 'unsupported' });
    await mkdir(join(folder, 'nothing'));
    await expect(documents(join(folder, 'nothing'))).rejects.toMatchObject({ code: 'empty' });
  });

  it('when a line of .jsonl is not what it should be, with its number', async () => {
    for (const [line, reason] of [
      ['[]', 'has no field "text"'],
      ['3', 'has no field "text"'],
      ['{"body":"x","id":1}', 'has no field "text" (its fields: body, id)'],
      ['{"text":3}', 'has no text in the field "text"'],
      ['{"text":["a",3]}', 'has no text in the field "text"'],
    ]) {
      const path = await file('a.jsonl', `{"text":"good"}\n${line}\n`);
      await expect(documents(path)).rejects.toMatchObject({
        code: 'invalid-file',
        message: `${path}: line 2 ${reason}.`,
        details: { line: 2 },
      });
    }
    const cut = await file('cut.jsonl', '{"text":"good"}\n{"text":\n');
    await expect(documents(cut)).rejects.toMatchObject({
      code: 'invalid-file',
      message: `${cut}: not JSON at line 2, column 9: it ends in the middle.`,
      details: { line: 2 },
    });
    const inherited = await file('b.jsonl', '{"text":"x"}');
    await expect(documents(inherited, { field: 'toString' })).rejects.toThrow('has no field "toString"');
  });
});

describe('the hash of a corpus', () => {
  it('depends on contents, order and options, not on places', async () => {
    const a = await file('one/a.txt', 'A');
    await file('one/b.txt', 'B');
    await file('two/x.txt', 'A');
    await file('two/y.txt', 'B');
    await file('three/a.txt', 'B');
    await file('three/b.txt', 'A');
    const hash = async (path: string, options?: CorpusOptions) => (await openCorpus(path, options)).hash();
    const one = await hash(join(folder, 'one'));
    expect(one).toMatch(/^[0-9a-f]{64}$/);
    expect(await hash(join(folder, 'two'))).toBe(one);
    const others = [
      await hash(join(folder, 'three')),
      await hash(a),
      await hash(join(folder, 'one'), { textDocuments: 'line' }),
      await hash(join(folder, 'one'), { field: 'body' }),
    ];
    expect(new Set([one, ...others]).size).toBe(5);
  });
});
