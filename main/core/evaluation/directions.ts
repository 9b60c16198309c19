// How an edit moves activations on given texts, and the plain directions that it is compared with: the difference of the
// means of two groups of prompts, and the edit's own mean shift.
import type { SiteShift } from '../../contract/domain/evaluationReport.ts';
import { AppError } from '../../contract/base/errors.ts';
import type { Dictionary } from '../dictionaries/dictionary.ts';
import type { Dictionaries, DictionarySite } from '../edits/editPatches.ts';
import { InteractiveEdit } from '../edits/editPatches.ts';
import { EMPTY_EDIT, type Edit } from '../../contract/domain/edit.ts';
import type { Model } from '../models/model.ts';
import { tokenTensor } from '../models/tokenBatch.ts';
import { buildVariant, type Patch } from '../models/variant.ts';
import * as op from '../onnx/ops.ts';
import type { Runtime } from '../onnx/runtime.ts';
import type { Text } from '../interventions/intervenableModel.ts';

/** What an edit adds at one site, over the positions of the texts where it adds anything. */
export interface MeasuredShift extends SiteShift {
  /** Mean of x' − x, not normalised; `[width]`. */
  readonly meanShift: Float64Array;
}

export interface Directions {
  readonly shifts: readonly MeasuredShift[];
  /** By site: mean activation at the last position of the first group of prompts less that of the second, `[width]`. */
  readonly differences: ReadonlyMap<string, Float64Array>;
}

export interface DirectionsInput {
  readonly model: Model;
  readonly runtime: Runtime;
  readonly dictionaries: Dictionaries;
  readonly places: readonly DictionarySite[];
  readonly edit: Edit;
  /** On which the edit's shift is measured. */
  readonly texts: readonly Text[];
  /** Prompts that show the behaviour, and prompts that do not. */
  readonly groups: readonly [readonly (readonly number[])[], readonly (readonly number[])[]];
  readonly signal?: AbortSignal | undefined;
}

const BATCH_TOKENS = 4096;

/** @throws AppError `diverged` when an activation is not finite, `empty` without prompts in either group. */
export async function measureDirections(input: DirectionsInput): Promise<Directions> {
  const { model, runtime, dictionaries, places, edit, texts, groups, signal } = input;
  const interactive = new InteractiveEdit(places, dictionaries, {
    bosTokenId: model.config.bosTokenId,
    promptLength: true,
    firstFiring: true,
  });
  const sites = interactive.patches.map(({ site }) => site);
  const patches = interactive.patches.map(withDelta);
  const session = await runtime.createSession(buildVariant(model, { taps: sites, patches }), {
    weightsFolder: model.weightsFolder,
  });
  /** Rows one after another, with the values of an output at each of their positions. */
  const run = async (
    rows: readonly Text[],
    intervention: Edit,
    take: (outputs: (name: string, position: number) => Float32Array, row: Text) => void,
  ) => {
    for (const batch of batches(rows)) {
      if (signal?.aborted) throw new AppError('cancelled', 'The evaluation was cancelled.');
      const promptLengths = batch.map(({ promptLength }) => promptLength);
      const results = await session.run({
        ...interactive.feeds(intervention, { batch: batch.length, promptLengths }),
        input_ids: tokenTensor(
          batch.map(({ ids }) => ids),
          'right',
        ),
      });
      for (const [index, row] of batch.entries()) {
        take((name, position) => {
          const tensor = results[name];
          const width = tensor?.dims[1];
          if (!(tensor?.data instanceof Float32Array) || width === undefined) {
            throw new AppError('internal', `The engine gave no ${name}.`);
          }
          const d = tensor.data.length / (batch.length * width);
          const at = (index * width + position) * d;
          return tensor.data.subarray(at, at + d);
        }, row);
      }
    }
  };
  try {
    const means = [];
    for (const group of groups) {
      if (group.length === 0) throw new AppError('empty', 'A difference of means needs prompts in both groups.');
      const sums = new Map<string, Float64Array>();
      const rows = group.map((ids) => ({ ids, promptLength: ids.length }));
      await run(rows, EMPTY_EDIT, (outputs, { ids }) => {
        for (const site of sites) add(sums, site, outputs(site, ids.length - 1));
      });
      means.push({ sums, count: group.length });
    }
    const [first, second] = means;
    if (!first || !second) throw new AppError('internal', 'There are two groups of prompts.');
    const differences = new Map(
      [...first.sums].map(([site, sums]) => [
        site,
        sums.map((value, j) => value / first.count - (second.sums.get(site)?.[j] ?? NaN) / second.count),
      ]),
    );
    const totals = new Map(sites.map((site) => [site, { norm: 0, acting: 0, positions: 0 }]));
    const deltas = new Map<string, Float64Array>();
    await run(texts, edit, (outputs, { ids }) => {
      for (const [site, total] of totals) {
        for (let position = 0; position < ids.length; position++) {
          const delta = outputs(deltaName(site), position);
          add(deltas, site, delta);
          const norm = Math.sqrt(delta.reduce((sum, value) => sum + value ** 2, 0));
          if (!Number.isFinite(norm))
            throw new AppError('diverged', `The edit moves ${site} by a number that is not finite.`);
          total.norm += norm;
          total.acting += norm > 0 ? 1 : 0;
          total.positions++;
        }
      }
    });
    const shifts = [...totals].map(([site, { norm, acting, positions }]) => ({
      site,
      meanNorm: acting === 0 ? 0 : norm / acting,
      share: positions === 0 ? 0 : acting / positions,
      meanShift: (deltas.get(site) ?? new Float64Array(0)).map((value) => value / Math.max(acting, 1)),
    }));
    return { shifts, differences };
  } finally {
    await session.release();
  }
}

/** A dictionary whose features are directions of unit length: steered along, they never fire by themselves. */
export function directionDictionary(site: string, directions: readonly Float64Array[]): Dictionary {
  const d = directions[0]?.length ?? 0;
  const decoder = new Float32Array(directions.length * d);
  for (const [row, direction] of directions.entries()) {
    const norm = Math.sqrt(direction.reduce((sum, value) => sum + value ** 2, 0));
    if (norm > 0)
      decoder.set(
        direction.map((value) => value / norm),
        row * d,
      );
  }
  return {
    architecture: 'jumprelu',
    d,
    size: directions.length,
    k: null,
    encoder: new Float32Array(directions.length * d),
    encoderBias: new Float32Array(directions.length),
    decoder,
    decoderBias: new Float32Array(d),
    centre: new Float32Array(d),
    perFeature: { threshold: new Float32Array(directions.length).fill(1) },
    site,
    modelHash: '',
  };
}

function deltaName(site: string): string {
  return `delta.${site}`;
}

function withDelta(patch: Patch): Patch {
  return {
    ...patch,
    apply: (x) => {
      const patched = patch.apply(x);
      x.graph.output(op.sub(patched, x), deltaName(patch.site));
      return patched;
    },
  };
}

function add(sums: Map<string, Float64Array>, site: string, values: Float32Array): void {
  const sum = sums.get(site) ?? new Float64Array(values.length);
  for (let j = 0; j < values.length; j++) sum[j] = (sum[j] as number) + (values[j] as number);
  sums.set(site, sum);
}

function batches(rows: readonly Text[]): Text[][] {
  const sorted = [...rows].sort((a, b) => a.ids.length - b.ids.length);
  const result: Text[][] = [];
  for (const row of sorted) {
    const open = result.at(-1);
    if (open && (open.length + 1) * row.ids.length <= BATCH_TOKENS) open.push(row);
    else result.push([row]);
  }
  return result;
}
