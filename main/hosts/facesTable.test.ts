// What one face of the program can do, the other can: every procedure of the contract has its command, and every command
// its procedure, or it is here with the reason.
import { describe, expect, it } from 'vitest';
import { contract } from '../contract/api/contract.ts';
import { COMMANDS_OF, WITHOUT_COMMAND, WITHOUT_PROCEDURE } from '../testing/hosts/facesTables.ts';
import { commands } from './cli/commands/index.ts';

const procedures = Object.entries(contract).flatMap(([noun, own]) => Object.keys(own).map((name) => `${noun}.${name}`));
const names = commands.map(({ name }) => name);

describe('the faces of the program', () => {
  it('every procedure of the contract has its command, or a reason not to', () => {
    const told = [...Object.keys(COMMANDS_OF), ...Object.keys(WITHOUT_COMMAND)];
    expect(told.toSorted()).toEqual(procedures.toSorted());
  });

  it('every command does the work of a procedure, or there is a reason', () => {
    const told = [...new Set(Object.values(COMMANDS_OF).flat()), ...Object.keys(WITHOUT_PROCEDURE)];
    expect(told.toSorted()).toEqual(names.toSorted());
  });
});
