import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { csvRecord, readCsv } from './textRows.ts';

it('a text that a spreadsheet would run is written so that none does, and is read back as it was', async () => {
  const texts = ['=1+1', '+1+cmd|x', '@SUM(1)', '-2+3', '\tx', "'=x", "''=x", "'quoted'", '-5', '+3.5', 'a=b', "it's"];
  const folder = await mkdtemp(join(tmpdir(), 'errata-rows-'));
  try {
    const path = join(folder, 'a.csv');
    await writeFile(path, [['text'], ...texts.map((text) => [text])].map(csvRecord).join(''));
    const read: (string | undefined)[] = [];
    for await (const { value } of readCsv(path, ['text'], ['text'])) read.push(value['text']);
    expect(read).toEqual(texts);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
  for (const text of texts.slice(0, 5)) expect(csvRecord([text])).toMatch(/^"?'/u);
  expect(csvRecord([-5, '-5', 'a=b'])).toBe('-5,-5,a=b\n');
});
