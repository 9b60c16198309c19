// What a model reads: whether a BOS stands before a text, by its tokenizer or the project's word, on every face; token ids in
// place of a text, with edits too.
import { cp, mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { errata } from '../testing/hosts/commandLine.ts';
import { startFaces, type FacesProject } from '../testing/hosts/facesProject.ts';
import { temporaryFolder } from '../testing/models/temporaryFolder.ts';

vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 });

const BOS = 0;
let faces: FacesProject;
/** The sample's model with a tokenizer that opens no text. */
let silent: string;

beforeAll(async () => {
  faces = await startFaces();
  silent = join(await temporaryFolder(), 'silent');
  await mkdir(silent);
  await cp(join(faces.project, 'models/sample/files'), silent, { recursive: true });
  await change('tokenizer.json', (definition) => ({ ...definition, post_processor: null }));
  await change('tokenizer_config.json', (settings) => ({ ...settings, add_bos_token: false }));
});
afterAll(() => faces.stop());

async function change(file: string, edited: (content: Record<string, unknown>) => object) {
  const path = join(silent, file);
  await writeFile(path, JSON.stringify(edited(JSON.parse(await readFile(path, 'utf8')) as Record<string, unknown>)));
}

const firstToken = async (model: string) => {
  const { promptTokens } = await faces.api.model.nextTokens({ model, prompt: 'The colour of snow', count: 1 });
  return promptTokens[0]?.id;
};

it('a BOS stands before a text where its tokenizer puts one, and every face says so', async () => {
  expect(await firstToken('sample')).toBe(BOS);
  expect((await faces.api.model.describe({ model: 'sample' })).opening).toEqual(['<|endoftext|>']);
  expect((await errata(faces.project, ['model', 'show', 'sample'])).printed).toContain(
    'Before a text: <|endoftext|> (by its tokenizer). A rendered chat template gets nothing added.',
  );
  const said = 'The colour of snow';
  for (const words of [
    ['generate', 'sample'],
    ['generate', join(faces.project, 'models/sample/files')],
  ]) {
    const { result } = await errata(faces.project, [...words, '--prompt', said, '-n', '2']);
    expect((result['generations'] as { promptIds: number[] }[])[0]?.promptIds[0]).toBe(BOS);
  }
  const { result } = await errata(faces.project, ['generate', silent, '--prompt', said, '-n', '2']);
  expect((result['generations'] as { promptIds: number[] }[])[0]?.promptIds[0]).not.toBe(BOS);
});

it('the project overrides it, in the window and by command, until it is left to the tokenizer again', async () => {
  try {
    await errata(faces.project, ['model', 'bos', 'sample', 'never']);
    expect(await firstToken('sample')).not.toBe(BOS);
    expect((await faces.api.model.describe({ model: 'sample' })).model.bos).toBe('never');
    expect((await errata(faces.project, ['model', 'show', 'sample'])).printed).toContain(
      'Texts are read as they are, without a BOS (as set in this project).',
    );
  } finally {
    await faces.api.model.setBos({ model: 'sample', rule: 'tokenizer' });
  }
  expect(await firstToken('sample')).toBe(BOS);
  await expect(errata(faces.project, ['model', 'bos', 'sample', 'sometimes'])).rejects.toThrow(
    /expected tokenizer, always, never/u,
  );
});

it('captured contexts are opened by the same rule, and a store says how', async () => {
  const capture = async (rule: 'always' | 'never') => {
    await faces.api.model.setBos({ model: 'sample', rule });
    const name = `by-${rule}`;
    const words = ['--corpus', join(faces.project, 'corpora/corpus.jsonl'), '--site', 'blocks.0.hook_resid_post'];
    await errata(faces.project, [
      'capture',
      'sample',
      ...words,
      '--name',
      name,
      '--context-length',
      '16',
      '--max-contexts',
      '4',
    ]);
    const path = join(faces.project, 'activations', name, 'manifest.json');
    return (JSON.parse(await readFile(path, 'utf8')) as { opening: number[] }).opening;
  };
  try {
    expect(await capture('always')).toEqual([BOS]);
    expect(await capture('never')).toEqual([]);
  } finally {
    await faces.api.model.setBos({ model: 'sample', rule: 'tokenizer' });
  }
});

it('token ids stand in place of a text, with an edit as without one', async () => {
  const { promptTokens } = await faces.api.model.nextTokens({
    model: 'sample',
    prompt: 'The colour of snow',
    count: 1,
  });
  const ids = promptTokens.map(({ id }) => id).join(',');
  const edited = ['-d', 'run', '--op', 'steer:1:8'];
  type Compared = { compared: { columns: { column: string; text: string }[] }[] };
  const columnsOf = async (words: readonly string[]) => {
    const { result } = await errata(faces.project, ['generate', 'sample', ...words, ...edited, '-n', '6']);
    return (result as unknown as Compared).compared[0]?.columns.map(({ column, text }) => [column, text]);
  };
  const byIds = await columnsOf(['--ids', ids]);
  expect(byIds?.map(([column]) => column)).toEqual(['original', 'patched']);
  expect(byIds).toEqual(await columnsOf(['--prompt', 'The colour of snow']));
  const predicted = await errata(faces.project, ['predict', 'sample', '--ids', ids, ...edited]);
  const same = await errata(faces.project, ['predict', 'sample', '--prompt', 'The colour of snow', ...edited]);
  expect(predicted.printed).toEqual(same.printed);
  await expect(errata(faces.project, ['generate', 'sample', '--ids', ids, '--chat'])).rejects.toThrow(
    /chat template takes a text, not token ids/u,
  );
  await expect(
    errata(faces.project, ['generate', 'sample', '--ids', ids, '--instruction', 'Be brief.']),
  ).rejects.toThrow(/instruction goes before a text, not before token ids/u);
});
