import fc from 'fast-check';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { LabelFileFormat } from '../../contract/domain/label.ts';
import { readLabelFile, writeLabelFile } from '../../core/labels/labelsFile.ts';
import type { ImportRule } from '../../contract/domain/label.ts';
import { recordsArbitrary } from '../../testing/features/randomLabels.ts';
import type { LabelRecord } from '../../contract/domain/label.ts';
import { saysNothing } from '../../core/labels/labels.ts';
import type { Project } from '../project/project.ts';
import { DICTIONARY, temporaryProject } from '../../testing/storage/temporaryProject.ts';

let project: Project;
let folder: string;
let remove: () => void;
beforeEach(async () => ({ project, folder, remove } = await temporaryProject()));
afterEach(() => remove());

const ADA = { author: 'Ada' };
const f = (feature: number) => ({ dictionary: DICTIONARY, feature });

async function stage(content: string, format: LabelFileFormat = 'csv', into = project) {
  const path = join(folder, `labels.${format}`);
  writeFileSync(path, content);
  return await into.importLabels(readLabelFile(path, format, { dictionary: DICTIONARY }));
}

describe('an import of labels', () => {
  it('shows first what it would change, then changes exactly that, as one step', async () => {
    project.labels.set(f(1), { text: 'mine' }, ADA);
    project.labels.set(f(2), { text: 'same', confidence: 3 }, ADA);
    project.labels.set(f(3), { text: 'lacks notes' }, ADA);
    const before = [...project.labels.records()];
    const staged = await stage(
      'feature,text,notes\n1,theirs,\n2,same,\n3,lacks notes,here they are\n4,new,\n4,new again,\n',
    );
    const preview = staged.preview('replace');
    expect(preview).toMatchObject({ rows: 5, added: 1, filled: 1, same: 1, conflicts: 1, changed: 1, repeated: 1 });
    expect(
      preview.examples.map(({ line, outcome, feature, fields, before: old, after }) => [
        line,
        outcome,
        feature,
        fields,
        old,
        after,
      ]),
    ).toEqual([
      [2, 'conflict', 1, ['text'], 'mine', 'theirs'],
      [4, 'filled', 3, [], 'lacks notes', 'lacks notes'],
      [5, 'added', 4, [], '', 'new'],
      [6, 'repeated', 4, [], '', 'new again'],
    ]);
    expect([...project.labels.records()]).toEqual(before);
    expect(staged.apply('replace', { ...ADA, reason: 'Ben’s file' })).toEqual(preview);
    expect(project.labels.list().map(({ text, notes }) => [text, notes])).toEqual([
      ['theirs', ''],
      ['same', ''],
      ['lacks notes', 'here they are'],
      ['new', ''],
    ]);
    staged.close();
    expect(project.undo('Ada')).toMatchObject({ changed: 3, step: { title: 'Import labels', reason: 'Ben’s file' } });
    expect([...project.labels.records()]).toEqual(before);
  });

  it.each<[ImportRule, string, string]>([
    ['keep', 'mine', ''],
    ['fill', 'mine', 'notes'],
    ['replace', 'theirs', 'notes'],
    ['newer', 'theirs', 'notes'],
  ])('decides a conflict by the rule %s', async (rule, text, notes) => {
    project.labels.set(f(1), { text: 'mine' }, ADA);
    const staged = await stage('feature,text,notes,time,author\n1,theirs,notes,2027-01-01T00:00:00.000Z,Ben\n');
    staged.apply(rule, ADA);
    expect(project.labels.get(f(1))).toMatchObject({ text, notes, author: text === 'theirs' ? 'Ben' : 'Ada' });
    staged.close();
  });

  it('is refused whole under the rule refuse', async () => {
    project.labels.set(f(1), { text: 'mine' }, ADA);
    const staged = await stage('feature,text\n0,new\n1,theirs\n');
    expect(() => staged.apply('refuse', ADA)).toThrow(expect.objectContaining({ code: 'conflict' }));
    expect(project.labels.list()).toHaveLength(1);
    staged.close();
  });

  it('with one bad row changes nothing and leaves nothing behind', async () => {
    await expect(stage('feature,text\n0,good\n1,"bad\u0000"\n')).rejects.toThrow(
      /line 3: text: the text holds a control character/u,
    );
    await expect(stage('feature,state\n1,labelled\n').then((staged) => staged.preview('keep'))).rejects.toThrow(
      /a labelled feature has a text/u,
    );
    expect(project.labels.list()).toEqual([]);
    expect(project.steps()).toEqual([]);
  });

  it('with a feature that its dictionary does not have is refused with the line, and leaves nothing behind', async () => {
    project.catalog.put({
      kind: 'dictionary',
      id: DICTIONARY,
      name: 'first',
      folder: 'dictionaries/first',
      manifest: { size: 1024 },
      created: '2026-01-01T00:00:00.000Z',
    });
    await expect(stage('feature,text\n1023,last\n1024,beyond\n')).rejects.toMatchObject({
      code: 'invalid-file',
      message: expect.stringMatching(/Line 3: .* 0 to 1023, but not 1024/u) as string,
    });
    expect(project.labels.list()).toEqual([]);
  });

  it('keeps markup as text', async () => {
    const staged = await stage('feature,text\n1,"<img src=x onerror=""alert(1)"">"\n');
    staged.apply('keep', ADA);
    expect(project.labels.get(f(1))?.text).toBe('<img src=x onerror="alert(1)">');
    staged.close();
  });

  it.each(['csv', 'jsonl', 'neuronpedia'] as const)(
    'of what another project exported as %s loses nothing',
    async (format) => {
      const other = await temporaryProject();
      const path = join(folder, 'out');
      const sorted = (records: Iterable<LabelRecord>) =>
        [...records]
          .map((record) => ({
            ...record,
            comments: record.comments.toSorted((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1)),
          }))
          .sort((a, b) => a.feature - b.feature);
      await fc.assert(
        fc.asyncProperty(recordsArbitrary(DICTIONARY), async (records) => {
          const said = records.filter((record) => !saysNothing(record));
          fc.pre(said.length > 0);
          await writeLabelFile(path, format, said, { neuronpedia: { modelId: 'm', layer: 'l' } });
          const first = await project.importLabels(readLabelFile(path, format));
          first.apply('replace', ADA);
          first.close();
          expect(sorted(project.labels.records())).toEqual(sorted(said));
          await writeLabelFile(path, format, project.labels.records(), { neuronpedia: { modelId: 'm', layer: 'l' } });
          const second = await other.project.importLabels(readLabelFile(path, format));
          second.apply('replace', { author: 'Ben' });
          second.close();
          expect(sorted(other.project.labels.records())).toEqual(sorted(said));
          project.undo('Ada');
          other.project.undo('Ben');
          expect([...project.labels.records()]).toEqual([]);
        }),
        { numRuns: 12 },
      );
      other.remove();
    },
  );

  it('of many rows is one step, in bounded memory', async () => {
    const rows = 10_000;
    const lines = Array.from({ length: rows }, (_, i) => `${i},label ${i % 977} of feature ${i}\n`);
    const staged = await stage(`feature,text\n${lines.join('')}`);
    expect(staged.preview('keep')).toMatchObject({ rows, added: rows, conflicts: 0 });
    const before = process.memoryUsage().rss;
    expect(staged.apply('keep', ADA).added).toBe(rows);
    expect(process.memoryUsage().rss - before).toBeLessThan(100 * 2 ** 20); // pages of a thousand rows, whatever their number
    staged.close();
    expect(project.labels.counts().labelled).toBe(rows);
    expect(project.steps()).toHaveLength(1);
    expect(project.search('976').length).toBeGreaterThan(9);
    expect(project.undo('Ada').changed).toBe(rows);
  });
});
