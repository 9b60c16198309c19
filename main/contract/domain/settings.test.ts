// Every setting, from the table that defines it to each place that takes it: the contract, the stored job, the engine's task,
// the command line.
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import * as v from 'valibot';
import { describe, expect, it } from 'vitest';
import { tasks } from '../../engine/tasks.ts';
import { parseLine } from '../../hosts/cli/arguments.ts';
import { commands } from '../../hosts/cli/commands/index.ts';
import { settingsFrom } from '../../hosts/cli/settingOptions.ts';
import { captureJob } from '../../workbench/activations.ts';
import { evaluateJob } from '../../workbench/dictionary.ts';
import { evaluationJob } from '../../workbench/evaluationJobs.ts';
import { SETTINGS_TABLES, type TableName } from '../../testing/settingsTables.ts';
import { statisticsJob } from '../../workbench/features.ts';
import { findJob } from '../../workbench/findEdit.ts';
import { trainJob } from '../../workbench/training.ts';
import { contract } from '../api/contract.ts';
import { factsOf, writeSetting, type SettingFacts } from '../base/settingFacts.ts';
import type { SettingsTable } from '../base/setting.ts';
import { budgetWith } from './budgetSettings.ts';
import { completeEvaluationSettings, EVALUATION_SIZES } from './evaluationSettings.ts';

type Values = Readonly<Record<string, unknown>>;

interface Taker {
  readonly schema: v.GenericSchema;
  /** An input that is accepted, with these settings in it. */
  readonly input: (settings: Values) => unknown;
}

interface Table {
  /** Of the settings that cannot be left out. */
  readonly required: Values;
  readonly contract: Taker;
  /** As it is stored. */
  readonly job: Taker;
  readonly engine: Taker;
  /** The words before the options. */
  readonly command: readonly string[];
}

/** Without those that are undefined. */
function given(settings: Values): Values {
  return Object.fromEntries(Object.entries(settings).filter(([, value]) => value !== undefined));
}

const model = { folder: 'model', hashCache: 'cache' };
const run = { architecture: 'topk', size: 64, k: 4, batchSize: 16, steps: 10 };

const TABLES: Readonly<Record<TableName, Table>> = {
  'a training run': {
    required: run,
    contract: {
      schema: contract.dictionary.train.input,
      input: (settings) => ({ name: 'a', activations: 'b', ...settings }),
    },
    job: { schema: trainJob.request, input: (settings) => ({ name: 'a', activations: 'b', ...settings }) },
    engine: {
      schema: tasks['dictionary.train'].input,
      input: ({ heldOutFraction, ...request }) => ({
        ...{ model, modelName: 'm', folder: 'a', storeFolder: 'b', request },
        ...given({ heldOutFraction }),
      }),
    },
    command: ['train', 'a', '--activations', 'b'],
  },
  'a measurement of a dictionary': {
    required: {},
    contract: { schema: contract.dictionary.evaluate.input, input: (settings) => ({ name: 'a', ...settings }) },
    job: { schema: evaluateJob.request, input: (settings) => ({ name: 'a', ...settings }) },
    engine: {
      schema: tasks['dictionary.evaluate'].input,
      input: (settings) => ({ model, folder: 'a', storeFolder: 'b', heldOutFraction: 0.5, ...settings }),
    },
    command: ['dictionary', 'evaluate', 'a'],
  },
  'a search': {
    required: {},
    contract: {
      schema: contract.finder.start.input,
      input: (settings) => ({
        name: 'a',
        sides: { from: 'behaviours', target: 'b', keep: [] },
        dictionaries: ['c'],
        settings,
      }),
    },
    job: {
      schema: findJob.request,
      input: (settings) => ({ name: 'a', behaviours: { target: 'b' }, dictionaries: ['c'], settings }),
    },
    engine: {
      schema: tasks['edit.find'].input,
      input: (settings) => ({
        model,
        dictionaries: ['c'],
        behaviours: { target: {}, keep: [] },
        text: { from: 'none' },
        settings,
      }),
    },
    command: ['find', 'b', '--dictionary', 'c'],
  },
  'an evaluation': {
    required: {},
    contract: {
      schema: contract.evaluation.start.input,
      input: (settings) => ({ of: 'working', budget: null, settings }),
    },
    job: {
      schema: evaluationJob.request,
      input: (settings) => ({
        ...{ edit: { operations: [] }, version: null, behaviours: [], settings, budget: null, author: 'a' },
      }),
    },
    engine: {
      schema: tasks['edit.evaluate'].input,
      input: (settings) => ({
        ...{ model, edit: {}, dictionaries: [], behaviours: [], text: { from: 'none' }, settings, budget: null },
      }),
    },
    command: ['evaluate', 'main'],
  },
  'a budget': {
    required: {},
    contract: {
      schema: contract.evaluation.start.input,
      input: (limits) => ({ of: 'working', budget: budgetWith(limits) }),
    },
    job: {
      schema: evaluationJob.request,
      input: (limits) => ({
        ...{ edit: { operations: [] }, version: null, behaviours: [], settings: {}, author: 'a' },
        budget: budgetWith(limits),
      }),
    },
    engine: {
      schema: tasks['edit.evaluate'].input,
      input: (limits) => ({
        ...{ model, edit: {}, dictionaries: [], behaviours: [], text: { from: 'none' }, settings: {} },
        budget: budgetWith(limits),
      }),
    },
    command: ['evaluate', 'main'],
  },
  'a capture': {
    required: {},
    contract: {
      schema: contract.activations.capture.input,
      input: (settings) => ({
        ...{ model: 'a', corpus: { from: 'project', name: 'b' }, sites: ['c'], name: 'd' },
        ...settings,
      }),
    },
    job: {
      schema: captureJob.request,
      input: (settings) => ({ model: 'a', corpus: 'b', sites: ['c'], name: 'd', ...settings }),
    },
    engine: {
      schema: tasks['activations.capture'].input,
      input: ({ field, textDocuments, ...settings }) => ({
        ...{ ...model, sites: [], contextLength: 8, ...settings },
        corpus: { path: 'b', ...given({ field, textDocuments }) },
      }),
    },
    command: ['capture', 'a', '--corpus', 'b', '--site', 'c'],
  },
  'statistics of features': {
    required: {},
    contract: {
      schema: contract.feature.computeStatistics.input,
      input: ({ maxContexts, ...reading }) => ({
        ...{ dictionary: 'a', over: { from: 'corpus', corpus: { from: 'project', name: 'b' }, ...reading } },
        ...given({ maxContexts }),
      }),
    },
    job: { schema: statisticsJob.request, input: (settings) => ({ dictionary: 'a', corpus: 'b', ...settings }) },
    engine: {
      schema: tasks['feature.statistics'].input,
      input: (settings) => ({
        ...{ model, folder: 'a', parent: 'b', text: { from: 'corpus', path: 'c', contextLength: 8, ...settings } },
      }),
    },
    command: ['feature', 'stats', 'a'],
  },
};

