// What must not be lost, is not: other processes, sudden death, read-only and full disks, damaged files.
import fc from 'fast-check';
import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  statfsSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { AppError } from '../../contract/base/errors.ts';
import { readLabelFile } from '../../core/labels/labelsFile.ts';
import { Database } from '../database.ts';
import { createProject } from './create.ts';
import { DATABASE_FILE } from './layout.ts';
import { openProject } from './open.ts';
import type { Project } from './project.ts';
import { restoreBackup } from '../recovery/restore.ts';
import { salvage } from '../recovery/salvage.ts';
import { startProcess } from '../../testing/storage/otherProcess.ts';
import { DICTIONARY, MODEL, steppingClock, temporaryFolder } from '../../testing/storage/temporaryProject.ts';
import { readVersionFile } from '../versions/versionFile.ts';

// Every write waits for the disk, and the disk may be busy with other things.
vi.setConfig({ testTimeout: 240_000 });

let root: string;
let folder: string;
let remove: () => void;
beforeEach(() => {
  ({ folder: root, remove } = temporaryFolder());
  folder = join(root, 'project');
});
afterEach(() => remove());

const ADA = { author: 'Ada' };
const f = (feature: number) => ({ dictionary: DICTIONARY, feature });
const path = () => join(folder, DATABASE_FILE);

describe('a process that is killed', () => {
  const WRITE_500 = `
    const project = await openProject(folder);
    const operation = (feature, value) => ({ kind: 'clamp', value, feature, dictionary: DICTIONARY, site: 'blocks.0.hook_resid_post', scope: { positions: 'all' }, gates: [] });
    if (project.versions.working() === null) project.versions.begin('main', MODEL, { author: 'Ada' });
    const run = project.steps(1)[0]?.id ?? 0;
    for (let i = 0; i < 500; i++) {
      if (i % 10 === 9) {
        project.versions.setOperation(operation(i, run), { author: 'Ada' });
        say('commit ' + project.versions.commit('version ' + i, { author: 'Ada' }).id);
      } else {
        project.labels.set(f(i % 50), { text: 'write ' + run + ' ' + i, notes: 'n'.repeat(i) }, { author: 'Ada' });
        say('label ' + (i % 50) + ' write ' + run + ' ' + i);
      }
    }
    say('finished');`;

  it('at any moment of 500 rapid writes has lost none that was acknowledged', async () => {
    (await createProject(folder)).close();
    let killedMidway = 0;
    for (let round = 0; round < 6; round++) {
      const other = startProcess(folder, WRITE_500);
      const moment = 1 + Math.floor(Math.random() * 480);
      other.onLine = () => {
        // Not at the acknowledgement itself, but somewhere in the work that follows it.
        if (other.lines.length === moment) setTimeout(() => other.child.kill('SIGKILL'), Math.random() * 6);
      };
      const { signal, stderr } = await other.ended;
      if (signal === 'SIGKILL') killedMidway++;
      else expect(stderr).toBe('');

      const project = await openProject(folder);
      expect(project.check().problems).toEqual([]);
      expect(project.otherHolders()).toEqual([]);
      const versions = new Set(project.versions.log().map(({ id }) => id));
      const texts = new Map(
        Array.from({ length: 50 }, (_, i) => [
          i,
          new Set(project.labels.history(f(i)).map(({ after }) => after?.text)),
        ]),
      );
      for (const line of other.lines) {
        const [kind, what = '', ...text] = line.split(' ');
        if (kind === 'commit') expect(versions.has(what)).toBe(true);
        if (kind === 'label') expect(texts.get(Number(what))?.has(text.join(' '))).toBe(true);
      }
      expect(other.lines.length).toBeGreaterThanOrEqual(moment);
      project.close();
    }
    expect(killedMidway).toBeGreaterThan(0);
  });

  it('while making a project leaves none, or a whole one', async () => {
    for (let round = 0; round < 5; round++) {
      const target = join(root, `new-${round}`);
      const other = startProcess(target, `say('begin'); (await createProject(folder)).close(); say('made');`);
      other.onLine = () => setTimeout(() => other.child.kill('SIGKILL'), Math.random() * 60);
      await other.ended;
      if (!existsSync(join(target, DATABASE_FILE))) continue;
      const project = await openProject(target);
      expect(project.check().problems).toEqual([]);
      project.close();
    }
  });
});

