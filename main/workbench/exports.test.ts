// The exports of a project as they are listed, deleted and brought back: with real artifacts, and with folders that are none.
import { cp, mkdir, readdir, readFile, symlink, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeEach, describe, expect, it } from 'vitest';
import { exportModel } from '../core/export/exportModel.ts';
import { exportBench } from '../testing/export/exportBench.ts';
import { runtime } from '../testing/models/runVariant.ts';
import { openTinyModel, temporaryFolder } from '../testing/models/temporaryFolder.ts';
import type { Project } from '../storage/project/project.ts';
import { listExports, removeExport, restoreExport, showExport, trashedExports } from './exports.ts';

const bench = await exportBench(await openTinyModel('gpt2'));
const made = join(await temporaryFolder(), 'made');
await exportModel({
  ...bench,
  runtime,
  form: 'embedded',
  folder: made,
  provenance: { version: 'v', message: 'Quiet' },
});

let folder: string;
/** What these functions know of a project. */
let workbench: { project: Project };

beforeEach(async () => {
  folder = await temporaryFolder();
  await mkdir(join(folder, 'exports'));
  await cp(made, join(folder, 'exports/quiet'), { recursive: true });
  workbench = { project: { folder } as Project };
});

describe('the exports of a project', () => {
  it('are listed with their reports, and shown with the code that loads them', async () => {
    const [only] = await listExports(workbench);
    expect(only).toMatchObject({ name: 'quiet', problem: null });
    expect(only?.artifact?.manifest.form).toBe('embedded');
    expect(only?.artifact?.report.equivalence.logits.maxAbsLogitDiff).toBe(0);
    const { code, report } = await showExport(workbench, 'quiet');
    expect(code.map(({ title }) => title)).toEqual(['Python, onnxruntime', 'Node, onnxruntime-node']);
    expect(report.deviation).toBeNull();
    const readme = await readFile(join(made, 'README.md'), 'utf8');
    for (const one of code) expect(readme).toContain(one.code);
  });

  it('that are broken are listed with what is wrong, and hide none of the others', async () => {
    const broken: readonly (readonly [string, string, string])[] = [
      ['a-cut', 'manifest.json', '{"format": "errata.artifact.1"'],
      ['b-other', 'manifest.json', '{"format": "another"}'],
      ['c-report', 'equivalence.json', '{"format": "errata.equivalence.1", "equivalence": 3}'],
    ];
    for (const [name, file, content] of broken) {
      await cp(made, join(folder, 'exports', name), { recursive: true });
      await writeFile(join(folder, 'exports', name, file), content);
    }
    await cp(made, join(folder, 'exports/d-huge'), { recursive: true });
    await truncate(join(folder, 'exports/d-huge/equivalence.json'), 65 << 20);
    const altered = join(folder, 'exports/e-altered');
    await cp(made, altered, { recursive: true });
    const manifest = await readFile(join(altered, 'manifest.json'), 'utf8');
    await writeFile(join(altered, 'manifest.json'), manifest.replace('"message": "Quiet"', '"message": "Loud"'));
    const listed = await listExports(workbench);
    expect(listed.map(({ name, artifact }) => [name, artifact !== null])).toEqual([
      ['a-cut', false],
      ['b-other', false],
      ['c-report', false],
      ['d-huge', false],
      ['e-altered', false],
      ['quiet', true],
    ]);
    for (const { problem, name } of listed.slice(0, 5)) expect(problem).toContain(join(folder, 'exports', name));
    expect(listed[4]?.problem).toContain('changed after the export');
  });

  it('go to the trash and come back, under another name where the old one is taken again', async () => {
    const first = await removeExport(workbench, 'quiet');
    expect(await listExports(workbench)).toEqual([]);
    expect(await trashedExports(workbench)).toEqual([first]);
    await cp(made, join(folder, 'exports/quiet'), { recursive: true });
    await expect(restoreExport(workbench, first.id)).rejects.toMatchObject({ code: 'exists' });
    expect(await restoreExport(workbench, first.id, 'quiet-2')).toEqual({ name: 'quiet-2' });
    expect((await listExports(workbench)).map(({ name }) => name)).toEqual(['quiet', 'quiet-2']);
    expect(await trashedExports(workbench)).toEqual([]);
    await expect(restoreExport(workbench, first.id)).rejects.toMatchObject({ code: 'not-found' });
  });

  it('are not moved by names that lead elsewhere', async () => {
    for (const id of ['../quiet', '../../etc~20261125T221530123Z', 'quiet', '', '.trash']) {
      await expect(restoreExport(workbench, id)).rejects.toMatchObject({ code: 'not-found' });
    }
    for (const name of ['../quiet', '.trash', '', 'a/b']) {
      await expect(removeExport(workbench, name)).rejects.toMatchObject({ code: 'usage' });
    }
    const { id } = await removeExport(workbench, 'quiet');
    await expect(restoreExport(workbench, id, '../../out')).rejects.toMatchObject({ code: 'usage' });
    // A link that somebody put there is moved itself, never what it points to.
    await symlink(made, join(folder, 'exports/linked'));
    await removeExport(workbench, 'linked');
    expect(await readdir(made)).toContain('manifest.json');
  });
});
