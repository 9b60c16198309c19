// How commands ask the workbench: with the inputs of the contract, checked as those of a window are. Places are typed as
// paths here; the workbench gets them as a window's, by the ids that were given out for them.
import { resolve } from 'node:path';
import type { InferOutput } from 'valibot';
import { validate } from '../../contract/base/validate.ts';
import type { Immutable, InputOf, Signature } from '../../contract/rpc/procedure.ts';
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

/** The input of a procedure. @throws AppError `usage` for what a window would be refused. */
export function inputOf<P extends Signature>(
  command: string,
  { input }: P,
  given: InputOf<P>,
): Immutable<InferOutput<P['input']>> {
  return validate(input, given, `errata ${command}`) as Immutable<InferOutput<P['input']>>;
}
