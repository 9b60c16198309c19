import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { openChatTemplate } from './chatTemplate.ts';
import { temporaryFolder } from '../../testing/models/temporaryFolder.ts';

/** As Llama 2's, which refuses what it does not know. */
const STRICT = `{% if messages[0]['role'] == 'system' %}{% set system = '<<SYS>>' + messages[0]['content'] + '<</SYS>>' %}{% set rest = messages[1:] %}{% else %}{% set system = '' %}{% set rest = messages %}{% endif %}{% for message in rest %}{% if message['role'] != 'user' %}{{ raise_exception('only users here') }}{% endif %}{{ bos_token + '[INST] ' + system + message['content'] | trim + ' [/INST]' }}{% endfor %}`;

async function folderWith(files: Readonly<Record<string, unknown>>): Promise<string> {
  const folder = await temporaryFolder();
  for (const [name, content] of Object.entries(files)) {
    await writeFile(join(folder, name), typeof content === 'string' ? content : JSON.stringify(content));
  }
  return folder;
}

const settings = (template: unknown) => ({
  'tokenizer_config.json': { bos_token: { content: '<s>' }, chat_template: template },
});

describe('a chat template', () => {
  it('writes system and user as it says, with the tokens of the tokenizer', async () => {
    const template = await openChatTemplate(await folderWith(settings(STRICT)));
    const user = { role: 'user', content: '  Hi ' } as const;
    expect(template?.render([user])).toBe('<s>[INST] Hi [/INST]');
    expect(template?.render([{ role: 'system', content: 'Be kind.' }, user])).toBe(
      '<s>[INST] <<SYS>>Be kind.<</SYS>>Hi [/INST]',
    );
    expect(() => template?.render([{ role: 'assistant', content: 'x' }])).toThrow(/only users here/u);
  });

  it('is the default one of several, or that of a file of its own, or none', async () => {
    const several = [
      { name: 'tool_use', template: 'no' },
      { name: 'default', template: '{{ messages[0].content }}!' },
    ];
    const messages = [{ role: 'user', content: 'Hi' }] as const;
    expect((await openChatTemplate(await folderWith(settings(several))))?.render(messages)).toBe('Hi!');
    const file = await folderWith({ ...settings('no'), 'chat_template.jinja': '{{ messages[0].content }}?' });
    expect((await openChatTemplate(file))?.render(messages)).toBe('Hi?');
    expect(await openChatTemplate(await folderWith({}))).toBeNull();
    expect(await openChatTemplate(await folderWith(settings(7)))).toBeNull();
  });

  it('that is broken or too long is refused by name', async () => {
    for (const bad of ['{% for', '{{ x '.padEnd(2 << 20)]) {
      await expect(openChatTemplate(await folderWith(settings(bad)))).rejects.toMatchObject({ code: 'unsupported' });
    }
  });

  it('without end is ended, and named by its file', async () => {
    const endless =
      '{% for i in range(100000) %}{% for j in range(100000) %}{% endfor %}{% endfor %}{{ messages[0].content }}';
    const messages = [{ role: 'user', content: 'Hi' }] as const;
    const inSettings = await openChatTemplate(await folderWith(settings(endless)), 200);
    expect(() => inSettings?.render(messages)).toThrow(
      /tokenizer_config\.json: this chat template cannot be used: it did not come to an end within 200 ms/u,
    );
    const inFile = await openChatTemplate(await folderWith({ 'chat_template.jinja': endless }), 200);
    expect(() => inFile?.render(messages)).toThrow(/chat_template\.jinja: this chat template cannot be used/u);
    // What was ended leaves nothing behind: the next template writes as always.
    const next = await openChatTemplate(await folderWith(settings('{{ messages[0].content }}.')), 200);
    expect(next?.render(messages)).toBe('Hi.');
  });

  it('that writes more than any model can read is refused', async () => {
    const doubled = `{% set ns = namespace(text='0123456789abcdef') %}{% for i in range(20) %}{% set ns.text = ns.text ~ ns.text %}{% endfor %}{{ ns.text }}`;
    const template = await openChatTemplate(await folderWith(settings(doubled)));
    expect(() => template?.render([{ role: 'user', content: 'Hi' }])).toThrow(/writes a text of 16777216 characters/u);
  });

  it('in a file that is not UTF-8 is refused by the name of the file', async () => {
    const folder = await folderWith({});
    await writeFile(join(folder, 'chat_template.jinja'), Uint8Array.of(0x7b, 0x7b, 0xff, 0xfe));
    await expect(openChatTemplate(folder)).rejects.toMatchObject({
      code: 'invalid-file',
      message: expect.stringMatching(/chat_template\.jinja: not UTF-8/u) as string,
    });
  });
});
