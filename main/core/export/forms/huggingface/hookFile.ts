// The edit of a Hugging Face folder with a hook, as files that errata_edit.py reads: edit.json says where and what, and
// edit.safetensors holds the rows of the dictionaries. Here they are written, and read back for the verification: what is read
// may come from a stranger.
import { join } from 'node:path';
import * as v from 'valibot';
import { AppError } from '../../../../contract/base/errors.ts';
import { featureSchema, siteSchema } from '../../../../contract/base/fields.ts';
import { float32Schema } from '../../../../contract/base/float32.ts';
import { validate } from '../../../../contract/base/validate.ts';
import { featuresOf, MAX_OPERATIONS, type Edit } from '../../../../contract/domain/edit.ts';
import {
  makeOperation,
  numberOf,
  OPERATION_KINDS,
  OPERATIONS,
  type Operation,
} from '../../../../contract/domain/operations/index.ts';
import { MAX_GATES, POSITIONS } from '../../../../contract/domain/operations/target.ts';
import type { Dictionary } from '../../../dictionaries/dictionary.ts';
import { foldedBias, perFeatureRows, pickRows, rowsRead } from '../../../dictionaries/encoderGraph.ts';
import { DICTIONARY_KINDS, kindOf } from '../../../dictionaries/kinds/index.ts';
import type { PerFeature } from '../../../dictionaries/kinds/kind.ts';
import type { Dictionaries } from '../../../edits/editPatches.ts';
import { writeFileAtomic } from '../../../files/atomicWrite.ts';
import { openFile } from '../../../files/byteSource.ts';
import {
  readFloatTensor,
  readSafetensorsHeader,
  writeSafetensors,
  type TensorToWrite,
} from '../../../formats/safetensors.ts';
import { readJsonObject } from '../../../files/json.ts';
import type { ModulePlace } from '../../../models/transformersModules.ts';

export const EDIT_FILE = 'edit.json';
export const ROWS_FILE = 'edit.safetensors';
const FORMAT = 'errata.hook.1';

const count = v.pipe(v.number(), v.integer(), v.minValue(0));
const moduleName = v.pipe(v.string(), v.regex(/^[A-Za-z_]\w*(\.\w+){0,20}$/u, 'expected the path of a module'));

const operationSchema = v.strictObject({
  kind: v.picklist(OPERATION_KINDS),
  feature: featureSchema,
  /** Of the encoder's rows. Of the decoder, operation i has row i. */
  row: count,
  /** factor, value or amount; null for a kind that takes none. */
  number: v.nullable(float32Schema),
  positions: v.picklist(POSITIONS),
  /** For fromFirstFiring: the row of the feature that must have fired. */
  first_row: v.nullable(count),
  gates: v.pipe(
    v.array(v.strictObject({ feature: featureSchema, row: count, threshold: float32Schema })),
    v.maxLength(MAX_GATES),
  ),
});

const dictionarySchema = v.strictObject({
  /** The tensors are `NAME.encoder` [rows, d], `.encoder_bias` [rows], `.decoder` [operations, d], and those [rows] of its kind (`.threshold`). */
  name: v.pipe(v.string(), v.regex(/^d\d{1,4}$/u)),
  hash: v.string(),
  architecture: v.picklist(DICTIONARY_KINDS),
  k: v.nullable(count),
  operations: v.pipe(v.array(operationSchema), v.maxLength(MAX_OPERATIONS)),
});

const hookSchema = v.strictObject({
  format: v.literal(FORMAT, `expected the format ${FORMAT}`),
  bos_token_id: v.nullable(count),
  places: v.pipe(
    v.array(
      v.strictObject({
        site: siteSchema,
        module: moduleName,
        at: v.picklist(['input', 'output']),
        plus_input_of: v.nullable(moduleName),
        dictionaries: v.array(dictionarySchema),
      }),
    ),
    v.maxLength(10_000),
  ),
});

export type HookDescription = v.InferOutput<typeof hookSchema>;
export type HookOperation = v.InferOutput<typeof operationSchema>;
export type HookDictionary = v.InferOutput<typeof dictionarySchema>;