describe('two processes on one project', () => {
  it('both work, and none overwrites what the other has written', async () => {
    (await createProject(folder)).close();
    const body = (name: string) => `
      const project = await openProject(folder, { patience: 20000 });
      let refused = 0;
      for (let i = 0; i < 60; ) {
        const seen = project.labels.get(f(0));
        const count = Number(seen?.text ?? 0);
        try {
          project.labels.set(f(0), { text: String(count + 1) }, { author: '${name}', expectedRevision: seen?.revision ?? 0 });
          project.labels.set(f(1000 + i), { tags: ['${name}', ...(project.labels.get(f(1000 + i))?.tags ?? [])] }, { author: '${name}', expectedRevision: project.labels.get(f(1000 + i))?.revision ?? 0 });
          i++;
        } catch (thrown) {
          if (thrown.code !== 'conflict') throw thrown;
          refused++;
          if (project.labels.get(f(0))?.author === '${name}' && Number(project.labels.get(f(0)).text) === count + 1) i++;
        }
      }
      project.close();
      say('refused ' + refused);`;
    const others = [startProcess(folder, body('Ada')), startProcess(folder, body('Ben'))];
    for (const { code, stderr } of await Promise.all(others.map(({ ended }) => ended)))
      expect([code, stderr]).toEqual([0, '']);
    const project = await openProject(folder);
    const history = project.labels.history(f(0));
    // Read, add one, write: every write that was accepted counted on the one before it.
    expect(history.map(({ after }) => Number(after?.text))).toEqual(history.map((_, i) => history.length - i));
    expect(history.length).toBeGreaterThanOrEqual(120);
    expect(new Set(history.map(({ step }) => step.author))).toEqual(new Set(['Ada', 'Ben']));
    expect(project.check().problems).toEqual([]);
    project.close();
  });

  it('see each other, and who holds a lock is told by name', async () => {
    const desktop = await createProject(folder, { host: 'the desktop app' });
    const cli = await openProject(folder, { host: 'the command line', patience: 50 });
    expect(cli.otherHolders()).toEqual([expect.stringMatching(/^the desktop app \(process \d+, since .*\)$/u)]);
    const seen = cli.dataVersion();
    desktop.labels.set(f(1), { text: 'a' }, ADA);
    expect(cli.dataVersion()).not.toBe(seen);
    expect(cli.labels.get(f(1))?.text).toBe('a');
    const lock = new Database(path());
    lock.execute('BEGIN IMMEDIATE');
    const blocked = () => cli.labels.set(f(1), { text: 'b' }, ADA);
    expect(blocked).toThrow(expect.objectContaining({ code: 'locked' }));
    expect(blocked).toThrow(/it is being written by the desktop app \(process \d+/u);
    lock.execute('ROLLBACK');
    lock.close();
    expect(cli.labels.set(f(1), { text: 'b' }, ADA)?.text).toBe('b');
    desktop.close();
    expect(cli.otherHolders()).toEqual([]);
    cli.close();
  });

  it('cannot both make it', async () => {
    const body = `try { (await createProject(folder)).close(); say('made'); } catch (thrown) { say(thrown.code); }`;
    const others = [startProcess(folder, body), startProcess(folder, body), startProcess(folder, body)];
    for (const { ended } of others) expect((await ended).stderr).toBe('');
    expect(others.flatMap(({ lines }) => lines).toSorted()).toEqual(['exists', 'exists', 'made']);
    const project = await openProject(folder);
    expect(project.check().problems).toEqual([]);
    project.close();
  });
});

describe('a folder that is read-only', () => {
  it('is refused for writing in words, can be looked at, and makes no project', async () => {
    const project = await createProject(folder);
    project.labels.set(f(1), { text: 'kept' }, ADA);
    project.close();
    chmodSync(root, 0o755);
    chmodSync(path(), 0o444);
    chmodSync(folder, 0o555);
    const other = startProcess(
      folder,
      `await openProject(folder).then(() => say('opened'), (thrown) => say(told(thrown)));
       const project = await openProject(folder, { readOnly: true });
       say(project.labels.get(f(1)).text + ' ' + project.search('kep').length + ' ' + project.isReadOnly);
       try { project.labels.set(f(1), { text: 'x' }, { author: 'Ada' }); } catch (thrown) { say(told(thrown)); }
       project.close();
       await createProject(folder + '/inside').then(() => say('made'), (thrown) => say(told(thrown)));`,
      { unprivileged: true },
    );
    const { stderr } = await other.ended;
    chmodSync(folder, 0o755);
    expect(stderr).toBe('');
    const [refused = '', looked, write = '', made = ''] = other.lines;
    expect(JSON.parse(refused)).toMatchObject({
      code: 'permission',
      message: expect.stringMatching(/read-only\)\. Open it read-only, or copy it/u) as unknown,
    });
    expect(looked).toBe('kept 1 true');
    expect(JSON.parse(write)).toMatchObject({
      code: 'permission',
      message: expect.stringMatching(/the project is open read-only\.$/u) as unknown,
    });
    expect(JSON.parse(made)).toMatchObject({ code: 'permission' });
    expect(readdirSync(folder).filter((name) => name.startsWith('project.sqlite'))).toEqual(['project.sqlite']);
  });

  it('is looked at also while another process writes', async () => {
    const writer = await createProject(folder);
    writer.labels.set(f(1), { text: 'a' }, ADA);
    const reader = await openProject(folder, { readOnly: true });
    writer.labels.set(f(1), { text: 'b' }, ADA);
    expect(reader.labels.get(f(1))?.text).toBe('b');
    expect(() => reader.undo('Ada')).toThrow(expect.objectContaining({ code: 'permission' }));
    reader.close();
    writer.close();
  });
});

