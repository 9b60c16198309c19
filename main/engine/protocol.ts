// The messages between a host and its engine process. They travel as structured clones (process IPC with
// `serialization: 'advanced'`, or a MessagePort), so typed arrays may be in them; both sides check what arrives.
import * as v from 'valibot';
import { ERROR_CODES } from '../contract/base/errors.ts';

const requestId = v.pipe(v.number(), v.integer(), v.minValue(1));
const text = v.string();

const workEntries = {
  stage: text,
  done: v.number(),
  total: v.nullable(v.number()),
  unit: text,
  figures: v.exactOptional(v.record(text, v.number())),
};

const progressSchema = v.object({
  ...workEntries,
  fraction: v.nullable(v.number()),
  perSecond: v.nullable(v.number()),
  remainingSeconds: v.nullable(v.number()),
});

const deviceSchema = v.picklist(['cpu', 'webgpu', 'cuda', 'dml', 'coreml']);

const fallbackSchema = v.object({ device: deviceSchema, operators: v.record(text, v.number()), nodes: v.number() });

const serializedErrorSchema = v.object({
  code: v.picklist(ERROR_CODES),
  message: text,
  details: v.exactOptional(
    v.record(
      text,
      v.union([text, v.number(), v.boolean(), v.null(), v.pipe(v.array(v.union([text, v.number()])), v.readonly())]),
    ),
  ),
  stack: v.exactOptional(text),
});

/** From the host to the engine. `stop` lets the engine end by itself once its tasks are cancelled. */
export const toEngineSchema = v.variant('type', [
  v.object({ type: v.literal('start'), id: requestId, task: text, device: deviceSchema, input: v.unknown() }),
  v.object({ type: v.literal('cancel'), id: requestId }),
  v.object({ type: v.literal('stop') }),
]);

/**
 * From the engine to the host. Every `start` is answered by exactly one `result` or `error`, unless the process dies;
 * before that, progress, chunks (parts of a streamed result), operators that fell back to the CPU, and lines of the task's log may come.
 */
export const fromEngineSchema = v.variant('type', [
  v.object({ type: v.literal('ready') }),
  v.object({ type: v.literal('progress'), id: requestId, progress: progressSchema }),
  v.object({ type: v.literal('chunk'), id: requestId, chunk: v.unknown() }),
  v.object({ type: v.literal('fallback'), id: requestId, fallback: fallbackSchema }),
  v.object({ type: v.literal('log'), id: requestId, line: text }),
  v.object({ type: v.literal('result'), id: requestId, output: v.unknown() }),
  v.object({ type: v.literal('error'), id: requestId, error: serializedErrorSchema }),
]);

export type ToEngine = v.InferOutput<typeof toEngineSchema>;
export type FromEngine = v.InferOutput<typeof fromEngineSchema>;
