// Edits inside whole models: random tiny ones, and the trained stories260K where the shared fixtures are present.
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { Tensor } from 'onnxruntime-common';
import { describe, expect, it } from 'vitest';
import { randomDictionary } from '../../testing/dictionaries/randomDictionary.ts';
import { openGenerator, type Generator } from '../models/generate.ts';
import { openModel, type Model } from '../models/model.ts';
import { expectClose, floats, runtime, runVariant } from '../../testing/models/runVariant.ts';
import { openTinyModel } from '../../testing/models/temporaryFolder.ts';
import { int64Tensor, tokenTensor } from '../models/tokenBatch.ts';
import { findSite } from '../models/sites.ts';
import { buildVariant } from '../models/variant.ts';
import { Random } from '../numerics/random.ts';
import type { Session } from '../onnx/runtime.ts';
import type { Action, Operation } from '../../contract/domain/operations/index.ts';
import type { Edit } from '../../contract/domain/edit.ts';
import type { Scope } from '../../contract/domain/operations/target.ts';
import { fixEdit, InteractiveEdit, type Dictionaries, type DictionarySite } from './editPatches.ts';
import { referenceEdit } from '../../testing/edits/referenceEdit.ts';

const stories = fileURLToPath(new URL('../../../../shared/fixtures/models/stories260K', import.meta.url));
if (!existsSync(stories)) console.log('skipped: edits in stories260K, because ../shared/fixtures is not there');

const hashes = ['a', 'b', 'c'].map((letter) => letter.repeat(64)) as [string, string, string];

interface Bench {
  readonly model: Model;
  readonly dictionaries: Dictionaries;
  readonly places: readonly DictionarySite[];
}

/** Random dictionaries at three sites of the first two blocks, one of them with heads. */
function bench(model: Model): Bench {
  const sites = ['blocks.0.hook_resid_post', 'blocks.1.attn.hook_z', 'blocks.1.hook_resid_post'];
  const architectures = ['jumprelu', 'relu', 'topk'] as const;
  const places = sites.map((site, index) => ({ site, dictionary: hashes[index] ?? '' }));
  const dictionaries = new Map(
    places.map(({ site, dictionary }, index) => {
      const d = findSite(model.sites, site).width;
      const random = new Random(index);
      return [dictionary, randomDictionary(random, architectures[index] ?? 'relu', { d, size: 3 * d, k: 5, site })];
    }),
  );
  return { model, dictionaries, places };
}

const everywhere: Scope = { positions: 'all' };

function operation(
  place: DictionarySite | undefined,
  feature: number,
  action: Action,
  more: Partial<Operation> = {},
): Operation {
  if (!place) throw new Error('no place');
  return { ...place, feature, scope: everywhere, gates: [], ...action, ...more } as Operation;
}

function strongEdit({ places }: Bench, scope: Scope = everywhere): Edit {
  return {
    operations: [
      operation(places[0], 3, { kind: 'steer', amount: 2 }, { scope }),
      operation(places[0], 4, { kind: 'ablate' }),
      operation(places[1], 5, { kind: 'clamp', value: 3 }, { scope }),
      operation(places[2], 6, { kind: 'project', factor: -1 }, { scope }),
      operation(places[2], 7, { kind: 'floor', value: 2 }, { gates: [{ feature: 8, threshold: 0 }] }),
    ],
  };
}

async function greedy(
  generator: Generator,
  feeds: Record<string, Tensor>,
  prompts: readonly (readonly number[])[],
): Promise<number[][]> {
  const result = prompts.map((): number[] => []);
  for await (const { sequence, id } of generator.generate(prompts, { maxNewTokens: 12, stopIds: [], feeds })) {
    result[sequence]?.push(id);
  }
  return result;
}

const scopes: readonly Scope[] = [
  everywhere,
  { positions: 'notBos' },
  { positions: 'promptOnly' },
  { positions: 'generatedOnly' },
  { positions: 'fromFirstFiring', feature: 2 },
];

