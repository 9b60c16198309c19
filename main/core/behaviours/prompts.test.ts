// What the model is given of a case: templates, BOS, system texts.
import { cp, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { openModel } from '../models/model.ts';
import { temporaryFolder } from '../../testing/models/temporaryFolder.ts';
import { openPromptEncoder, type PromptEncoder } from './prompts.ts';

const sample = fileURLToPath(new URL('../../../resources/sample/model/', import.meta.url));
const BOS = 0;
const PLAIN = "{% for m in messages %}<{{ m['role'] }}>{{ m['content'] }}{% endfor %}";
/** As Gemma 2's. */
const REFUSES =
  "{{ bos_token }}{% if messages[0]['role'] == 'system' %}{{ raise_exception('System role not supported') }}{% endif %}" +
  PLAIN;
const DROPS = PLAIN.replace('%}<', "%}{% if m['role'] != 'system' %}<").replace('{% endfor', '{% endif %}{% endfor');

async function encoderOf(template: string, bos?: 'always' | 'never'): Promise<PromptEncoder> {
  const folder = join(await temporaryFolder(), 'model');
  await cp(sample, folder, { recursive: true, mode: 0 });
  const path = join(folder, 'tokenizer_config.json');
  const settings = JSON.parse(await readFile(path, 'utf8')) as object;
  await writeFile(path, JSON.stringify({ ...settings, chat_template: template }));
  return openPromptEncoder(await openModel(folder, bos === undefined ? {} : { bos }));
}
const asked = (prompt: string, raw: boolean, system = '') => ({ prompt, raw, system });

it('a rendered template gets nothing added; raw text gets what its tokenizer puts there, once', async () => {
  const chatMl = await encoderOf(PLAIN);
  expect(chatMl.promptOf(asked('Hi', false)).ids[0]).not.toBe(BOS);
  expect(chatMl.promptOf(asked('Hi', true)).ids.slice(0, 2)).toEqual(
    [BOS, ...chatMl.tokenizer.encode('Hi')].slice(0, 2),
  );
  expect(chatMl.promptOf(asked('<|endoftext|>Hi', true)).ids).toEqual(chatMl.promptOf(asked('Hi', true)).ids);
  const written = await encoderOf(`{{ bos_token }}${PLAIN}`);
  const { ids } = written.promptOf(asked('Hi', false));
  expect([ids[0], ids[1] === BOS]).toEqual([BOS, false]);
});

it('the project can ask for a BOS before raw text, or for none', async () => {
  expect((await encoderOf(PLAIN, 'never')).promptOf(asked('Hi', true)).ids[0]).not.toBe(BOS);
  const always = await encoderOf(PLAIN, 'always');
  expect(always.promptOf(asked('Hi', true)).ids[0]).toBe(BOS);
  expect(always.promptOf(asked('Hi', false)).ids[0]).not.toBe(BOS);
});

it('a continuation is of the same tokens with and without a BOS before the prompt', async () => {
  for (const raw of [true, false]) {
    for (const encoder of [await encoderOf(PLAIN), await encoderOf(PLAIN, 'never')]) {
      const { text, ids } = encoder.promptOf(asked('The colour of snow', raw));
      const continuation = encoder.encodeContinuation(text, ids, ' is white');
      expect(continuation).toEqual(encoder.tokenizer.encode(' is white'));
    }
  }
});

it.each([
  ['refuses one', REFUSES],
  ['leaves it out without a word', DROPS],
])('a system text goes before the text of the user where the template %s', async (_what, template) => {
  const encoder = await encoderOf(template);
  expect(encoder.foldsSystemText).toBe(true);
  const { text } = encoder.promptOf(asked('Hi', false, 'Be kind.'), 'Be brief.\n');
  expect(text.replace('<|endoftext|>', '')).toBe('<user>Be brief.\nBe kind.\n\nHi');
  expect(encoder.promptOf(asked('Hi', false)).text.replace('<|endoftext|>', '')).toBe('<user>Hi');
});

it('a system text stays one where the template takes it', async () => {
  const encoder = await encoderOf(PLAIN);
  expect(encoder.foldsSystemText).toBe(false);
  expect(encoder.promptOf(asked('Hi', false, 'Be kind.')).text).toBe('<system>Be kind.<user>Hi');
});
