// Every command, in the order of the overview.
import type { AnyCommand } from '../command.ts';
import { behaviourCommands } from './behaviour.ts';
import { captureCommand } from './capture.ts';
import { demoCommand } from './demo.ts';
import { deviceCommand } from './device.ts';
import { dictionaryCommands } from './dictionary.ts';
import { editCommands } from './edit.ts';
import { behaviourRun, evaluateCommand, evaluationList, evaluationShow } from './evaluate.ts';
import { exportCommand, verifyCommand } from './export.ts';
import { featureCommands } from './feature.ts';
import { findCommand } from './find.ts';
import { generateCommand } from './generate.ts';
import { labelCommands } from './label.ts';
import { modelCommands } from './model.ts';
import { projectNew } from './project.ts';
import { safetyCommands } from './safety.ts';
import { trainCommand } from './train.ts';

export const commands: readonly AnyCommand[] = [
  projectNew,
  ...modelCommands,
  generateCommand,
  captureCommand,
  trainCommand,
  ...dictionaryCommands,
  ...featureCommands,
  ...labelCommands,
  ...behaviourCommands,
  behaviourRun,
  findCommand,
  ...editCommands,
  evaluateCommand,
  evaluationList,
  evaluationShow,
  exportCommand,
  verifyCommand,
  demoCommand,
  deviceCommand,
  ...safetyCommands,
];
