// Opens a project's workbench, and puts right what a process that died may have left.
import { recoverJobs } from '../jobs/runJob.ts';
import { openProject } from '../storage/project.ts';
import { catalogueDictionaries } from './dictionaries.ts';
import { catalogueModels } from './models.ts';
import type { Compute, Workbench } from './workbench.ts';

export interface OpenedWorkbench extends Workbench {
  close(): void;
}

/**
 * Opens a project. What lies in its folders but is not listed (a process died between the two) is listed, and jobs that a
 * dead process left running are marked as interrupted.
 * @param host what opens it, for the message that another process gets.
 */
export async function openWorkbench(
  folder: string,
  { host, compute }: { readonly host: string; readonly compute: Compute },
): Promise<OpenedWorkbench> {
  const project = await openProject(folder, { host });
  try {
    if (project.otherHolders().length === 0) recoverJobs(project.jobs);
    await catalogueModels(project);
    await catalogueDictionaries(project);
    return { project, compute, close: () => project.close() };
  } catch (thrown) {
    project.close();
    throw thrown;
  }
}

/** Opens the project for as long as `use` takes. */
export async function withWorkbench<T>(
  folder: string,
  options: { readonly host: string; readonly compute: Compute },
  use: (workbench: Workbench) => Promise<T>,
): Promise<T> {
  const workbench = await openWorkbench(folder, options);
  try {
    return await use(workbench);
  } finally {
    workbench.close();
  }
}
