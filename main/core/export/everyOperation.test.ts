// Every operation in every scope behind every kind of gate, at two sites at once, in three forms that must agree: the graph
// that takes edits as inputs (workbench), the .onnx file that has the edit and the weights inside (embedded export), and a model
// in double precision, one number at a time. Over whole texts, and token by token with a key-value cache.
//
// Tolerance 1e-4 of the double-precision logits, which are of order 1 to 10: two blocks of float32 on them gave errors up to
// 1e-5, an operation in the wrong place or of the wrong size is off by more than 1e-2. Between workbench and file: none.
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { Tensor } from 'onnxruntime-common';
import { describe, expect, it } from 'vitest';
import { randomDictionary } from '../../testing/dictionaries/randomDictionary.ts';
import { EMPTY_EDIT, type Edit } from '../../contract/domain/edit.ts';
import type { Action, Operation } from '../../contract/domain/operations/index.ts';
import type { Gate, Scope } from '../../contract/domain/operations/target.ts';
import { fixEdit, InteractiveEdit, type DictionarySite } from '../edits/editPatches.ts';
import { EXAMPLE_ACTIONS } from '../../testing/edits/randomEdits.ts';
import { referenceEdit } from '../../testing/edits/referenceEdit.ts';
import { referenceGpt2, referenceLlama } from '../../testing/models/referenceForward.ts';
import { floats, runtime } from '../../testing/models/runVariant.ts';
import { openTinyModel, temporaryFolder } from '../../testing/models/temporaryFolder.ts';
import { tinyModel } from '../../testing/models/tinyModels.ts';
import { int64Tensor, tokenTensor } from '../models/tokenBatch.ts';
import { buildVariant, buildVariantGraph } from '../models/variant.ts';
import { Random } from '../numerics/random.ts';
import type { Session } from '../onnx/runtime.ts';
import { artifactFeeds } from './graphs/artifactFeeds.ts';
import type { FeedsOf } from './modelRuns.ts';
import { writeEmbedded } from './graphs/onnxFile.ts';

const TOLERANCE = 1e-4;

const scopes: readonly Scope[] = [
  { positions: 'all' },
  { positions: 'notBos' },
  { positions: 'promptOnly' },
  { positions: 'generatedOnly' },
  { positions: 'fromFirstFiring', feature: 2 },
];
const gatings: readonly (readonly [string, readonly Gate[]])[] = [
  ['no gate', []],
  ['a gate', [{ feature: 6, threshold: 0.2 }]],
  ['either of two gates', [{ feature: 6, threshold: 0.6 }, { feature: 9, threshold: 0 }]], // prettier-ignore
  ['a gate that stays closed', [{ feature: 6, threshold: 1e6 }]],
];

