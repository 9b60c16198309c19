// A model outside its project whose folder moves, or whose tokenizer or template changes: it is said, nothing is computed with it
// until a person has said what is right, and nothing else fails meanwhile.
import { appendFile, cp, mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import { createProject } from '../storage/project/create.ts';
import { errata } from '../testing/hosts/commandLine.ts';
import { temporaryFolder } from '../testing/models/temporaryFolder.ts';

vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 });

const sample = fileURLToPath(new URL('../../resources/sample/', import.meta.url));
let place: string;
let project: string;
let files: string;

beforeEach(async () => {
  place = await temporaryFolder();
  project = join(place, 'project');
  files = join(place, 'model');
  (await createProject(project, { host: 'a test' })).close();
  await cp(join(sample, 'model'), files, { recursive: true, mode: 0 });
  await errata(project, ['model', 'add', files, '--name', 'it']);
  await mkdir(join(project, 'dictionaries'), { recursive: true });
  await cp(join(sample, 'dictionaries/shipped'), join(project, 'dictionaries/shipped'), { recursive: true, mode: 0 });
});

const generate = () => errata(project, ['generate', 'it', '--prompt', 'The colour of', '-n', '2']);
const top = () => errata(project, ['feature', 'top', 'shipped', '--text', 'The nurse said']);
const printed = async (...words: string[]) => (await errata(project, words)).printed.join('\n');

async function changeTemplate(folder = files) {
  const path = join(folder, 'tokenizer_config.json');
  const settings = JSON.parse(await readFile(path, 'utf8')) as { chat_template: string };
  await writeFile(path, JSON.stringify({ ...settings, chat_template: `Now. ${settings.chat_template}` }));
}

describe('a model whose folder has moved', () => {
  it('is asked for by what needs it, found by its hash, and used again', async () => {
    const moved = join(place, 'disk', 'elsewhere');
    await mkdir(join(place, 'disk'));
    await rename(files, moved);
    for (const command of [generate, top]) {
      await expect(command()).rejects.toMatchObject({ code: 'not-found', details: { model: 'it', path: files } });
      await expect(command()).rejects.toThrow(/errata model move it FOLDER, or Locate… on its page/u);
    }
    // Nothing else fails meanwhile.
    expect(await printed('model', 'list')).toContain('(not there now)');
    expect(await printed('dictionary', 'list')).toContain('shipped');
    await errata(project, ['label', 'set', '-d', 'shipped', '3', 'a label']);

    await errata(project, ['model', 'move', 'it', moved]);
    expect((await generate()).printed).toEqual(['']);
    expect((await top()).printed.length).toBeGreaterThan(0);
  });

  it('is not taken for another: other weights are refused, and nothing is changed', async () => {
    const other = join(place, 'other');
    await rename(files, other);
    await appendFile(join(other, 'config.json'), '\n');
    await expect(errata(project, ['model', 'move', 'it', other])).rejects.toMatchObject({ code: 'mismatch' });
    expect(await printed('model', 'list')).toContain(files);
  });

  it('with its project, on another machine, is asked for there', async () => {
    const there = join(place, 'copied');
    await cp(project, there, { recursive: true });
    await rename(files, join(place, 'their-model'));
    project = there;
    expect(await printed('model', 'list')).toContain('(not there now)');
    await expect(generate()).rejects.toThrow(/errata model move it FOLDER/u);
    await errata(project, ['model', 'move', 'it', join(place, 'their-model')]);
    expect((await generate()).printed).toEqual(['']);
  });
});

describe('a model whose tokenizer or template has changed', () => {
  it('in its place is refused by the names of the files, until the change is accepted or taken back', async () => {
    const before = await readFile(join(files, 'tokenizer_config.json'));
    await changeTemplate();
    for (const command of [
      generate,
      top,
      () => errata(project, ['generate', 'it', '--prompt', 'Hi', '--chat', '-n', '1']),
      () => errata(project, ['generate', 'it', '--prompt', 'Hi', '-d', 'shipped', '--op', 'steer:3:1', '-n', '1']),
    ]) {
      await expect(command()).rejects.toMatchObject({ code: 'mismatch' });
      await expect(command()).rejects.toThrow(/tokenizer_config\.json has changed since .* errata model accept it/u);
    }
    expect(await printed('model', 'list')).toContain('(changed since: tokenizer_config.json)');
    await writeFile(join(files, 'tokenizer_config.json'), before);
    expect((await generate()).printed).toEqual(['']);
    await changeTemplate();
    await errata(project, ['model', 'accept', 'it']);
    const { printed: said } = await errata(project, ['generate', 'it', '--prompt', 'Hi', '--chat', '-n', '1']);
    expect(said[0]).toMatch(/^Now\. /u);
  });

  it.each([
    ['tokenizer.json', '{"added": 1}'],
    ['chat_template.jinja', 'Hi'],
    ['generation_config.json', '{"eos_token_id": 7}'],
  ])('is noticed in %s, too', async (file, content) => {
    await writeFile(join(files, file), content);
    await expect(generate()).rejects.toThrow(new RegExp(`${file} has changed`, 'u'));
  });

  it('in another folder is no second model, and is taken in place of the first where a person says so', async () => {
    const corrected = join(place, 'corrected');
    await cp(files, corrected, { recursive: true });
    await changeTemplate(corrected);
    await expect(errata(project, ['model', 'add', corrected])).rejects.toThrow(
      /already has these weights, as "it", with another tokenizer_config\.json\. .*errata model move it .*corrected --accept/u,
    );
    await expect(errata(project, ['model', 'move', 'it', corrected])).rejects.toMatchObject({ code: 'mismatch' });
    await errata(project, ['model', 'move', 'it', corrected, '--accept']);
    const { printed: said } = await errata(project, ['generate', 'it', '--prompt', 'Hi', '--chat', '-n', '1']);
    expect(said[0]).toMatch(/^Now\. /u);
  });
});
