// The project that every round of the campaign gets a copy of: the one of the tests of both faces, with an export to verify;
// and what each kind of job makes of it when nobody disturbs it.
import { cp, mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { BEGUN_JOBS, EXPORTED } from '../../main/testing/hosts/begunJobs.ts';
import { startFaces } from '../../main/testing/hosts/facesProject.ts';
import { hashOf, productsOf, type Products } from './products.ts';
import { command, startTarget, wordsOf } from './target.ts';

export interface Undisturbed {
  readonly products: Products;
  /** Of the job's output; null where it is not known. */
  readonly output: string | null;
  readonly milliseconds: number;
}

/** The window and a command ask for the same with settings of their own. */
export type Face = 'window' | 'command';

export interface Template {
  readonly folder: string;
  /** @returns a copy of its own for one round. */
  copy(name: string): Promise<string>;
  /** What the kind of job makes, begun on that face, in a project of its own; done once. */
  undisturbed(kind: string, face: Face): Promise<Undisturbed>;
}

/** @param work a folder of the campaign's own. */
export async function makeTemplate(work: string): Promise<Template> {
  const folder = join(work, 'template');
  const faces = await startFaces();
  try {
    const made = await BEGUN_JOBS['export']?.call(faces.api, EXPORTED);
    await faces.until(made?.id ?? '', 'succeeded');
    await faces.api.project.close({});
    await mkdir(work, { recursive: true });
    await cp(faces.project, folder, { recursive: true });
  } finally {
    await faces.stop();
  }
  const known = new Map<string, Promise<Undisturbed>>();
  const copy = async (name: string) => {
    const path = join(work, name, 'project');
    await cp(folder, path, { recursive: true });
    return path;
  };
  return {
    folder,
    copy,
    undisturbed: (kind, face) => {
      const name = `undisturbed-${kind}-${face}`;
      const done = known.get(name) ?? copy(name).then((path) => UNDISTURBED[face](kind, path, folder));
      known.set(name, done);
      return done;
    },
  };
}

const UNDISTURBED: Readonly<Record<Face, (kind: string, folder: string, template: string) => Promise<Undisturbed>>> = {
  window: inWindow,
  command: async (kind, folder, template) => {
    const startedAt = performance.now();
    const { code, said } = await command(wordsOf(kind, folder));
    if (code !== 0) throw new Error(`Undisturbed, the command for ${kind} failed: ${said.slice(-500)}`);
    const milliseconds = performance.now() - startedAt;
    return { products: await productsOf(folder, template), output: null, milliseconds };
  },
};

async function inWindow(kind: string, folder: string, template: string): Promise<Undisturbed> {
  const target = await startTarget(folder);
  try {
    const startedAt = performance.now();
    const job = await target.begin(kind);
    const { state, error } = await target.ended(job.id);
    const milliseconds = performance.now() - startedAt;
    if (state !== 'succeeded')
      throw new Error(`Undisturbed, the job ${kind} ended as ${state}: ${error?.message ?? ''}`);
    const output = hashOf(await target.api.job.output({ id: job.id }), folder);
    await target.stop();
    return { products: await productsOf(folder, template), output, milliseconds };
  } finally {
    await target.stop();
  }
}