describe('a disk that is full', () => {
  const FILL = `
    const project = await openProject(folder, { backups: false });
    for (let i = 0; ; i++) {
      try { project.labels.set(f(i), { text: 'write ' + i, notes: 'n'.repeat(20000) }, { author: 'Ada' }); }
      catch (thrown) { say(told(thrown)); break; }
      say('label ' + i);
    }
    say('there ' + project.labels.list({}, 100000).length);`;

  /** Everything acknowledged is there, the error is clear, and work goes on where there is room again. */
  async function expectKept(lines: readonly string[], roomy: string): Promise<void> {
    const written = lines.filter((line) => line.startsWith('label ')).length;
    expect(written).toBeGreaterThan(2);
    const [full = '', there] = lines.slice(written);
    expect(JSON.parse(full)).toMatchObject({
      code: 'disk-full',
      message: expect.stringMatching(/the disk is full\. Nothing was changed/u) as unknown,
    });
    expect(there).toBe(`there ${written}`);
    const project = await openProject(roomy);
    expect(project.labels.list({}, 100_000)).toHaveLength(written);
    expect(project.check().problems).toEqual([]);
    project.labels.set(f(0), { text: 'and on' }, ADA);
    project.close();
  }

  it('(a limit on the size of files) refuses the write, keeps what was written and breaks nothing', async () => {
    (await createProject(folder)).close();
    const other = startProcess(folder, FILL, { fileLimitKib: 700 });
    const { stderr } = await other.ended;
    expect(stderr).toBe('');
    await expectKept(other.lines, folder);
  });

  it('(a file system without room) refuses the write, keeps what was written and breaks nothing', async (context) => {
    const small = join(root, 'small');
    mkdirSync(small);
    try {
      execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=1500k', 'tmpfs', small], { stdio: 'pipe' });
    } catch {
      context.skip('mounting a small file system is not allowed here');
    }
    try {
      const target = join(small, 'project');
      (await createProject(target)).close();
      const other = startProcess(target, FILL);
      expect((await other.ended).stderr).toBe('');
      execFileSync('mount', ['-o', 'remount,size=20m', small]);
      await expectKept(other.lines, target);
      // Now the room for a copy, or for another project, is taken away.
      const project = await openProject(target, { backups: false });
      const { bytes, path: copy } = project.backup();
      rmSync(copy);
      writeFileSync(join(small, 'filler'), Buffer.alloc((20 << 20) - diskUsage(small) - bytes / 2));
      expect(() => project.backup()).toThrow(expect.objectContaining({ code: 'disk-full' }));
      expect(readdirSync(join(target, 'backups')).filter((name) => !name.endsWith('.sqlite'))).toEqual([]); // no half copy
      project.close();
      writeFileSync(join(small, 'more filler'), Buffer.alloc(bytes / 2 - (100 << 10)));
      await expect(createProject(join(small, 'second'))).rejects.toThrow(
        expect.objectContaining({ code: 'disk-full' }),
      );
      expect(existsSync(join(small, 'second'))).toBe(false);
    } finally {
      execFileSync('umount', ['-l', small]);
    }
  });
});

