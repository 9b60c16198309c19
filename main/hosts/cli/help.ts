// The texts of --help.
import type { AnyCommand, Option } from './command.ts';

export const COMMON_OPTIONS: Readonly<Record<string, Option>> = {
  project: { type: 'string', short: 'p', description: 'The project folder; the current folder when left out.' },
  json: {
    type: 'boolean',
    description: 'Print one JSON object as the last line of standard output, and nothing else.',
  },
  help: { type: 'boolean', short: 'h', description: 'Show this text.' },
};

export const DEVICE_OPTION: Readonly<Record<string, Option>> = {
  device: { type: 'string', description: 'Where to compute: auto (default), cpu, webgpu, cuda, dml or coreml.' },
};

export function hasDevice(command: AnyCommand): boolean {
  return 'computesOn' in command && command.computesOn === 'any';
}

/** All options of a command, the common ones last. */
export function optionsOf(command: AnyCommand): Readonly<Record<string, Option>> {
  return { ...command.options, ...(hasDevice(command) ? DEVICE_OPTION : {}), ...COMMON_OPTIONS };
}

function columns(rows: readonly (readonly [string, string])[]): string[] {
  const width = Math.max(...rows.map(([left]) => left.length));
  return rows.map(([left, right]) => `  ${left.padEnd(width)}  ${right}`);
}

function describeOption(name: string, { type, short, multiple }: Option): string {
  const value = type === 'string' ? ` ${name.toUpperCase()}` : '';
  return `${short === undefined ? '    ' : `-${short}, `}--${name}${value}${multiple === true ? ' …' : ''}`;
}

export function commandHelp(command: AnyCommand): string {
  const options = Object.entries(optionsOf(command));
  return [
    command.summary,
    '',
    `Usage: errata ${command.usage}`,
    '',
    'Options:',
    ...columns(options.map(([name, option]) => [describeOption(name, option), option.description])),
    ...(command.examples?.length ? ['', 'Examples:', ...command.examples.map((example) => `  errata ${example}`)] : []),
  ].join('\n');
}

export function groupHelp(noun: string, commands: readonly AnyCommand[]): string {
  return [
    `Commands of ${noun}:`,
    ...columns(commands.map(({ name, summary }) => [`errata ${name}`, summary])),
    '',
    `errata ${noun} COMMAND --help explains one.`,
  ].join('\n');
}

export function mainHelp(version: string, commands: readonly AnyCommand[]): string {
  return [
    `Errata ${version}: find, name and correct what a language model has learned.`,
    '',
    'Usage: errata COMMAND [ARGUMENTS] [--project DIR] [--json]',
    '',
    'Commands:',
    ...columns(commands.map(({ name, summary }) => [name, summary])),
    '',
    'errata COMMAND --help explains one. Exit codes: 0 done, 1 failed, 2 wrong usage.',
  ].join('\n');
}
