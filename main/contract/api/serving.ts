// A version served to other programs of this machine, as long as the project is open. One at a time.
import * as v from 'valibot';
import { refSchema } from '../base/fields.ts';
import { whole } from '../base/setting.ts';
import { command, nothing, query } from '../rpc/procedure.ts';

const servingSchema = v.object({
  /** The address that a client of OpenAI's API is given. */
  url: v.string(),
  /** Its API key. */
  token: v.string(),
  /** The names of the original and of the patched model. */
  models: v.array(v.string()),
  /** The id of the version. */
  version: v.string(),
});

export const serving = {
  status: query({
    summary: 'The version that is served to other programs; null when none is',
    shows: ['serving'],
    input: nothing,
    output: v.nullable(servingSchema),
  }),
  /** In the place of the one that is served. */
  start: command({
    summary: 'Serve a version and its original to other programs of this machine',
    changes: ['serving'],
    input: v.strictObject({
      version: refSchema,
      /** Any that is free when left out. */
      port: v.exactOptional(whole(0, 65535)),
    }),
    output: servingSchema,
  }),
  stop: command({ summary: 'Stop serving', changes: ['serving'], input: nothing, output: nothing }),
};