/** Bytes in use of the file system that holds `folder`. */
function diskUsage(folder: string): number {
  const { blocks, bfree, bsize } = statfsSync(folder);
  return (blocks - bfree) * bsize;
}

describe('a damaged database', () => {
  /** A project with a backup of `early` labels and `late` more after it. */
  async function makeProject(): Promise<Project> {
    const project = await createProject(folder, { now: steppingClock() });
    project.behaviours.save({ name: 'refuses', cases: [{ prompt: 'How?', checks: [{ kind: 'refuses' }] }] }, ADA);
    project.versions.begin('main', MODEL, ADA);
    project.versions.setOperation(
      {
        kind: 'ablate',
        feature: 1,
        dictionary: DICTIONARY,
        site: 'blocks.0.hook_resid_post',
        scope: { positions: 'all' },
        gates: [],
      },
      ADA,
    );
    project.versions.commit('first', ADA);
    for (let feature = 0; feature < 200; feature++)
      project.labels.set(f(feature), { text: `label ${feature}`, notes: 'n'.repeat(300) }, ADA);
    project.backup();
    for (let feature = 200; feature < 260; feature++)
      project.labels.set(f(feature), { text: `label ${feature}`, notes: 'n'.repeat(300) }, ADA);
    return project;
  }

  it('is named, left as it is, and its last backup offered and restored', async () => {
    (await makeProject()).close();
    const bytes = readFileSync(path());
    bytes.fill(0x5a, 0, 2000);
    writeFileSync(path(), bytes);
    const error: unknown = await openProject(folder).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ code: 'invalid-file', details: { backups: 1, damaged: true } });
    expect(String(error)).toMatch(
      /project\.sqlite: the database is damaged.*The last backup is of .* \(project-.*-asked\.sqlite\)/u,
    );
    expect(readFileSync(path())).toEqual(bytes);
    const { setAside, backup } = restoreBackup(folder);
    expect(readFileSync(setAside ?? '')).toEqual(bytes);
    expect(backup.reason).toBe('asked');
    const project = await openProject(folder);
    expect(project.labels.counts().labelled).toBe(200);
    expect(project.check().problems).toEqual([]);
    project.close();
  });

  it('in a page that nothing needs on opening is noticed on opening, and offers the last backup; so does an empty file', async () => {
    (await makeProject()).close();
    const whole = readFileSync(path());
    const bytes = Buffer.from(whole);
    bytes.fill(0x5a, bytes.length - 3 * 4096, bytes.length - 4096);
    for (const damaged of [bytes, Buffer.alloc(0)]) {
      writeFileSync(path(), damaged);
      const error: unknown = await openProject(folder).catch((thrown: unknown) => thrown);
      expect(error).toMatchObject({ code: 'invalid-file', details: { backups: 1, damaged: true } });
      expect(String(error)).toMatch(/The last backup is of .* \(project-.*-asked\.sqlite\)/u);
    }
    writeFileSync(path(), whole);
    (await openProject(folder)).close();
  });

  it.skipIf(process.platform === 'win32')(
    'of a new project is for its owner only, and so are its backups',
    async () => {
      const project = await makeProject();
      const mode = (file: string) => statSync(join(folder, file)).mode & 0o777;
      const [backup] = readdirSync(join(folder, 'backups')).filter((file) => file.startsWith('project-'));
      expect([DATABASE_FILE, `${DATABASE_FILE}-wal`, join('backups', backup ?? '')].map(mode)).toEqual([
        0o600, 0o600, 0o600,
      ]);
      expect([mode('backups'), mode('models')]).toEqual([0o700, 0o700]);
      project.close();
    },
  );

  it('without a backup says so; a damaged backup is not restored', async () => {
    (await createProject(folder)).close();
    writeFileSync(path(), 'this is no database, and never was one');
    await expect(openProject(folder)).rejects.toThrow(/There is no backup/u);
    expect(() => restoreBackup(folder)).toThrow(expect.objectContaining({ code: 'not-found' }));
    mkdirSync(join(folder, 'backups'));
    writeFileSync(join(folder, 'backups', 'project-20260101T000000000Z-daily.sqlite'), readFileSync(path()));
    expect(() => restoreBackup(folder)).toThrow(expect.objectContaining({ code: 'invalid-file' }));
    expect(readFileSync(path(), 'utf8')).toMatch(/no database/u);
    await expect(salvage(folder, join(root, 'saved'))).rejects.toThrow(
      expect.objectContaining({ code: 'invalid-file' }),
    );
    expect(existsSync(join(root, 'saved'))).toBe(false);
  });

  it('gives up what is readable as files that can be imported elsewhere', async () => {
    (await makeProject()).close();
    // Pages in the middle overwritten: some table or index of everything is hit.
    const bytes = readFileSync(path());
    const pages = bytes.length / 4096;
    for (let page = Math.floor(pages * 0.4); page < pages * 0.6; page += 3)
      bytes.fill(0xff, page * 4096, (page + 1) * 4096);
    writeFileSync(path(), bytes);
    const project = await openProject(folder).catch(() => null);
    expect(project?.check().problems.length ?? 1).toBeGreaterThan(0);
    project?.close();

    const saved = join(root, 'saved');
    const report = await salvage(folder, saved);
    expect(report.lost.length).toBeGreaterThan(0);
    expect(report.labels).toBeGreaterThan(100);
    expect(readFileSync(join(saved, 'lost.txt'), 'utf8')).toContain('cannot be read');
    const fresh = await createProject(join(root, 'fresh'));
    const staged = await fresh.importLabels(readLabelFile(join(saved, 'labels.jsonl'), 'jsonl'));
    expect(staged.apply('refuse', { author: 'Ben' }).added).toBe(report.labels);
    staged.close();
    for (const label of fresh.labels.list({}, 1000)) expect(label.text).toBe(`label ${label.feature}`); // salvaged means true
    fresh.close();
  });

  it('that is whole gives up everything', async () => {
    const project = await makeProject();
    project.labels.addComment(f(999), 'said', ADA);
    project.close();
    const saved = join(root, 'saved');
    expect(await salvage(folder, saved)).toMatchObject({ labels: 261, versions: 1, behaviours: 1, lost: [] });
    const name = readdirSync(saved).find((file) => file.startsWith('version-'));
    expect((await readVersionFile(join(saved, name ?? ''))).versions).toHaveLength(1);
    await expect(salvage(folder, saved)).rejects.toThrow(expect.objectContaining({ code: 'exists' }));
  });

  it('with tables that no longer match its log is found out, and made anew from the log', async () => {
    const project = await makeProject();
    const before = project.labels.list({}, 1000);
    const meddler = new Database(path());
    meddler.execute(
      "UPDATE labels SET text = 'meddled with' WHERE feature_id = 3; DELETE FROM labels WHERE feature_id = 5; DELETE FROM branches",
    );
    meddler.close();
    const { problems } = project.check();
    expect(problems).toHaveLength(3);
    expect(problems[0]).toMatch(/The log and the tables disagree about: label/u);
    project.rebuild();
    expect(project.check().problems).toEqual([]);
    expect(project.labels.list({}, 1000)).toEqual(before);
    project.close();
  });

  it('in any place gives one clear error or works: never a crash, never another error', async () => {
    (await makeProject()).close();
    const whole = readFileSync(path());
    const clear = (thrown: unknown) => {
      if (!(thrown instanceof AppError)) throw thrown;
      expect(`${thrown.code}: ${thrown.message}`).toMatch(
        /^(invalid-file|unsupported|permission|disk-full|out-of-memory):/u,
      );
    };
    await fc.assert(
      fc.asyncProperty(
        fc.nat({ max: whole.length - 1 }),
        fc.integer({ min: 1, max: 6000 }),
        fc.nat({ max: 255 }),
        fc.boolean(),
        async (start, length, value, cut) => {
          const bytes = Buffer.from(whole);
          if (!cut) bytes.fill(value, start, Math.min(start + length, bytes.length));
          writeFileSync(path(), bytes);
          if (cut) truncateSync(path(), start);
          for (const end of ['-wal', '-shm']) rmSync(`${path()}${end}`, { force: true });
          const project = await openProject(folder, { backups: false }).catch(clear);
          if (!project) return;
          for (const use of [
            () => project.labels.list({}, 1000),
            () => project.search('label 7'),
            () => project.versions.log(),
            () => project.labels.set(f(3), { text: 'x' }, ADA),
            () => project.undo('Ada'),
            () => project.check(),
          ]) {
            try {
              use();
            } catch (thrown) {
              clear(thrown);
            }
          }
          try {
            project.close();
          } catch (thrown) {
            clear(thrown);
          }
        },
      ),
      { numRuns: 60 },
    );
  });
});

