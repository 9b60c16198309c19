// Every command, in the order of the overview.
import type { AnyCommand } from '../command.ts';
import { activationsList } from './activations.ts';
import { behaviourCommands } from './behaviour.ts';
import { behaviourTrialCommands } from './behaviourTrial.ts';
import { bisectCommand } from './bisect.ts';
import { captureCommand } from './capture.ts';
import { demoCommand } from './demo.ts';
import { deviceCommand } from './device.ts';
import { dictionaryCommands } from './dictionary.ts';
import { editCommands } from './edit.ts';
import { editCompare } from './editCompare.ts';
import { behaviourRun, evaluateCommand } from './evaluate.ts';
import { evaluationCommands } from './evaluation.ts';
import { exportCommand, verifyCommand } from './export.ts';
import { exportsCommands } from './exports.ts';
import { featureCommands } from './feature.ts';
import { findCommand } from './find.ts';
import { findingsCommands } from './findings.ts';
import { generateCommand } from './generate.ts';
import { hubCommands } from './hub.ts';
import { jobCommands } from './job.ts';
import { labelCommands } from './label.ts';
import { labelTrialCommands } from './labelTrial.ts';
import { modelCommands } from './model.ts';
import { predictCommand } from './predict.ts';
import { projectNew, projectSample } from './project.ts';
import { safetyCommands } from './safety.ts';
import { serveCommand } from './serve.ts';
import { trainCommand } from './train.ts';
import { featureMatchCommands } from './featureMatch.ts';
import { whyCommand } from './why.ts';

export const commands: readonly AnyCommand[] = [
  projectNew,
  projectSample,
  ...modelCommands,
  ...hubCommands,
  generateCommand,
  predictCommand,
  serveCommand,
  whyCommand,
  captureCommand,
  activationsList,
  trainCommand,
  ...dictionaryCommands,
  ...featureCommands,
  ...featureMatchCommands,
  ...labelCommands,
  ...labelTrialCommands,
  ...behaviourCommands,
  behaviourRun,
  ...behaviourTrialCommands,
  findCommand,
  ...findingsCommands,
  ...editCommands,
  editCompare,
  bisectCommand,
  evaluateCommand,
  ...evaluationCommands,
  exportCommand,
  verifyCommand,
  ...exportsCommands,
  ...jobCommands,
  demoCommand,
  deviceCommand,
  ...safetyCommands,
];
