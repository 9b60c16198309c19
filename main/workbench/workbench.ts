// What every host starts: an open project, and a way to compute. The operations of the product are functions on it, one
// file per noun beside this one; a host only asks for them and shows what they tell.
import type { Project } from '../storage/project/project.ts';
import type { Compute } from './compute.ts';
import type { LiveCurves } from './liveCurves.ts';
import type { Speed } from './speed.ts';

export interface Workbench {
  readonly project: Project;
  readonly compute: Compute;
  /** In an engine process of its own, which ends with the task; as `compute` where a host has none to spare. */
  readonly computeAfresh?: Compute;
  /** Of the device that `compute` computes on. */
  readonly speed: Speed;
  /** Of the runs that this process trains. */
  readonly curves: LiveCurves;
}
