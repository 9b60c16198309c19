import * as v from 'valibot';

export const sha256 = v.pipe(v.string(), v.regex(/^[0-9a-f]{64}$/, 'must be a SHA-256'));
export const positive = v.pipe(v.number(), v.safeInteger(), v.minValue(1));

/** A finished shard of an activation store, as its manifest and its journal have it. */
export const shardSchema = v.strictObject({ file: v.string(), rows: positive, sha256 });
export type ShardRecord = Readonly<v.InferOutput<typeof shardSchema>>;