const models: readonly (readonly [string, () => Promise<Model>])[] = [
  ['a tiny gpt2', () => openTinyModel('gpt2')],
  ['a tiny llama', () => openTinyModel('llama')],
  ...(existsSync(stories) ? [['stories260K', () => openModel(stories)] as const] : []),
];

describe.each(models)('in %s', async (_name, open) => {
  const it_ = bench(await open());
  const { model, dictionaries, places } = it_;
  const { bosTokenId, vocabularySize } = model.config;
  const random = new Random(5);
  const someTokens = (length: number) => Array.from({ length }, () => 3 + random.below(vocabularySize - 3));
  const prompts = [someTokens(7), someTokens(3), someTokens(5)];
  const rows = [someTokens(9), someTokens(9)];
  const input = { input_ids: tokenTensor(rows, 'right') };
  const interactive = new InteractiveEdit(places, dictionaries, { bosTokenId });

  it('an edit changes the value at its site as defined, and what comes later', async () => {
    const [place] = places;
    if (!place) throw new Error('no place');
    const { site } = place;
    const plain = await runVariant(model, { taps: [site], head: 'logits' }, input);
    const edit = { operations: strongEdit(it_, { positions: 'notBos' }).operations.filter((one) => one.site === site) };
    const options = { taps: [site], head: 'logits', patches: interactive.patches, tapsAfterPatches: true } as const;
    const patched = await runVariant(model, options, { ...input, ...interactive.feeds(edit, { batch: 2 }) });
    const d = dictionaries.get(place.dictionary)?.d ?? 0;
    const x = floats(plain[site]);
    const expected = rows.flatMap((tokens, row) =>
      referenceEdit(
        {
          tokens,
          promptLength: 0,
          x: tokens.map((_, t) => x.subarray((row * tokens.length + t) * d, (row * tokens.length + t + 1) * d)),
        },
        edit.operations,
        dictionaries,
        bosTokenId,
      ).flatMap((vector) => [...vector]),
    );
    const actual = floats(patched[site]);
    const scale = Math.max(...x.map(Math.abs));
    // Float32 sums of up to 64 products of numbers of this size, against double precision.
    for (const [i, value] of expected.entries())
      expect(Math.abs((actual[i] ?? NaN) - value)).toBeLessThan(2e-5 * (scale + 3));
    const [before, after] = [floats(plain['logits']), floats(patched['logits'])];
    expect(after.some((logit, i) => Math.abs(logit - (before[i] ?? NaN)) > 1e-3)).toBe(true);
  });

  /** Logits and the value at the first site, of the graph that takes edits. */
  let session: Session | null = null;
  const runEdit = async (edit: Edit) => {
    const site = places[0]?.site ?? '';
    const options = { head: 'logits', taps: [site], patches: interactive.patches, tapsAfterPatches: true } as const;
    session ??= await runtime.createSession(buildVariant(model, options), { weightsFolder: model.weightsFolder });
    const results = await session.run({ ...input, ...interactive.feeds(edit, { batch: 2 }) });
    return { logits: floats(results['logits']), x: floats(results[site]) };
  };

  it('an edit that does nothing leaves every bit of the logits', async () => {
    const nothing = await runEdit({ operations: [] });
    const gated = strongEdit(it_).operations.map((one) => ({ ...one, gates: [{ feature: 1, threshold: 1e6 }] }));
    expect(await runEdit({ operations: gated })).toEqual(nothing);
    // The engine fuses a graph without patches otherwise (in GPT-2 a sum with the norm after it): the last bits may differ.
    const plain = floats((await runVariant(model, { head: 'logits' }, input))['logits']);
    expectClose(nothing.logits, plain, 1e-5 * Math.max(...plain.map(Math.abs)), 'without patches');
  });

  it('a conditional edit leaves every bit of the logits before the first position where it fires', async () => {
    const [place] = places;
    const dictionary = dictionaries.get(place?.dictionary ?? '');
    if (!dictionary) throw new Error('no dictionary');
    const { d, size } = dictionary;
    const nothing = await runEdit({ operations: [] });
    let checked = 0;
    for (let feature = 0; feature < size && checked < 5; feature++) {
      const patched = await runEdit({ operations: [operation(place, feature, { kind: 'clampActive', value: 4 })] });
      for (const start of [0, 9]) {
        const isChanged = (t: number) =>
          nothing.x.subarray(t * d, (t + 1) * d).some((value, j) => value !== patched.x[t * d + j]);
        let end = start;
        while (end < start + 9 && !isChanged(end)) end++;
        const range = [start * vocabularySize, end * vocabularySize] as const;
        expect(patched.logits.slice(...range)).toEqual(nothing.logits.slice(...range));
        if (end > start && end < start + 9) checked++;
      }
    }
    expect(checked).toBeGreaterThanOrEqual(5);
  });

  it('the fixed edit gives the bits of the interactive one', async () => {
    const edit = strongEdit(it_, { positions: 'notBos' });
    const fixed = fixEdit(edit, dictionaries, bosTokenId);
    const a = await runVariant(
      model,
      { head: 'logits', patches: interactive.patches },
      { ...input, ...interactive.feeds(edit, { batch: 2 }) },
    );
    const b = await runVariant(model, { head: 'logits', patches: fixed.patches }, input);
    expect(floats(b['logits'])).toEqual(floats(a['logits']));
  });

  it('each sample of a batch can have its own edit', async () => {
    const perSample = new InteractiveEdit(places, dictionaries, { bosTokenId, perSample: true });
    const same = { input_ids: tokenTensor([rows[0] ?? [], rows[0] ?? [], rows[0] ?? []], 'right') };
    const edits: Edit[] = [
      { operations: [] },
      { operations: [operation(places[0], 2, { kind: 'clamp', value: 3 })] },
      strongEdit(it_),
    ];
    const variant = { head: 'logits', patches: perSample.patches } as const;
    const together = floats(
      (await runVariant(model, variant, { ...same, ...perSample.feeds(edits, { batch: 3 }) }))['logits'],
    );
    const width = together.length / 3;
    for (const [index, edit] of edits.entries()) {
      const feeds = { ...same, ...interactive.feeds(edit, { batch: 3 }) };
      const apart = await runVariant(model, { head: 'logits', patches: interactive.patches }, feeds);
      expect(together.slice(index * width, (index + 1) * width)).toEqual(
        floats(apart['logits']).slice(index * width, (index + 1) * width),
      );
    }
    expect(together.slice(0, width)).not.toEqual(together.slice(width, 2 * width));
  });

  it('generation of a padded batch with a cache equals whole passes over each text alone, in every scope', async () => {
    const full = new InteractiveEdit(places, dictionaries, { bosTokenId, promptLength: true, firstFiring: true });
    const cached = await openGenerator(model, runtime, { patches: full.patches });
    const whole = await openGenerator(model, runtime, { patches: full.patches, cache: false });
    const facts = { batch: prompts.length, promptLengths: prompts.map((prompt) => prompt.length) };
    const unpatched = await greedy(cached, full.feeds({ operations: [] }, facts), prompts);
    for (const scope of scopes) {
      const edit = strongEdit(it_, scope);
      const batched = await greedy(cached, full.feeds(edit, facts), prompts);
      expect(batched).not.toEqual(unpatched);
      for (const [index, prompt] of prompts.entries()) {
        const feeds = full.feeds(edit, { batch: 1, promptLengths: [prompt.length] });
        expect((await greedy(whole, feeds, [prompt]))[0]).toEqual(batched[index]);
      }
      const fixed = fixEdit(edit, dictionaries, bosTokenId);
      const generator = await openGenerator(model, runtime, { patches: fixed.patches });
      expect(await greedy(generator, fixed.feeds(facts), prompts)).toEqual(batched);
      await generator.release();
    }
    await cached.release();
    await whole.release();
  });

  it('feeds that were left out are noticed', async () => {
    const feeds = { ...input, last_position: int64Tensor([8, 8]) };
    await expect(runVariant(model, { head: 'lastLogits', patches: interactive.patches }, feeds)).rejects.toThrow(
      /missing/,
    );
  });
});