describe.each([
  ['gpt2', referenceGpt2, gatings],
  ['llama', referenceLlama, gatings.slice(2, 3)],
] as const)('in a %s', async (name, reference, tried) => {
  const tiny = tinyModel(name);
  const model = await openTinyModel(tiny);
  const { hiddenSize, vocabularySize, bosTokenId, layers, keyValueHeads, headDim } = model.config;
  // One dictionary in which features compete, one in which each fires on its own.
  const [first, second] = [
    { site: 'blocks.0.hook_resid_post', dictionary: 'a'.repeat(64), architecture: 'topk' },
    { site: 'blocks.1.hook_resid_post', dictionary: 'b'.repeat(64), architecture: 'jumprelu' },
  ] as const;
  const places: readonly DictionarySite[] = [first, second];
  const dictionaries = new Map(
    [first, second].map(({ site, dictionary, architecture }, index) => [
      dictionary,
      randomDictionary(new Random(index + 20), architecture, { d: hiddenSize, size: 3 * hiddenSize, k: 9, site }),
    ]),
  );
  const random = new Random(4);
  const someTokens = (length: number) => Array.from({ length }, () => random.below(vocabularySize));
  // Of unequal prompts, so that the cache has padding; one text has a BOS in its middle.
  const texts = [someTokens(11), someTokens(11)];
  if (bosTokenId !== null) texts[0]![4] = bosTokenId;
  const promptLengths = [6, 3];
  const generated = 5;
  const facts = { batch: 2, promptLengths };
  const cut = texts.map((text, row) => text.slice(0, promptLengths[row]! + generated));
  const longest = Math.max(...cut.map(({ length }) => length));

  function editOf(action: Action, scope: Scope, gates: readonly Gate[]): Edit {
    const at = ({ site, dictionary }: DictionarySite, feature: number): Operation => ({
      ...{ site, dictionary, feature, scope, gates },
      ...action,
    });
    return { operations: places.map((place) => at(place, 1)) };
  }

  /** `[row][position][vocabularySize]`. */
  function expected(edit: Edit): number[][][] {
    return cut.map((tokens, row) => {
      const patch = (site: string, rows: readonly (readonly number[])[]) => {
        const here = edit.operations.filter((operation) => operation.site === site);
        if (here.length === 0) return rows;
        const sequence = { x: rows, tokens, promptLength: promptLengths[row]! };
        return referenceEdit(sequence, here, dictionaries, bosTokenId).map((x) => [...x]);
      };
      return reference(tiny, tokens, patch).logits.map((logits) => [...logits]);
    });
  }

  /** The same of a session over whole texts. */
  async function overTexts(session: Session, feedsOf: FeedsOf): Promise<number[][][]> {
    const results = await session.run({ ...feedsOf(facts), input_ids: tokenTensor(cut, 'right') });
    const logits = floats(results['logits']);
    return cut.map((tokens, row) => tokens.map((_, t) => rowAt(logits, row * longest + t)));
  }

  /** Of a session with a cache: the prompts at once, then the tokens after them one by one; from the last of the prompt on. */
  async function stepByStep(session: Session, feedsOf: FeedsOf): Promise<number[][][]> {
    const width = Math.max(...promptLengths);
    const feeds = feedsOf(facts);
    const none = () => new Tensor('float32', new Float32Array(0), [2, keyValueHeads, 0, headDim]);
    let past = Object.fromEntries(
      session.inputNames.filter((input) => input.startsWith('past_')).map((input) => [input, feeds[input] ?? none()]),
    );
    const rows = cut.map((): number[][] => []);
    for (let step = 0; step <= generated; step++) {
      const newest = cut.map((tokens, row) =>
        step === 0 ? tokens.slice(0, promptLengths[row]) : [tokens[promptLengths[row]! + step - 1]!],
      );
      const results = await session.run({
        ...feeds,
        ...past,
        input_ids: tokenTensor(newest, 'left'),
        left_padding: int64Tensor(promptLengths.map((length) => width - length)),
      });
      past = Object.fromEntries(
        Object.keys(past).map((input) => [input, results[input.replace(/^past_/u, 'present_')]!]),
      );
      const logits = floats(results['logits']);
      const time = step === 0 ? width : 1;
      for (const [row, list] of rows.entries()) list.push(rowAt(logits, (row + 1) * time - 1));
    }
    return rows;
  }

  const rowAt = (logits: Float32Array, index: number) =>
    Array.from(logits.subarray(index * vocabularySize, (index + 1) * vocabularySize));
  const fromPromptOn = (rows: readonly (readonly number[][])[]) =>
    rows.map((row, index) => row.slice(promptLengths[index]! - 1));

  function furthest(actual: readonly number[][][], wanted: readonly number[][][]): number {
    const differences = wanted.flatMap((row, i) =>
      row.flatMap((logits, t) => logits.map((logit, id) => Math.abs(logit - (actual[i]?.[t]?.[id] ?? NaN)))),
    );
    return differences.reduce((worst, difference) => (difference <= worst ? worst : difference), 0);
  }

  const interactive = new InteractiveEdit(places, dictionaries, { bosTokenId, promptLength: true, firstFiring: true });
  const open = (cache: boolean) =>
    runtime.createSession(buildVariant(model, { head: 'logits', patches: interactive.patches, cache }), {
      weightsFolder: model.weightsFolder,
    });
  const workbench = { whole: await open(false), cached: await open(true) };
  const folder = await temporaryFolder();

  /** Logits of the files that an embedded export of the edit consists of, read back. */
  async function exported(edit: Edit): Promise<{ whole: number[][][]; cached: number[][][] }> {
    const fixed = fixEdit(edit, dictionaries, bosTokenId);
    const feedsOf = artifactFeeds({
      promptLength: fixed.needsPromptLength,
      states: fixed.states.map(({ past, operations }) => ({ name: past.replace(/^past_/u, ''), operations })),
    });
    const run = async (cache: boolean) => {
      const path = join(folder, `${cache ? 'cached' : 'whole'}.onnx`);
      const graph = buildVariantGraph(model, { head: 'logits', patches: fixed.patches, cache });
      await writeEmbedded(path, graph.toModelProto(), model.weightsFolder, {});
      const session = await runtime.createSession(path);
      try {
        const asked: FeedsOf = (batch) =>
          Object.fromEntries(Object.entries(feedsOf(batch)).filter(([input]) => session.inputNames.includes(input)));
        return await (cache ? stepByStep : overTexts)(session, asked);
      } finally {
        await session.release();
        await rm(path);
      }
    };
    return { whole: await run(false), cached: await run(true) };
  }

  async function shown(edit: Edit): Promise<{ whole: number[][][]; cached: number[][][] }> {
    // States are those of the form with a cache only.
    const feedsOf =
      ({ inputNames }: Session): FeedsOf =>
      (batch) =>
        Object.fromEntries(
          Object.entries(interactive.feeds(edit, batch)).filter(([input]) => inputNames.includes(input)),
        );
    return {
      whole: await overTexts(workbench.whole, feedsOf(workbench.whole)),
      cached: await stepByStep(workbench.cached, feedsOf(workbench.cached)),
    };
  }

  const nothing = await shown(EMPTY_EDIT);
  const unedited = expected(EMPTY_EDIT);

  it('without an edit, workbench and reference agree', () => {
    expect(layers).toBe(2);
    expect(furthest(nothing.whole, unedited)).toBeLessThan(TOLERANCE);
    expect(furthest(nothing.cached, fromPromptOn(unedited))).toBeLessThan(TOLERANCE);
  });

  describe.each(EXAMPLE_ACTIONS)('$kind', (action) => {
    it.each(scopes)('acts alike in all forms, behind every gate: %j', async (scope) => {
      for (const [gating, gates] of tried) {
        const edit = editOf(action, scope, gates);
        const [inWorkbench, inFile] = [await shown(edit), await exported(edit)];
        expect(inFile, `file and workbench, ${gating}`).toEqual(inWorkbench);
        if (gating === 'a gate that stays closed') {
          expect(inFile, 'bit for bit as without an edit').toEqual(nothing);
          continue;
        }
        const wanted = expected(edit);
        expect(furthest(inFile.whole, wanted), `whole texts, ${gating}`).toBeLessThan(TOLERANCE);
        expect(furthest(inFile.cached, fromPromptOn(wanted)), `with a cache, ${gating}`).toBeLessThan(TOLERANCE);
        if (gates.length === 0) expect(furthest(wanted, unedited), 'it does something').toBeGreaterThan(1e-2);
      }
    });
  });
});
