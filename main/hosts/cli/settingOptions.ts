// Options of the command line for a table of settings: names, help with bounds and defaults, and values read from them.
import * as v from 'valibot';
import { AppError } from '../../contract/base/errors.ts';
import { requestEntries, settingOf, type SettingsTable } from '../../contract/base/setting.ts';
import {
  factsOf,
  readSetting,
  requirementOf,
  writeSetting,
  type SettingFacts,
} from '../../contract/base/settingFacts.ts';
import type { CommandArguments, Option } from './command.ts';
import { flag, optionalText } from './values.ts';

/** An option for each setting. A flag that is on by default has one that switches it off: `--no-baselines`. */
export function optionsOfSettings(table: SettingsTable): Readonly<Record<string, Option>> {
  return Object.fromEntries(
    Object.values(table).map((entry) => {
      const facts = factsOf(entry);
      const { kind, short } = facts;
      const type = kind === 'flag' ? 'boolean' : 'string';
      return [
        optionOf(facts),
        { type, description: description(facts), ...(short === undefined ? {} : { short }) } as const,
      ];
    }),
  );
}

function optionOf({ kind, option, default: value }: SettingFacts): string {
  return kind === 'flag' && value === true ? `no-${option}` : option;
}

function description(facts: SettingFacts): string {
  const { kind, hint, computed, usual = facts.default } = facts;
  if (kind === 'flag')
    return facts.default === true ? `Switch off: ${hint.charAt(0).toLowerCase()}${hint.slice(1)}` : hint;
  const otherwise = computed ?? (usual === undefined || usual === '' ? undefined : writeSetting(facts, usual));
  const requirement = kind === 'text' ? '' : capitalised(requirementOf(facts));
  const rest = [requirement, otherwise === undefined ? '' : `by default ${otherwise}`].filter((part) => part !== '');
  return rest.length === 0 ? hint : `${hint} ${capitalised(rest.join('; '))}.`;
}

/**
 * The settings that the arguments give, and the usual values of required ones that they do not.
 * @throws AppError `usage` for a value out of bounds.
 */
export function settingsFrom<Table extends SettingsTable>(table: Table, arguments_: CommandArguments) {
  const given = Object.entries(table).flatMap(([name, entry]) => {
    const facts = factsOf(entry);
    const value = facts.kind === 'flag' ? flagFrom(facts, arguments_) : valueFrom(facts, entry, arguments_);
    return value === undefined ? [] : [[name, value] as const];
  });
  return v.parse(v.strictObject(requestEntries(table)), Object.fromEntries(given));
}

function flagFrom(facts: SettingFacts, arguments_: CommandArguments): boolean | undefined {
  return flag(arguments_, optionOf(facts)) ? facts.default !== true : undefined;
}

function valueFrom(facts: SettingFacts, entry: SettingsTable[string], arguments_: CommandArguments): unknown {
  const text = optionalText(arguments_, facts.option);
  if (text === undefined) return facts.usual;
  const value = readSetting(facts, text);
  if (v.is(settingOf(entry), value)) return value;
  throw new AppError('usage', `--${facts.option} must be ${requirementOf(facts)}, not "${text}".`);
}

function capitalised(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}
