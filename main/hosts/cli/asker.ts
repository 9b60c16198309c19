// How commands ask the workbench: with the inputs of the contract, checked as those of a window are. Places are typed as
// paths here; the workbench gets them as a window's, by the ids that were given out for them.
import { resolve } from 'node:path';
import type { InferOutput } from 'valibot';
import type { Immutable } from '../../contract/base/data.ts';
import { AppError } from '../../contract/base/errors.ts';
import { validate } from '../../contract/base/validate.ts';
import type { InputOf, Signature } from '../../contract/rpc/procedure.ts';
import type { Asker } from '../../workbench/call.ts';
import { Locations } from '../api/locations.ts';
import type { CommandArguments, CommandContext } from './command.ts';
import { authorOf } from './openProject.ts';

export interface CommandAsker extends Asker {
  /** The location of a path as a person typed it. */
  readonly locate: (path: string) => string;
}

export function askerOf(arguments_: CommandArguments, { signal }: Pick<CommandContext, 'signal'>): CommandAsker {
  const locations = new Locations();
  return {
    signal,
    pathOf: (location) => locations.pathOf(location),
    author: () => authorOf(arguments_),
    locate: (path) => locations.grant(resolve(path)),
  };
}

/**
 * The input of a procedure.
 * @param options what a person typed for parts of the input: `{ dictionaries: '--dictionary' }`.
 * @throws AppError `usage` for what a window would be refused, with the option that is wrong.
 */
export function inputOf<P extends Signature>(
  command: string,
  { input }: P,
  given: InputOf<P>,
  options: Readonly<Record<string, string>> = {},
): Immutable<InferOutput<P['input']>> {
  try {
    return validate(input, given, `errata ${command}`) as Immutable<InferOutput<P['input']>>;
  } catch (thrown) {
    if (!(thrown instanceof AppError)) throw thrown;
    const { path, reason } = thrown.details;
    const place = Object.keys(options).find((key) => path === key || String(path).startsWith(`${key}.`));
    if (place === undefined) throw thrown;
    throw new AppError('usage', `errata ${command}: ${options[place] ?? place}: ${String(reason)}.`);
  }
}
