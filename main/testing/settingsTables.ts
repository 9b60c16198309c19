// The tables of settings, by what they are the settings of.
import { budgetSettings } from '../contract/domain/budgetSettings.ts';
import { captureSettings } from '../contract/domain/captureSettings.ts';
import { evaluationSettings } from '../contract/domain/evaluationSettings.ts';
import { findSettings } from '../contract/domain/findSettings.ts';
import { statisticsSettings } from '../contract/domain/statisticsSettings.ts';
import { measurementSettings, runSettings } from '../contract/domain/trainingSettings.ts';

export const SETTINGS_TABLES = {
  'a capture': captureSettings,
  'a training run': runSettings,
  'a measurement of a dictionary': measurementSettings,
  'statistics of features': statisticsSettings,
  'a search': findSettings,
  'an evaluation': evaluationSettings,
  'a budget': budgetSettings,
};
export type TableName = keyof typeof SETTINGS_TABLES;
