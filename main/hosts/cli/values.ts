// Reads positional arguments and option values; what is missing or is no number is an AppError `usage`.
import { AppError } from '../../contract/base/errors.ts';
import type { CommandArguments } from './command.ts';

/** Positional arguments by name, exactly as many as there are names. */
export function positionals<const Names extends readonly string[]>(
  { positionals: given }: CommandArguments,
  names: Names,
  command: string,
): { readonly [Index in keyof Names]: string } {
  if (given.length === names.length) return given as { readonly [Index in keyof Names]: string };
  const missing = names.slice(given.length);
  throw new AppError(
    'usage',
    missing.length > 0
      ? `errata ${command}: ${missing.join(' and ')} ${missing.length === 1 ? 'is' : 'are'} missing.`
      : `errata ${command}: "${given[names.length] ?? ''}" is one argument too many.`,
  );
}

export function optionalText({ values }: CommandArguments, name: string): string | undefined {
  const value = values[name];
  return typeof value === 'string' ? value : undefined;
}

export function requiredText(arguments_: CommandArguments, name: string, command: string): string {
  const value = optionalText(arguments_, name);
  if (value === undefined) throw new AppError('usage', `errata ${command}: --${name} is missing.`);
  return value;
}

/** The values of an option that may be given several times. */
export function texts({ values }: CommandArguments, name: string): string[] {
  const value = values[name];
  return (Array.isArray(value) ? value : [value]).filter((one) => typeof one === 'string');
}

export function flag({ values }: CommandArguments, name: string): boolean {
  return values[name] === true;
}

export interface NumberRange {
  readonly min?: number;
  readonly max?: number;
  readonly integer?: boolean;
}

export function optionalNumber(
  arguments_: CommandArguments,
  name: string,
  { min = -Infinity, max = Infinity, integer = false }: NumberRange = {},
): number | undefined {
  const text = optionalText(arguments_, name);
  if (text === undefined) return undefined;
  const value = Number(text);
  if (
    text.trim() !== '' &&
    Number.isFinite(value) &&
    value >= min &&
    value <= max &&
    (!integer || Number.isSafeInteger(value))
  ) {
    return value;
  }
  const kind = integer ? 'a whole number' : 'a number';
  const bounds = [...(min > -Infinity ? [`at least ${min}`] : []), ...(max < Infinity ? [`at most ${max}`] : [])];
  throw new AppError('usage', `--${name} must be ${[kind, ...bounds].join(', ')}, not "${text}".`);
}

export function oneOf<const Choice extends string>(
  arguments_: CommandArguments,
  name: string,
  choices: readonly Choice[],
): Choice | undefined {
  const text = optionalText(arguments_, name);
  const choice = choices.find((known) => known === text);
  if (text === undefined || choice !== undefined) return choice;
  throw new AppError('usage', `--${name} must be one of ${choices.join(', ')}, not "${text}".`);
}

/** '1, 2 3' → [1, 2, 3] */
export function integers(text: string, name: string): number[] {
  const numbers = text.split(/[\s,]+/).filter((word) => word !== '');
  if (numbers.length > 0 && numbers.every((word) => /^\d{1,15}$/.test(word))) return numbers.map(Number);
  throw new AppError('usage', `--${name} must be whole numbers with commas between, not "${text.slice(0, 80)}".`);
}

/** The option's value under `key`, or nothing at all: for options objects without `undefined` in them. */
export function given<Key extends string, Value>(key: Key, value: Value | undefined): { readonly [K in Key]?: Value } {
  return (value === undefined ? {} : { [key]: value }) as { readonly [K in Key]?: Value };
}
