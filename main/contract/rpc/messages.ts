// What travels between a page and its host: JSON text, over a WebSocket and over a MessagePort alike, so that both hosts
// behave the same to the last `undefined`. Large arrays do not travel here but as /blob/… on the page's own origin.
import * as v from 'valibot';
import { ERROR_CODES } from '../base/errors.ts';

const callId = v.pipe(v.number(), v.safeInteger(), v.minValue(1));

/** From the page: `id` is new for every call on a connection. */
export const toHostSchema = v.variant('type', [
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

/** From the host: chunks as long as the call goes on, then exactly one result or error. */
export const fromHostSchema = v.variant('type', [
  v.object({ type: v.literal('chunk'), id: callId, chunk: v.unknown() }),
  v.object({ type: v.literal('result'), id: callId, output: v.unknown() }),
  v.object({ type: v.literal('error'), id: callId, error: serializedErrorSchema }),
]);

export type ToHost = v.InferOutput<typeof toHostSchema>;
export type FromHost = v.InferOutput<typeof fromHostSchema>;

/** One end of a connection that is open. Text arrives whole and in order. */
export interface Channel {
  send(text: string): void;
  onText(listener: (text: string) => void): void;
  /** Called once, when nothing will arrive any more. */
  onClose(listener: () => void): void;
  close(): void;
}

/** @returns null for what is not JSON. */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return null;
  }
}