const NAMES = Object.keys(SETTINGS_TABLES) as TableName[];
const CASES = NAMES.flatMap((title) =>
  Object.entries<SettingsTable[string]>(SETTINGS_TABLES[title]).map(
    ([name, entry]) => [title, name, factsOf(entry)] as const,
  ),
);

/** Values at the bounds of a setting, and just beyond them. */
function probes({ kind, min, max, excludesMin, excludesMax, options, scale }: SettingFacts) {
  if (kind === 'choice') return { good: options, bad: ['', 'none of these', 7] };
  if (kind === 'flag') return { good: [true, false], bad: [1, 'yes'] };
  if (kind === 'text') return { good: ['text'], bad: [7, null] };
  const step = kind === 'whole' ? scale : 1e-9;
  const least = min === undefined ? [-7 * scale] : [excludesMin ? min + step : min];
  const most = max === undefined ? [7 * scale] : [excludesMax ? max - step : max];
  const good = [...least, ...most];
  const bad = [
    ...(min === undefined ? [] : [excludesMin ? min : min - step]),
    ...(max === undefined ? [] : [excludesMax ? max : max + Math.max(step, max * 1e-9)]),
    ...(kind === 'whole' ? [(good[0] ?? 0) + 0.5] : []),
    NaN,
    Infinity,
    '3',
  ];
  if (kind !== 'numbers') return { good, bad };
  return { good: [[], good, [good[0]]], bad: [...bad.map((value) => [value]), 7] };
}

function onCommandLine(title: TableName, options: readonly string[]): Values {
  const line = parseLine([...TABLES[title].command, ...options], commands);
  if (line.kind !== 'run') throw new Error('This is not a line that runs a command.');
  return settingsFrom<SettingsTable>(SETTINGS_TABLES[title], line.arguments);
}

describe.each(CASES)('of %s, the setting %s', (title, name, facts) => {
  const table = TABLES[title];
  const { good, bad } = probes(facts);

  it.each(['contract', 'job', 'engine'] as const)('has the bounds of its table in the %s', (taker) => {
    const { schema, input } = table[taker];
    const accepts = (value: unknown) => v.is(schema, input({ ...table.required, [name]: value }));
    for (const value of good) expect(accepts(value), `${JSON.stringify(value)} is refused`).toBe(true);
    for (const value of bad) expect(accepts(value), `${String(value)} is accepted`).toBe(false);
  });

  it('is an option of the command, with the same bounds', () => {
    for (const value of good) {
      const option =
        facts.kind !== 'flag'
          ? [`--${facts.option}=${writeSetting(facts, value)}`]
          : value === (facts.default === true)
            ? []
            : [`--${facts.default === true ? 'no-' : ''}${facts.option}`];
      const { [name]: said = facts.default } = onCommandLine(title, option);
      expect(said).toEqual(value);
    }
    if (facts.kind === 'flag' || facts.kind === 'text') return;
    // What is bad for its type alone cannot be written: 3 and "3" look the same. A number in larger units is rounded up.
    const written = bad.filter(
      (each) =>
        Array.isArray(each) === (facts.kind === 'numbers') &&
        [each].flat().every((one) => typeof one === 'number') &&
        (facts.scale === 1 || Number.isInteger(each)),
    );
    for (const value of facts.kind === 'choice' ? ['none of these'] : written) {
      expect(() => onCommandLine(title, [`--${facts.option}=${writeSetting(facts, value)}`])).toThrow(
        new RegExp(`--${facts.option} must be`, 'u'),
      );
    }
  });

  it('has a name and a sentence, and a default that its own schema accepts', () => {
    expect(facts.label).not.toBe('');
    expect(facts.hint).toMatch(/^[A-Z0-9].*\.$/u);
    const { schema, input } = table.contract;
    for (const value of [facts.default, facts.usual]) {
      if (value !== undefined) expect(v.is(schema, input({ ...table.required, [name]: value }))).toBe(true);
    }
  });
});

