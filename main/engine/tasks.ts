// Everything the engine process can be asked to do, by name. Hosts import the type of this table only.
import type { TaskTable } from './task.ts';
import { probeDevice } from './tasks/device.ts';
import { checkAgainstReference, generateText, inspectModel } from './tasks/model.ts';

export const tasks = {
  'device.probe': probeDevice,
  'model.inspect': inspectModel,
  'model.check': checkAgainstReference,
  'model.generate': generateText,
} satisfies TaskTable;

export type Tasks = typeof tasks;
