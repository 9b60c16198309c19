// A job that one face of the program began is finished by the other: each kind is begun on the command line, stopped by
// Ctrl-C and resumed over the API of the window, and the reverse. Real engine, real files, the sample's model.
import { existsSync } from 'node:fs';
import { mkdir, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { BEGUN_JOBS } from '../testing/hosts/begunJobs.ts';
import { errata } from '../testing/hosts/commandLine.ts';
import { startFaces, type FacesProject } from '../testing/hosts/facesProject.ts';
import { JOB_KINDS } from '../workbench/jobKinds.ts';

vi.setConfig({ testTimeout: 240_000, hookTimeout: 240_000 });

let started: FacesProject;
let project: string;

beforeAll(async () => {
  started = await startFaces();
  ({ project } = started);
});
afterAll(() => started.stop());

it('every kind of job has a row in the table of jobs that are begun', () => {
  expect(Object.keys(BEGUN_JOBS)).toEqual([...JOB_KINDS.keys()]);
});

describe.each(Object.entries(BEGUN_JOBS))('a job of the kind %s', (kind, { words, task, call }) => {
  it('that a command began and Ctrl-C stopped is finished by the window', async () => {
    const { api, until } = started;
    await expect(errata(project, words(`${kind}-cli`, project), { stopAt: task })).rejects.toMatchObject({
      code: 'cancelled',
    });
    const [job] = await api.job.list();
    expect(job).toMatchObject({ kind, state: 'cancelled', canResume: true });
    const { id, title } = job!;
    expect(title).not.toMatch(/another version/u);
    await api.job.resume({ id });
    expect(await until(id, 'succeeded', 'failed')).toMatchObject({ state: 'succeeded', error: null, title });
    expect(await api.job.output({ id })).not.toBeNull();
    expect((await api.job.list()).filter((other) => other.id === id)).toHaveLength(1);
  });

  it('that the window began and cancelled is finished by a command', async () => {
    const { api, until } = started;
    const { id, title } = await call(api, `${kind}-window`);
    await api.job.cancel({ id });
    await until(id, 'cancelled');
    const { result, printed } = await errata(project, ['job', 'resume', id.slice(0, 12)]);
    expect(printed.at(-1)).toBe(`${title}: finished.`);
    expect(result).toMatchObject({ job: { id, kind, title, state: 'succeeded', error: null } });
    expect(await api.job.get({ id })).toMatchObject({ state: 'succeeded', canResume: false });
    const { result: shown } = await errata(project, ['job', 'show', id]);
    const lines = (shown['log'] as readonly { readonly text: string }[]).map(({ text }) => text);
    expect([lines.at(0), lines.at(-1)]).toEqual(
      ['Started.', 'Finished.'].map((line) => expect.stringMatching(line) as string),
    );
    expect(lines).toContain('Stopped: cancelled.');
  });
});

describe('a stored job that came with a project from elsewhere', () => {
  const stored = (description: object) => {
    const { jobs } = started.host.context.session().workbench.project;
    const { id } = jobs.add('export', description);
    jobs.move(id, 'running');
    jobs.move(id, 'interrupted');
    return id;
  };
  const operations = async () => (await started.api.edit.show({ ref: 'chain' })).operations;

  it('writes nothing outside the project: an export to a path is refused by both faces, with the reason', async () => {
    const { api, folder } = started;
    const outside = join(folder, 'outside');
    await mkdir(outside);
    for (const target of [join(outside, 'planted'), '../outside/planted', '..', '.trash', 'a\\b']) {
      const id = stored({ edit: { operations: await operations() }, target, form: 'embedded', provenance: {} });
      expect(await api.job.get({ id }), target).toMatchObject({ state: 'interrupted', canResume: false });
      const refused = { code: 'invalid-file', message: expect.stringContaining('a name, not a path') as string };
      await expect(api.job.resume({ id }), target).rejects.toMatchObject(refused);
      await expect(errata(project, ['job', 'resume', id]), target).rejects.toMatchObject(refused);
      expect(await api.job.get({ id }), target).toMatchObject({ state: 'interrupted' });
    }
    expect(await readdir(outside)).toEqual([]);
  });

  it('is listed with all others where its kind or its request is not known, and cannot be resumed', async () => {
    const { api } = started;
    const { jobs } = started.host.context.session().workbench.project;
    const ids = [
      stored({ edit: 'a'.repeat(64), folder: '/tmp/x', form: 'embedded' }), // as earlier versions stored it
      ...['__proto__', 'constructor', 'fold'].map((kind) => jobs.add(kind, { name: 'x' }).id),
    ];
    const listed = await api.job.list();
    for (const id of ids) {
      expect(listed.find((job) => job.id === id)).toMatchObject({
        title: expect.stringMatching(/^A job of another version/u) as string,
        canResume: false,
      });
      await expect(api.job.resume({ id })).rejects.toMatchObject({
        code: expect.stringMatching(/^(invalid-file|unsupported)$/u) as string,
      });
      await expect(errata(project, ['job', 'resume', id])).rejects.toMatchObject({
        code: expect.stringMatching(/^(invalid-file|unsupported)$/u) as string,
      });
    }
  });
});

it('an export to a folder elsewhere is written by the command, and is no job that a project could carry along', async () => {
  const { api, folder } = started;
  const before = (await api.job.list()).length;
  const target = join(folder, 'elsewhere/patched');
  await errata(project, ['export', target, '--version', 'chain', '--form', 'embedded', '--activations', 'store']);
  expect(existsSync(join(target, 'manifest.json'))).toBe(true);
  expect((await api.job.list()).length).toBe(before);
});
