// Every setting, from the table that defines it to each place that takes it: the contract, the stored job, the engine's task,
// the command line.
import * as v from 'valibot';
import { describe, expect, it } from 'vitest';
import { tasks } from '../../engine/tasks.ts';
import { parseLine } from '../../hosts/cli/arguments.ts';
import { commands } from '../../hosts/cli/commands/index.ts';
import { settingsFrom } from '../../hosts/cli/settingOptions.ts';
import { evaluateJob } from '../../workbench/dictionary.ts';
import { findJob } from '../../workbench/finder.ts';
import { trainJob } from '../../workbench/training.ts';
import { contract } from '../api/contract.ts';
import { factsOf, writeSetting, type SettingFacts } from '../base/settingFacts.ts';
import type { SettingsTable } from '../base/setting.ts';
import { findSettings } from './findSettings.ts';
import { measurementSettings, runSettings } from './trainingSettings.ts';

type Values = Readonly<Record<string, unknown>>;

interface Taker {
  readonly schema: v.GenericSchema;
  /** An input that is accepted, with these settings in it. */
  readonly input: (settings: Values) => unknown;
}

interface Table {
  readonly settings: SettingsTable;
  /** Of the settings that cannot be left out. */
  readonly required: Values;
  readonly contract: Taker;
  /** As it is stored. */
  readonly job: Taker;
  readonly engine: Taker;
  /** The words before the options. */
  readonly command: readonly string[];
}

const model = { folder: 'model', hashCache: 'cache' };
const run = { architecture: 'topk', size: 64, k: 4, batchSize: 16, steps: 10 };

const TABLES: Readonly<Record<string, Table>> = {
  'a training run': {
    settings: runSettings,
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
        ...(heldOutFraction === undefined ? {} : { heldOutFraction }),
      }),
    },
    command: ['train', 'a', '--activations', 'b'],
  },
  'a measurement of a dictionary': {
    settings: measurementSettings,
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
    settings: findSettings,
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
};

const CASES = Object.entries(TABLES).flatMap(([title, table]) =>
  Object.entries(table.settings).map(([name, entry]) => [title, name, table, factsOf(entry)] as const),
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

function onCommandLine({ command, settings }: Table, options: readonly string[]): Values {
  const line = parseLine([...command, ...options], commands);
  if (line.kind !== 'run') throw new Error('This is not a line that runs a command.');
  return settingsFrom(settings, line.arguments);
}

describe.each(CASES)('of %s, the setting %s', (_, name, table, facts) => {
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
      const { [name]: said = facts.default } = onCommandLine(table, option);
      expect(said).toEqual(value);
    }
    if (facts.kind === 'flag' || facts.kind === 'text') return;
    for (const value of bad.filter((each) => !['string', 'boolean'].includes(typeof each))) {
      expect(() => onCommandLine(table, [`--${facts.option}=${writeSetting(facts, value)}`])).toThrow(
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
      expect(takes(TABLES['a training run']!.contract, { ...run, ...settings })).toBe(false);
    },
  );

  it.each([{ targetCases: 0 }, { candidates: 0 }, { mostOperations: 1000 }, { seed: 2 ** 31 + 1 }])(
    'the contract refuses a search with %j, as the finder does',
    (settings) => {
      expect(takes(TABLES['a search']!.contract, settings)).toBe(false);
    },
  );

  it('every face takes the largest seed that the finder takes', () => {
    const { contract: window, job, engine } = TABLES['a search']!;
    for (const taker of [window, job, engine]) expect(takes(taker, { seed: 2 ** 31 })).toBe(true);
    expect(onCommandLine(TABLES['a search']!, ['--seed', String(2 ** 31)])).toEqual({ seed: 2 ** 31 });
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
    expect(onCommandLine(TABLES['a training run']!, words)).toMatchObject({
      ...{ decayFraction: 0.5, deadAfterTokens: 77, beta1: 0.5, beta2: 0.75, epsilon: 1e-6, heldOutFraction: 0.25 },
    });
  });
});
