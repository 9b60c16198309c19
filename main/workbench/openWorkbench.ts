// Opens a project's workbench, and puts right what a process that died may have left.
import { openProject } from '../storage/project/open.ts';
import type { InStorageThread } from '../storage/storageWork.ts';
import { catalogueDictionaries } from './dictionaries.ts';
import { LiveCurves } from './liveCurves.ts';
import { catalogueModels } from './models.ts';
import { measuredSpeed, type Speed } from './speed.ts';
import type { Workbench } from './workbench.ts';

export interface OpenedWorkbench extends Workbench {
  close(): void;
}

export interface OpenWorkbenchOptions extends Pick<Workbench, 'compute' | 'computeAfresh'> {
  /** Measured with `compute` when left out. */
  readonly speed?: Speed;
  /** What opens it, for the message that another process gets. */
  readonly host: string;
  /** Where what waits for the disk is done; then the project's `end` closes it. */
  readonly thread?: InStorageThread;
}

/**
 * Opens a project. What lies in its folders but is not listed (a process died between the two) is listed, and jobs that a
 * dead process left running are marked as interrupted.
 */
export async function openWorkbench(
  folder: string,
  { host, thread, speed, ...computing }: OpenWorkbenchOptions,
): Promise<OpenedWorkbench> {
  const project = await openProject(folder, { host, thread });
  try {
    project.jobs.interruptOrphans();
    await catalogueModels(project);
    await catalogueDictionaries(project);
    return {
      project,
      ...computing,
      speed: speed ?? measuredSpeed(computing.compute),
      curves: new LiveCurves(),
      close: () => project.close(),
    };
  } catch (thrown) {
    project.close();
    throw thrown;
  }
}

/** Opens the project for as long as `use` takes. */
export async function withWorkbench<T>(
  folder: string,
  options: OpenWorkbenchOptions,
  use: (workbench: Workbench) => Promise<T>,
): Promise<T> {
  const workbench = await openWorkbench(folder, options);
  try {
    return await use(workbench);
  } finally {
    workbench.close();
  }
}
