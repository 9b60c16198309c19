// Pointing at files and folders. Every answer names a place by a location id that the host made for it; see
// `locationSchema`. Electron offers `pick` (a native dialog), the web host `browse` and `locate` within its permitted
// roots (links followed); the other's procedures answer `unsupported`. What is
// written for people to keep (labels, logs, versions) is a download from /blob/… instead, see blobs.ts.
import * as v from 'valibot';
import { locationSchema } from '../base/fields.ts';
import { command, nothing, query } from '../rpc/procedure.ts';

/** What a person means to point at; decides what a dialog shows and how a folder is marked in the browser. */
export const PURPOSES = [
  'model',
  'project',
  'dictionary',
  'corpus',
  'labels',
  'behaviour',
  'prompts',
  'versions',
  'folder',
] as const;

const entry = v.object({
  location: locationSchema,
  name: v.string(),
  kind: v.picklist(['folder', 'file']),
  /** Of a file. */
  bytes: v.nullable(v.number()),
  /** What a folder turns out to be, if it is one of ours or holds a model. */
  holds: v.nullable(v.picklist(['project', 'model', 'dictionary'])),
});

const place = v.object({
  location: locationSchema,
  name: v.string(),
  /** The whole path, for people to read. */
  path: v.string(),
  kind: v.picklist(['folder', 'file']),
  holds: v.nullable(v.picklist(['project', 'model', 'dictionary'])),
});

export const files = {
  pick: command({
    summary: 'Let the person choose with a native dialog',
    changes: [],
    input: v.strictObject({ purpose: v.picklist(PURPOSES) }),
    /** Null: the dialog was cancelled. */
    output: v.nullable(place),
  }),
  roots: query({ summary: 'The folders that may be browsed', shows: [], input: nothing, output: v.array(place) }),
  browse: query({
    summary: 'What is in a folder, folders first; hidden files are left out',
    shows: [],
    input: v.strictObject({ location: locationSchema }),
    output: v.object({
      place,
      /** Null at a root. */
      parent: v.nullable(locationSchema),
      entries: v.array(entry),
      /** There are more than are listed. */
      isCut: v.boolean(),
    }),
  }),
  locate: query({
    summary: 'The place at a path that the person typed, if it is within the permitted roots',
    shows: [],
    input: v.strictObject({ path: v.pipe(v.string(), v.minLength(1), v.maxLength(4096)) }),
    output: place,
  }),
};