describe('a daily backup', () => {
  it('is made every day again after a clock that was ahead', async () => {
    const days = (count: number) => () => new Date(Date.parse('2026-01-01T00:00:00.000Z') + count * 86_400_000);
    (await createProject(folder, { now: days(0) })).close();
    for (const day of [1, 1000, 1002, 10, 20, 30]) {
      const project = await openProject(folder, { now: days(day) });
      project.labels.set(f(day), { text: `day ${day}` }, ADA);
      project.close();
    }
    (await openProject(folder, { now: days(40) })).close();
    const copies = readdirSync(join(folder, 'backups')).map((file) =>
      file.slice('project-'.length, 'project-'.length + 8),
    );
    for (const day of ['20260121', '20260131', '20260210']) expect(copies).toContain(day);
  });

  it('is taken on opening, when there is something new and the last is a day old; ten are kept', async () => {
    const day = (n: number) => () => new Date(Date.UTC(2026, 0, 1 + n));
    const first = await createProject(folder, { now: day(0) });
    expect(first.check().backups).toEqual([]);
    first.labels.set(f(0), { text: 'a' }, ADA);
    first.close();
    for (let n = 1; n <= 14; n++) {
      (await openProject(folder, { now: day(n) })).close();
      const project = await openProject(folder, { now: day(n) }); // a second opening on the same day takes none
      expect(project.notices).toEqual([]);
      if (n !== 5) project.labels.set(f(n), { text: `day ${n}` }, ADA);
      project.close();
    }
    const project = await openProject(folder, { now: day(15) });
    const { backups } = project.check();
    expect(backups).toHaveLength(10);
    expect(backups.every(({ reason }) => reason === 'daily')).toBe(true);
    expect(backups.map(({ time }) => Number(time.slice(8, 10)))).toEqual([16, 15, 14, 13, 12, 11, 10, 9, 8, 6]);
    project.close();
  });

  it('that fails does not keep the project from opening, but is told', async () => {
    const project = await createProject(folder);
    project.labels.set(f(0), { text: 'a' }, ADA);
    project.close();
    writeFileSync(join(folder, 'backups'), 'in the way');
    const opened = await openProject(folder);
    expect(opened.notices).toEqual([expect.stringMatching(/The daily backup could not be made/u)]);
    opened.close();
  });
});
