// Everything the engine process can be asked to do, by name. Hosts import the type of this table only.
import type { TaskTable } from './task.ts';
import { capture } from './tasks/activations.ts';
import { completeText } from './tasks/completions.ts';
import { probeDevice } from './tasks/device.ts';
import {
  checkImported,
  evaluateDictionary,
  findTopFeatures,
  importDictionary,
  inspectDictionary,
  resumeTraining,
  timeStep,
  trainDictionary,
} from './tasks/dictionary.ts';
import { evaluateEdit, forecastEdit, runBehaviour, tryCases } from './tasks/evaluation.ts';
import { findEdit } from './tasks/finder.ts';
import { planExport, verifyExport, writeExport } from './tasks/export.ts';
import { downloadFromHub } from './tasks/hub.ts';
import { describeModel, nextTokens } from './tasks/modelView.ts';
import { computeFeatureStatistics, readText, matchFeaturesTask } from './tasks/features.ts';
import { playgroundGenerate, playgroundNextTokens } from './tasks/playground.ts';
import { explainToken } from './tasks/why.ts';
import { checkAgainstReference, generateText, inspectModel } from './tasks/model.ts';

export const tasks = {
  'device.probe': probeDevice,
  'model.inspect': inspectModel,
  'model.describe': describeModel,
  'model.nextTokens': nextTokens,
  'model.why': explainToken,
  'model.check': checkAgainstReference,
  'model.generate': generateText,
  'completion.create': completeText,
  'hub.download': downloadFromHub,
  'activations.capture': capture,
  'dictionary.train': trainDictionary,
  'dictionary.resume': resumeTraining,
  'dictionary.stepTime': timeStep,
  'dictionary.evaluate': evaluateDictionary,
  'dictionary.inspect': inspectDictionary,
  'dictionary.import': importDictionary,
  'dictionary.check': checkImported,
  'feature.top': findTopFeatures,
  'feature.statistics': computeFeatureStatistics,
  'feature.text': readText,
  'feature.match': matchFeaturesTask,
  'behaviour.run': runBehaviour,
  'behaviour.tryCases': tryCases,
  'edit.evaluate': evaluateEdit,
  'edit.forecast': forecastEdit,
  'edit.find': findEdit,
  'playground.nextTokens': playgroundNextTokens,
  'playground.generate': playgroundGenerate,
  'export.plan': planExport,
  'export.write': writeExport,
  'export.verify': verifyExport,
} satisfies TaskTable;

export type Tasks = typeof tasks;
