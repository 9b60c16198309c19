// From the words of a command line to a command and its checked options. Whatever does not fit is an AppError `usage` that
// names the word and the nearest one that would.
import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { AppError } from '../../contract/base/errors.ts';
import { DEVICE_REQUESTS, type DeviceRequest } from '../../engine/devices.ts';
import type { AnyCommand, CommandArguments } from './command.ts';
import { COMMON_OPTIONS, DEVICE_OPTION, hasDevice, optionsOf } from './help.ts';
import { nearest } from './suggest.ts';

export interface Invocation {
  readonly kind: 'run' | 'help';
  readonly command: AnyCommand;
  readonly arguments: CommandArguments;
  readonly projectFolder: string;
  readonly json: boolean;
  readonly device: DeviceRequest;
}

export type ParsedLine =
  | Invocation
  | { readonly kind: 'overview' }
  | { readonly kind: 'version' }
  | { readonly kind: 'group'; readonly noun: string };

function usageError(message: string): AppError {
  return new AppError('usage', message);
}

/** @param words what follows the program's name. @throws AppError `usage`. */
export function parseLine(words: readonly string[], commands: readonly AnyCommand[]): ParsedLine {
  const { leading, rest } = splitLeadingOptions(words);
  const [first, second] = rest;
  if (first === undefined || first === 'help') return overview(leading, rest, commands);
  const command =
    commands.find(({ name }) => name === `${first} ${second}`) ?? commands.find(({ name }) => name === first);
  if (!command) return unknownCommand(first, second, commands);
  const length = command.name.split(' ').length;
  return invocation(command, [...leading, ...rest.slice(length)]);
}

/** Options may stand before the command: `errata --project DIR model list`. */
function splitLeadingOptions(words: readonly string[]): { leading: string[]; rest: string[] } {
  const known = { ...COMMON_OPTIONS, ...DEVICE_OPTION };
  let at = 0;
  for (let word = words[at]; word?.startsWith('-') && word !== '--version'; word = words[at]) {
    const [name = '', inline] = word.replace(/^--?/, '').split('=', 2);
    const option = Object.entries(known).find(([key, { short }]) => key === name || short === name)?.[1];
    at += option?.type === 'string' && inline === undefined ? 2 : 1;
  }
  return { leading: words.slice(0, at), rest: words.slice(at) };
}

function overview(leading: readonly string[], rest: readonly string[], commands: readonly AnyCommand[]): ParsedLine {
  const [, ...asked] = rest;
  if (asked.length > 0) return parseLine([...asked, '--help'], commands);
  const unknown = leading.find((word) => !/^(-h|--help|--json|--project(=.*)?|-p|--device(=.*)?)$/.test(word));
  if (unknown?.startsWith('-')) throw usageError(`The option ${unknown} is unknown. errata --help lists the commands.`);
  return { kind: 'overview' };
}

function unknownCommand(first: string, second: string | undefined, commands: readonly AnyCommand[]): ParsedLine {
  if (first === '--version') return { kind: 'version' };
  const nouns = [...new Set(commands.map(({ name }) => name.split(' ')[0] ?? name))];
  if (nouns.includes(first)) {
    if (second === undefined || second.startsWith('-')) return { kind: 'group', noun: first };
    const verbs = commands.flatMap(({ name }) => (name.startsWith(`${first} `) ? [name.slice(first.length + 1)] : []));
    const near = nearest(second, verbs);
    throw usageError(
      `There is no command "${first} ${second}"${near === undefined ? '' : `; did you mean "${first} ${near}"?`}` +
        ` The commands of ${first}: ${verbs.join(', ')}.`,
    );
  }
  const near = nearest(first, nouns);
  throw usageError(
    `There is no command "${first}"${near === undefined ? '.' : `; did you mean "${near}"?`} errata --help lists them.`,
  );
}

function invocation(command: AnyCommand, words: string[]): Invocation {
  const options = optionsOf(command);
  const { values, positionals } = parse(command, words);
  const { project, json, help, device = hasDevice(command) ? 'auto' : 'cpu', ...own } = values;
  const request = DEVICE_REQUESTS.find((known) => known === device);
  if (request === undefined) {
    throw usageError(
      `--device must be one of ${DEVICE_REQUESTS.join(', ')}${suggestion(String(device), DEVICE_REQUESTS)}`,
    );
  }
  for (const [name, value] of Object.entries(values)) {
    if (value === '' && options[name]?.type === 'string') throw usageError(`--${name} must not be empty.`);
  }
  return {
    kind: help === true ? 'help' : 'run',
    command,
    arguments: { positionals, values: own },
    projectFolder: resolve(typeof project === 'string' ? project : '.'),
    json: json === true,
    device: request,
  };
}

function suggestion(word: string, known: readonly string[]): string {
  const near = nearest(word, known);
  return near === undefined ? '.' : `; did you mean ${near}?`;
}

function parse(command: AnyCommand, words: string[]): CommandArguments {
  const options = optionsOf(command);
  const known = Object.fromEntries(
    Object.entries(options).map(([name, { type, short, multiple }]) => [
      name,
      { type, ...(short === undefined ? {} : { short }), ...(multiple === undefined ? {} : { multiple }) },
    ]),
  );
  try {
    const { values, positionals } = parseArgs({ args: words, options: known, allowPositionals: true, strict: true });
    return { values, positionals };
  } catch (thrown) {
    if (!(thrown instanceof Error)) throw thrown;
    const unknown = /Unknown option '(--?)([^']*)'/.exec(thrown.message);
    const near = unknown?.[2] === undefined ? undefined : nearest(unknown[2], Object.keys(options));
    throw usageError(
      unknown
        ? `errata ${command.name} has no option ${unknown[1]}${unknown[2]}${near === undefined ? '.' : `; did you mean --${near}?`}`
        : `errata ${command.name}: ${thrown.message.split('. ')[0]?.replace(/\.$/, '')}.`,
    );
  }
}
