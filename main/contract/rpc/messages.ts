// What travels between two ends of a channel: calls one way, chunks and answers the other. A page and its host carry it as
// JSON text, a host and its engine as structured clones, in which typed arrays stay what they are.
import * as v from 'valibot';
import { ERROR_CODES } from '../base/errors.ts';

const callId = v.pipe(v.number(), v.safeInteger(), v.minValue(1));

/** From the caller: `id` is new for every call on a channel. */
export const toServerSchema = v.variant('type', [
  v.strictObject({
    type: v.literal('call'),
    id: callId,
    procedure: v.pipe(v.string(), v.maxLength(100)),
    input: v.unknown(),
  }),
  v.strictObject({ type: v.literal('cancel'), id: callId }),
]);

export const serializedErrorSchema = v.object({
  code: v.picklist(ERROR_CODES),
  message: v.string(),
  details: v.exactOptional(
    v.record(
      v.string(),
      v.union([
        v.string(),
        v.number(),
        v.boolean(),
        v.null(),
        v.pipe(v.array(v.union([v.string(), v.number()])), v.readonly()),
      ]),
    ),
  ),
  stack: v.exactOptional(v.string()),
});

/** From the server: chunks while the call lasts, then exactly one result or error. */
export const fromServerSchema = v.variant('type', [
  v.object({ type: v.literal('chunk'), id: callId, chunk: v.unknown() }),
  v.object({ type: v.literal('result'), id: callId, output: v.unknown() }),
  v.object({ type: v.literal('error'), id: callId, error: serializedErrorSchema }),
]);

export type ToServer = v.InferOutput<typeof toServerSchema>;
export type FromServer = v.InferOutput<typeof fromServerSchema>;