/** The rows of one dictionary at one site. */
export interface HookRows {
  readonly d: number;
  /** `[rows, d]` */
  readonly encoder: Float32Array;
  /** `[rows]`, the centre folded in. */
  readonly encoderBias: Float32Array;
  /** `[rows]` each: what the kind selects by. */
  readonly perFeature: PerFeature;
  /** `[operations, d]` */
  readonly decoder: Float32Array;
}

export interface Hook {
  readonly description: HookDescription;
  /** By the name of the dictionary in the description. */
  readonly rows: ReadonlyMap<string, HookRows>;
}

/** What is written for an edit. */
export function hookOf(
  edit: Edit,
  dictionaries: Dictionaries,
  places: ReadonlyMap<string, ModulePlace>,
  bosTokenId: number | null,
): Hook {
  const rows = new Map<string, HookRows>();
  const described = [...places].map(([site, { module, at, plusInputOf }]) => {
    const here = edit.operations.filter((operation) => operation.site === site);
    const hashes = [...new Set(here.map(({ dictionary }) => dictionary))];
    return {
      site,
      module,
      at,
      plus_input_of: plusInputOf,
      dictionaries: hashes.map((hash) => {
        const dictionary = dictionaries.get(hash);
        if (!dictionary) throw new AppError('not-found', `The dictionary ${hash.slice(0, 10)} is not here.`);
        const name = `d${rows.size}`;
        const operations = here.filter((operation) => operation.dictionary === hash);
        const kind = kindOf(dictionary);
        const features = rowsRead(
          dictionary,
          [...new Set(operations.flatMap(featuresOf))].sort((a, b) => a - b),
        );
        rows.set(name, {
          d: dictionary.d,
          encoder: pickRows(dictionary.encoder, dictionary.d, features),
          encoderBias: foldedBias(dictionary, features),
          perFeature: Object.fromEntries(
            kind.perFeature.map((part) => [part, perFeatureRows(dictionary, part, features)]),
          ),
          decoder: pickRows(
            dictionary.decoder,
            dictionary.d,
            operations.map(({ feature }) => feature),
          ),
        });
        const rowOf = (feature: number) => features?.indexOf(feature) ?? feature;
        return {
          name,
          hash,
          architecture: dictionary.architecture,
          k: kind.competes ? dictionary.k : null,
          operations: operations.map((operation) => describeOperation(operation, rowOf)),
        };
      }),
    };
  });
  return { description: { format: FORMAT, bos_token_id: bosTokenId, places: described }, rows };
}

function describeOperation(operation: Operation, rowOf: (feature: number) => number): HookOperation {
  const { kind, feature, scope, gates } = operation;
  return {
    kind,
    feature,
    row: rowOf(feature),
    number: numberOf(operation),
    positions: scope.positions,
    first_row: scope.positions === 'fromFirstFiring' ? rowOf(scope.feature) : null,
    gates: gates.map((gate) => ({ ...gate, row: rowOf(gate.feature) })),
  };
}

export async function writeHook(folder: string, { description, rows }: Hook): Promise<void> {
  const tensors = [...rows].flatMap(([name, { d, encoder, encoderBias, perFeature, decoder }]): TensorToWrite[] => {
    const tensor = (part: string, shape: readonly number[], data: Float32Array) =>
      ({ name: `${name}.${part}`, dtype: 'F32', shape, data }) as const;
    const count = encoderBias.length;
    return [
      tensor('encoder', [count, d], encoder),
      tensor('encoder_bias', [count], encoderBias),
      ...Object.entries(perFeature).map(([part, data]) => tensor(part, [count], data)),
      tensor('decoder', [decoder.length / d, d], decoder),
    ];
  });
  await writeSafetensors(join(folder, ROWS_FILE), tensors, { format: 'pt' });
  await writeFileAtomic(join(folder, EDIT_FILE), `${JSON.stringify(description, null, 1)}\n`);
}

