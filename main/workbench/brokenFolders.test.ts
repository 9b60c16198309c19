// A project in which something of every kind is broken: the rest works, and what is broken is named with the reason.
import { cp, mkdir, symlink, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { beforeEach, describe, expect, it } from 'vitest';
import { createProject } from '../storage/project/create.ts';
import { openProject } from '../storage/project/open.ts';
import { temporaryFolder } from '../testing/models/temporaryFolder.ts';
import { listStores } from './activations.ts';
import { listBroken } from './brokenFolders.ts';
import { listCorpora } from './corpora.ts';
import { brokenLine } from './projectFolder.ts';
import { catalogueDictionaries, listDictionaries } from './dictionaries.ts';
import { listFindings } from './findings.ts';
import { addModel, catalogueModels, findModel, listModels, relocateModel } from './models.ts';

const sample = fileURLToPath(new URL('../../resources/sample/', import.meta.url));
const facts = {
  hash: 'a'.repeat(64),
  modelType: 'gpt2',
  layers: 1,
  hiddenSize: 8,
  vocabularySize: 10,
  contextLength: 8,
  hasTokenizer: true,
};

let folder: string;
beforeEach(async () => {
  folder = join(await temporaryFolder(), 'project');
  (await createProject(folder)).close();
  await addModel(folder, { folder: '/models/whole', name: 'whole', facts });
  await mkdir(join(folder, 'dictionaries'), { recursive: true });
  await cp(join(sample, 'dictionaries'), join(folder, 'dictionaries'), { recursive: true });
});

async function put(path: string, content: string): Promise<void> {
  await mkdir(join(folder, path, '..'), { recursive: true });
  await writeFile(join(folder, path), content);
}

describe('a model whose folder was moved', () => {
  it('is found where it lies now if it has the same hash, and stays where it was if not', async () => {
    const other = { ...facts, hash: 'b'.repeat(64) };
    await expect(relocateModel(folder, { folder: '/models/other', name: 'whole', facts: other })).rejects.toMatchObject(
      {
        code: 'mismatch',
        details: { expected: facts.hash, actual: other.hash },
      },
    );
    expect((await findModel(folder, 'whole')).folder).toBe(resolve('/models/whole'));
    await relocateModel(folder, { folder: '/somewhere/else', name: 'whole', facts });
    expect(await findModel(folder, 'whole')).toMatchObject({ ...facts, folder: resolve('/somewhere/else') });
    await expect(addModel(folder, { folder: '/third', name: 'third', facts })).rejects.toThrow(
      'errata model move whole /third',
    );
  });
});

describe('a broken folder', () => {
  it('of any kind is listed with the reason and takes none of the others away', async () => {
    const project = await openProject(folder, { host: 'test' });
    try {
      const whole = (await listDictionaries({ project })).map(({ name }) => name);
      expect(whole.length).toBeGreaterThan(0);
      expect(await listBroken({ project })).toEqual([]);
      await put('dictionaries/foreign/cfg.json', '{"architecture": "topk"}');
      await put('dictionaries/cut/run.json', '{"version": 1,');
      await put('models/cut/model.json', '');
      await put('models/foreign/config.json', '{}');
      await put('activations/cut/manifest.json', '[]');
      await put('findings/cut/finding.json', 'null');
      await put('exports/cut/manifest.json', '{}');
      await mkdir(join(folder, 'models/empty'));

      await catalogueModels(project);
      await catalogueDictionaries(project);
      expect((await listDictionaries({ project })).map(({ name }) => name)).toEqual(whole);
      expect((await listModels(folder)).map(({ name }) => name)).toEqual(['whole']);
      expect(project.catalog.find('model', 'whole')?.id).toBe(facts.hash);
      expect(project.catalog.list('dictionary').length).toBeGreaterThan(0);
      expect(await listStores({ project })).toEqual([]);
      expect(await listFindings({ project })).toEqual([]);

      const broken = await listBroken({ project });
      expect(broken.map(({ kind, name }) => `${kind}/${name}`).sort()).toEqual([
        'activations/cut',
        'dictionaries/cut',
        'dictionaries/foreign',
        'exports/cut',
        'findings/cut',
        'models/cut',
        'models/foreign',
      ]);
      const reasonOf = (kind: string, name: string) =>
        broken.find((each) => each.kind === kind && each.name === name)?.reason;
      expect(reasonOf('dictionaries', 'foreign')).toMatch(
        /it has no run\.json or import\.json, so it is not a dictionary/u,
      );
      expect(reasonOf('dictionaries', 'cut')).toMatch(/run\.json: not JSON at line 1, column 15/u);
      expect(reasonOf('models', 'cut')).toMatch(/model\.json: not JSON/u);
      for (const each of broken) expect(brokenLine(each)).toContain(each.reason);
      await expect(findModel(folder, 'foreign')).rejects.toThrow(/it has no model\.json/u);
    } finally {
      project.close();
    }
  });

  it('is also what a link to a disk that is not there leads to, a corpus included', async () => {
    const project = await openProject(folder, { host: 'test' });
    try {
      await put('corpora/text.jsonl', '{"text": "a"}\n');
      await symlink('/nowhere/store', join(folder, 'dictionaries/away'));
      await symlink('/nowhere/text.jsonl', join(folder, 'corpora/away.jsonl'));
      expect((await listCorpora({ project })).map(({ name }) => name)).toEqual(['text.jsonl']);
      const broken = await listBroken({ project });
      expect(broken.map(({ kind, name }) => `${kind}/${name}`).sort()).toEqual([
        'corpora/away.jsonl',
        'dictionaries/away',
      ]);
      for (const { reason } of broken) expect(reason).toContain('/nowhere/');
    } finally {
      project.close();
    }
  });
});
