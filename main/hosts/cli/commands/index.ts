// Every command, in the order of the overview.
import type { AnyCommand } from '../command.ts';
import { deviceCommand } from './device.ts';

export const commands: readonly AnyCommand[] = [deviceCommand];
