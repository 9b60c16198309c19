// A tiny model with a dictionary and an edit that fit each other, ready for export. Only tests import this file.
import { hashDictionary } from '../../core/dictionaries/dictionary.ts';
import { randomDictionary } from '../dictionaries/randomDictionary.ts';
import type { Edit } from '../../contract/domain/edit.ts';
import type { Operation } from '../../contract/domain/operations/index.ts';
import type { Dictionaries } from '../../core/edits/editPatches.ts';
import type { Model } from '../../core/models/model.ts';
import { findSite } from '../../core/models/sites.ts';
import { Random } from '../../core/numerics/random.ts';

export interface ExportBench {
  readonly model: Model;
  readonly dictionaries: Dictionaries;
  readonly edit: Edit;
  readonly contexts: readonly (readonly number[])[];
  readonly toolVersion: string;
}

const SITES = ['blocks.0.hook_resid_post', 'blocks.1.attn.hook_z'];

/** Two dictionaries at two sites, and an operation of most kinds. */
export async function exportBench(
  model: Model,
  { contextLength = 20, more = [] }: { contextLength?: number; more?: readonly Partial<Operation>[] } = {},
): Promise<ExportBench> {
  const modelHash = await model.hash();
  const dictionaries = SITES.map((site, index) => {
    const d = findSite(model.sites, site).width;
    const architecture = index === 0 ? 'batchtopk' : 'topk';
    return { ...randomDictionary(new Random(index), architecture, { d, size: 2 * d, k: 4, site }), modelHash };
  });
  const [first, second] = dictionaries.map((dictionary) => ({
    site: dictionary.site,
    dictionary: hashDictionary(dictionary),
  }));
  if (!first || !second) throw new Error('no dictionaries');
  const shared = { scope: { positions: 'notBos' }, gates: [] } as const;
  const operations: Operation[] = [
    { ...first, ...shared, feature: 1, kind: 'steer', amount: 2 },
    { ...first, ...shared, feature: 2, kind: 'clamp', value: 3 },
    { ...first, ...shared, feature: 3, kind: 'ablate', gates: [{ feature: 4, threshold: 0.1 }] },
    { ...second, ...shared, feature: 5, kind: 'floor', value: 1 },
    { ...second, ...shared, feature: 6, kind: 'project', factor: 0 },
  ];
  for (const [index, change] of more.entries()) {
    Object.assign(operations[index] ?? {}, change);
  }
  const random = new Random(9);
  const { vocabularySize, bosTokenId } = model.config;
  const contexts = Array.from({ length: 5 }, () => [
    bosTokenId ?? 0,
    ...Array.from({ length: contextLength - 1 }, () => random.below(vocabularySize)),
  ]);
  return {
    model,
    dictionaries: new Map(dictionaries.map((dictionary) => [hashDictionary(dictionary), dictionary])),
    edit: { operations },
    contexts,
    toolVersion: '0.0.0-test',
  };
}