describe('what had drifted apart', () => {
  const takes = ({ schema, input }: Taker, settings: Values) => v.is(schema, input(settings));

  it.each([{ size: 2 ** 30 }, { k: 2 ** 20 }, { steps: 2e9 }, { auxK: 2 ** 20 }, { deadAfterTokens: 1e13 }])(
    'the contract refuses a run with %j, as training does',
    (settings) => {
      expect(takes(TABLES['a training run'].contract, { ...run, ...settings })).toBe(false);
    },
  );

  it.each([{ targetCases: 0 }, { candidates: 0 }, { mostOperations: 1000 }, { seed: 2 ** 31 + 1 }])(
    'the contract refuses a search with %j, as the finder does',
    (settings) => {
      expect(takes(TABLES['a search'].contract, settings)).toBe(false);
    },
  );

  it('every face takes the largest seed that the finder takes', () => {
    const { contract: window, job, engine } = TABLES['a search'];
    for (const taker of [window, job, engine]) expect(takes(taker, { seed: 2 ** 31 })).toBe(true);
    expect(onCommandLine('a search', ['--seed', String(2 ** 31)])).toEqual({ seed: 2 ** 31 });
  });

  it.each([{ seed: -1 }, { contexts: 1e6 }, { continuationTokens: 0 }, { trialTargetCases: 1 }, { doses: [1e39] }])(
    'the contract refuses an evaluation with %j, as the evaluation does',
    (settings) => {
      expect(takes(TABLES['an evaluation'].contract, settings)).toBe(false);
      expect(() => completeEvaluationSettings(settings)).toThrow(/settings of the evaluation/u);
    },
  );

  it('what an evaluation of each size runs is allowed', () => {
    for (const { settings } of Object.values(EVALUATION_SIZES)) {
      expect(takes(TABLES['an evaluation'].contract, settings)).toBe(true);
    }
  });

  it('every setting of a run can be said on the command line', () => {
    const words = [
      '--decay=0.5',
      '--dead-after=77',
      '--beta1=0.5',
      '--beta2=0.75',
      '--epsilon=1e-6',
      '--held-out=0.25',
    ];
    expect(onCommandLine('a training run', words)).toMatchObject({
      ...{ decayFraction: 0.5, deadAfterTokens: 77, beta1: 0.5, beta2: 0.75, epsilon: 1e-6, heldOutFraction: 0.25 },
    });
  });
});

it('every setting that a file of contract/domain exports stands in a table that is checked here', async () => {
  const folder = import.meta.dirname;
  const files = (await readdir(folder)).filter((name) => name.endsWith('Settings.ts'));
  expect(files.length).toBeGreaterThanOrEqual(5);
  const checked = new Set<unknown>(Object.values(SETTINGS_TABLES).flatMap((table) => Object.values<unknown>(table)));
  for (const file of files) {
    const exported = (await import(join(folder, file))) as Readonly<Record<string, unknown>>;
    const tables = Object.entries(exported).filter(([name]) => /^[a-z]\w*Settings$/u.test(name));
    for (const [name, table] of tables) {
      if (table === null || typeof table !== 'object' || 'kind' in table) continue; // a schema made of a table
      for (const [key, entry] of Object.entries(table)) expect(checked.has(entry), `${name}.${key}`).toBe(true);
    }
  }
});

it('the default share that is held out is written once', async () => {
  const sources = await readdir(join(import.meta.dirname, '../..'), { recursive: true });
  const written = [];
  for (const file of sources.filter((name) => /(?<!\.test)\.ts$/u.test(name))) {
    const text = await readFile(join(import.meta.dirname, '../..', file), 'utf8');
    for (const [found] of text.matchAll(/^.*held_?out.*\W0?\.\d+/gimu)) written.push(`${file}: ${found}`);
  }
  expect(written).toEqual([join('contract', 'domain', 'trainingSettings.ts: export const DEFAULT_HELD_OUT = 0.1')]);
});
