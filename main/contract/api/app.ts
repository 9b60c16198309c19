// The program itself: what it is, where it computes, its settings.
import * as v from 'valibot';
import { authorSchema } from '../base/fields.ts';
import { command, nothing, query } from '../rpc/procedure.ts';

export const DEVICE_REQUESTS = ['auto', 'cpu', 'webgpu', 'cuda', 'dml', 'coreml'] as const;
export const THEMES = ['system', 'light', 'dark'] as const;

/** A server that speaks OpenAI's chat completions. Its key, where it wants one, is never kept: ERRATA_ENDPOINT_KEY has it. */
export const endpointSchema = v.strictObject({
  /** Where /chat/completions lies: 'http://127.0.0.1:8080/v1'. */
  url: v.pipe(v.string(), v.minLength(1), v.maxLength(500)),
  model: v.pipe(v.string(), v.minLength(1), v.maxLength(200)),
  /** Texts may leave this machine: without it only loopback addresses are asked. */
  allowsRemote: v.boolean(),
});
export type Endpoint = v.InferOutput<typeof endpointSchema>;

/** Where a person is on the tour of the sample: 0 before its first stop. One that was left is taken up there. */
const tourSchema = v.strictObject({
  stop: v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(20)),
  state: v.picklist(['open', 'left', 'done']),
});

export const settingsSchema = v.object({
  theme: v.picklist(THEMES),
  /** Which device computes; 'auto' measures and takes the fastest. */
  device: v.picklist(DEVICE_REQUESTS),
  /** A language model of the person's own that suggests labels when it is asked to; null, as at first: none. */
  suggestions: v.optional(v.nullable(endpointSchema), null),
  /** Whose work it is; null: the name of the account. */
  author: v.nullable(authorSchema),
  tour: v.optional(tourSchema, { stop: 0, state: 'open' }),
});
export type Settings = v.InferOutput<typeof settingsSchema>;

const deviceReport = v.object({
  device: v.string(),
  isUsable: v.boolean(),
  /** Why it cannot be used, or what was measured. */
  reason: v.string(),
  maxAbsError: v.nullable(v.number()),
  gigaflops: v.nullable(v.number()),
  seconds: v.number(),
});

export const deviceSchema = v.object({
  /** 'unknown': nothing has been computed yet, so no device was tried. */
  state: v.picklist(['unknown', 'choosing', 'chosen', 'failed']),
  requested: v.picklist(DEVICE_REQUESTS),
  device: v.nullable(v.string()),
  /** Why this device, or why none. */
  reason: v.string(),
  candidates: v.array(deviceReport),
  driver: v.nullable(v.string()),
  onnxruntime: v.nullable(v.string()),
});

export const app = {
  facts: query({
    summary: 'The program and the host that serves the page',
    shows: [],
    input: nothing,
    output: v.object({
      version: v.string(),
      host: v.picklist(['electron', 'web']),
      platform: v.string(),
      /** How a person points at files: native dialogs (`files.pick`) or a browser of the permitted folders (`files.browse`). */
      files: v.picklist(['dialog', 'browser']),
      /** The name that work is signed with. */
      author: v.string(),
      /** Where projects lie that were given no place of their own. */
      dataFolder: v.string(),
      hasSample: v.boolean(),
    }),
  }),
  /** Of the web host: this one, too. */
  signOut: command({ summary: 'Sign every browser out', changes: [], input: nothing, output: nothing }),
  device: query({ summary: 'The device that computes, and why', shows: [], input: nothing, output: deviceSchema }),
  /** Takes seconds: every candidate is tried in a process of its own. */
  measureDevice: command({
    summary: 'Try all devices, and choose again',
    changes: [],
    input: nothing,
    output: deviceSchema,
  }),
  settings: query({
    summary: 'Settings of this person on this machine',
    shows: [],
    input: nothing,
    output: settingsSchema,
  }),
  changeSettings: command({
    summary: 'Change some settings',
    changes: [],
    input: v.strictObject({
      theme: v.exactOptional(settingsSchema.entries.theme),
      device: v.exactOptional(settingsSchema.entries.device),
      author: v.exactOptional(settingsSchema.entries.author),
      suggestions: v.exactOptional(v.nullable(endpointSchema)),
      tour: v.exactOptional(tourSchema),
    }),
    output: settingsSchema,
  }),
};
