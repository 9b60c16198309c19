// Every command, in the order of the overview.
import type { AnyCommand } from '../command.ts';
import { deviceCommand } from './device.ts';
import { generateCommand } from './generate.ts';
import { modelCommands } from './model.ts';

export const commands: readonly AnyCommand[] = [...modelCommands, generateCommand, deviceCommand];
