// What the host tells by itself, so that every window stays current. A page keeps one `watch` open; after a lost
// connection it opens it again and fetches what it shows anew.
import * as v from 'valibot';
import type { DataOf } from '../base/data.ts';
import { CHANGING } from '../base/changing.ts';
import { ERROR_CODES } from '../base/errors.ts';
import { nothing, stream } from '../rpc/procedure.ts';
import { deviceSchema, settingsSchema } from './app.ts';
import { jobSchema } from '../domain/job.ts';

export const eventSchema = v.variant('type', [
  /** The first one: the stream is open, nothing that changes from now on is missed. */
  v.object({ type: v.literal('ready') }),
  /** What may have changed, by this window, another, or another process. */
  v.object({ type: v.literal('changed'), what: v.array(v.picklist(CHANGING)) }),
  /** A job was added, moved or got on (its progress at most ten times a second). */
  v.object({ type: v.literal('job'), job: jobSchema }),
  v.object({ type: v.literal('jobLog'), id: v.string(), number: v.number(), time: v.string(), text: v.string() }),
  v.object({ type: v.literal('device'), device: deviceSchema }),
  v.object({ type: v.literal('settings'), settings: settingsSchema }),
  /** Something a person should know: the engine died, a device fell back to the CPU, the disk is full. */
  v.object({
    type: v.literal('notice'),
    level: v.picklist(['info', 'warning', 'error']),
    code: v.nullable(v.picklist(ERROR_CODES)),
    message: v.string(),
    /** For who looks closer: where it was thrown, the last lines of a process that died. */
    details: v.nullable(v.string()),
  }),
  /** The desktop host asks the window to do a command of the registry (a menu item was chosen), or to go to a view. */
  v.object({ type: v.literal('command'), id: v.string() }),
  v.object({ type: v.literal('navigate'), hash: v.string() }),
]);
export type HostEvent = DataOf<typeof eventSchema>;

export const events = {
  watch: stream({
    summary: 'Everything that happens, until the caller ends it',
    changes: [],
    input: nothing,
    chunk: eventSchema,
    output: nothing,
  }),
};