/** @throws AppError `not-found`, `invalid-file` that names the file and what in it is wrong. */
export async function readHook(folder: string): Promise<Hook> {
  const path = join(folder, EDIT_FILE);
  const description = validate(hookSchema, await readJsonObject(path), path, 'invalid-file');
  const rowsPath = join(folder, ROWS_FILE);
  const source = await openFile(rowsPath);
  const rows = new Map<string, HookRows>();
  try {
    const { tensors } = await readSafetensorsHeader(source);
    const read = async (name: string, shape: readonly (number | null)[]) => {
      const info = tensors.get(name);
      if (!info) throw wrong(rowsPath, `the tensor ${name} is missing`);
      const fits =
        info.shape.length === shape.length && shape.every((size, axis) => size === null || size === info.shape[axis]);
      if (!fits) throw wrong(rowsPath, `the tensor ${name} has the wrong shape`);
      return { values: await readFloatTensor(source, info), shape: info.shape };
    };
    for (const dictionary of description.places.flatMap((place) => place.dictionaries)) {
      const { name, operations, k } = dictionary;
      const kind = kindOf(dictionary);
      const { values: encoder, shape } = await read(`${name}.encoder`, [null, null]);
      const [count = 0, d = 0] = shape;
      if (rows.has(name)) throw wrong(path, `it names the dictionary ${name} twice`);
      if (kind.competes && (k === null || k < 1 || k > count))
        throw wrong(path, `${name} cannot keep ${String(k)} features`);
      for (const { row, first_row: first, gates, kind, number, positions } of operations) {
        const used = [row, ...gates.map((gate) => gate.row), ...(first === null ? [] : [first])];
        if (used.some((index) => index >= count))
          throw wrong(path, `${name} has ${count} rows, and an operation asks for more`);
        if ((OPERATIONS[kind].number === null) !== (number === null))
          throw wrong(path, `an operation ${kind} has the wrong number`);
        if ((positions === 'fromFirstFiring') !== (first !== null))
          throw wrong(path, 'an operation has the wrong scope');
      }
      if (new Set(operations.map(({ row }) => row)).size !== operations.length)
        throw wrong(path, 'two operations on one feature');
      const perFeature: Record<string, Float32Array> = {};
      for (const part of kind.perFeature) perFeature[part] = (await read(`${name}.${part}`, [count])).values;
      rows.set(name, {
        d,
        encoder,
        encoderBias: (await read(`${name}.encoder_bias`, [count])).values,
        perFeature,
        decoder: (await read(`${name}.decoder`, [operations.length, d])).values,
      });
    }
  } finally {
    await source.close();
  }
  return { description, rows };
}

function wrong(path: string, reason: string): AppError {
  return new AppError('invalid-file', `${path}: ${reason}.`, { details: { path } });
}

/** The edit as our own graphs take it: dictionaries of the exported rows only, under hashes that stand for them. */
export function editOfHook({ description, rows }: Hook): { readonly edit: Edit; readonly dictionaries: Dictionaries } {
  const dictionaries = new Map<string, Dictionary>();
  const operations: Operation[] = [];
  for (const { site, dictionaries: here } of description.places) {
    for (const { name, architecture, k, operations: described } of here) {
      const found = rows.get(name);
      if (!found) throw new AppError('internal', `The rows of ${name} are missing.`);
      const { d, encoder, encoderBias, perFeature } = found;
      const size = encoderBias.length;
      const hash = name.slice(1).padStart(64, '0');
      const decoder = new Float32Array(size * d);
      for (const [index, { row }] of described.entries()) {
        decoder.set(found.decoder.subarray(index * d, (index + 1) * d), row * d);
      }
      dictionaries.set(hash, {
        architecture,
        d,
        size,
        k,
        encoder,
        encoderBias,
        decoder,
        decoderBias: new Float32Array(d),
        centre: new Float32Array(d),
        perFeature,
        site,
        modelHash: '',
      });
      operations.push(...described.map((one) => operationOf(one, { site, dictionary: hash })));
    }
  }
  return { edit: { operations }, dictionaries };
}

function operationOf(one: HookOperation, place: { readonly site: string; readonly dictionary: string }): Operation {
  const { kind, row, positions, first_row: first, gates, number } = one;
  return makeOperation(kind, number ?? 0, {
    ...place,
    feature: row,
    scope: positions === 'fromFirstFiring' ? { positions, feature: first ?? row } : { positions },
    gates: gates.map((gate) => ({ feature: gate.row, threshold: gate.threshold })),
  });
}
