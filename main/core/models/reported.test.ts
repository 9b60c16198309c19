// Models rebuilt after bug reports of the field, in ../shared where it is there.
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { openModel } from './model.ts';

const reports = fileURLToPath(new URL('../../../../shared/fixtures/reports/', import.meta.url));
const withReports = it.skipIf(!existsSync(reports));
if (!existsSync(reports)) console.log('../shared/fixtures/reports is absent: reported models are not opened.');

withReports('a model of digits, whose tokenizer knows no letter, opens and reads digits', async () => {
  const tokenizer = await (await openModel(`${reports}01-no-letter-a/digits`)).tokenizer();
  expect([...tokenizer.encode('12+3')]).toEqual([1, 2, 10, 3]);
  expect(tokenizer.decode([1, 2, 10, 3])).toBe('12+3');
  expect(() => tokenizer.encode('a')).toThrow(/is no token/u);
});

withReports.each([
  '10-safetensors-lenient/metadata-null',
  '11-token-minus-one/model',
  '11-token-minus-one/generation-config',
])('%s opens', async (name) => {
  const { config } = await openModel(`${reports}${name}`);
  expect(config.eosTokenIds).toEqual([]);
});

withReports('U+FEFF in the middle of a text survives byte fallback, whole and token by token', async () => {
  const tokenizer = await (await openModel(`${reports}18-zero-width-no-break/model`)).tokenizer();
  const ids = [...tokenizer.encode('a\ufeffb')];
  expect(ids).toEqual([257, 240, 188, 192, 258]);
  expect(tokenizer.decode(ids)).toBe('a\ufeffb');
  const stream = tokenizer.stream();
  expect(ids.map((id) => stream.next(id)).join('') + stream.end()).toBe('a\ufeffb');
});
