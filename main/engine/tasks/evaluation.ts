// Behaviours on a model, with and without an edit, and the whole evaluation of an edit.
import * as v from 'valibot';
import { openCorpusFor } from '../../core/activations/modelCorpus.ts';
import { splitContexts } from '../../core/activations/rowSelection.ts';
import { openStore } from '../../core/activations/store.ts';
import { evaluationSettingsSchema } from '../../contract/domain/evaluationSettings.ts';
import { heldOutSetting } from '../../contract/domain/trainingSettings.ts';
import { hashDictionary } from '../../core/dictionaries/dictionary.ts';
import { loadDictionary } from '../../core/dictionaries/saeLens.ts';
import { EMPTY_EDIT, parseEdit, type Edit } from '../../contract/domain/edit.ts';
import { placesOf, type Dictionaries } from '../../core/edits/editPatches.ts';
import { budgetSchema } from '../../contract/domain/budgetSettings.ts';
import { CASE_SPLITS } from '../../contract/domain/behaviour.ts';
import { parseBehaviour } from '../../core/behaviours/behaviour.ts';
import { evaluateEdit as evaluate } from '../../core/evaluation/evaluateEdit.ts';
import { forecastEdit as forecast, type ForecastStatistics } from '../../core/evaluation/forecast.ts';
import { readForecastStatistics } from '../../core/evaluation/forecastStatistics.ts';
import { readHeldOut } from '../../core/evaluation/heldOut.ts';
import { openPromptEncoder } from '../../core/behaviours/prompts.ts';
import { casesOf, runCases, type CaseOutcome } from '../../core/behaviours/runBehaviour.ts';
import { AnswerSoundness } from '../../core/evaluation/answerSoundness.ts';
import { at } from '../../core/evaluation/spread.ts';
import { replacedBySound } from '../../core/evaluation/suites.ts';
import { IntervenableModel, NO_INTERVENTION } from '../../core/interventions/intervenableModel.ts';
import type { Model } from '../../core/models/model.ts';
import { defineTask } from '../task.ts';
import { modelEntries, openTaskModel } from './model.ts';

/** Where text that no edit may make less likely comes from. */
export const textSource = v.variant('from', [
  v.object({ from: v.literal('none') }),
  v.object({ from: v.literal('corpus'), path: v.string(), field: v.exactOptional(v.string()) }),
  v.object({ from: v.literal('store'), folder: v.string(), heldOutFraction: heldOutSetting }),
]);

async function loadDictionaries(folders: readonly string[]): Promise<Dictionaries> {
  const loaded = await Promise.all(folders.map((folder) => loadDictionary(folder)));
  return new Map(loaded.map((dictionary) => [hashDictionary(dictionary), dictionary]));
}

export async function readText(
  source: v.InferOutput<typeof textSource>,
  model: Model,
  { contexts, seed }: { readonly contexts: number; readonly seed: number },
): Promise<readonly (readonly number[])[]> {
  if (source.from === 'none' || contexts === 0) return [];
  if (source.from === 'corpus') {
    const corpus = await openCorpusFor(model, source.path, source.field === undefined ? {} : { field: source.field });
    return readHeldOut(corpus, await model.tokenizer(), model.config, { contexts, seed });
  }
  const store = await openStore(source.folder);
  try {
    const { first, end } = splitContexts(store, source.heldOutFraction).heldOut;
    const count = Math.min(contexts, end - first);
    const rows: number[][] = [];
    for (let index = 0; index < count; index++) {
      rows.push(Array.from(await store.contexts.read(first + Math.floor((index * (end - first)) / count), 1)));
    }
    return rows;
  } finally {
    await store.close();
  }
}

/** By a dictionary's hash: the folder with the statistics of its features. */
const statisticsEntry = v.exactOptional(v.record(v.string(), v.string()), {});

async function loadStatistics(
  folders: Readonly<Record<string, string>>,
  edit: Edit,
): Promise<ReadonlyMap<string, ForecastStatistics>> {
  const read = Object.entries(folders).map(async ([hash, folder]) => {
    const own = edit.operations.filter(({ dictionary }) => dictionary === hash).map(({ feature }) => feature);
    return [hash, await readForecastStatistics(folder, hash, [...new Set(own)])] as const;
  });
  return new Map(await Promise.all(read));
}

/** What unedited models gave in the evaluations of late: the next evaluation of one of them needs the same. */
const originals = new Map<string, readonly CaseOutcome[]>();
const ORIGINALS_KEPT = 64;

function forgetOldOriginals(): void {
  for (const key of [...originals.keys()].slice(0, -ORIGINALS_KEPT)) originals.delete(key);
}

/** An evaluation report; see contract/domain/evaluationReport.ts. */
export const evaluateEdit = defineTask({
  lane: 'long',
  input: v.object({
    model: v.object(modelEntries),
    /** Operations as in an edit's file. */
    edit: v.unknown(),
    /** Folders of the dictionaries that the edit names. */
    dictionaries: v.array(v.string()),
    statistics: statisticsEntry,
    behaviours: v.array(v.unknown()),
    targets: v.exactOptional(v.array(v.string())),
    text: textSource,
    settings: evaluationSettingsSchema,
    /** Null: no verdict. */
    budget: v.nullable(budgetSchema),
  }),
  run: async ({ model: modelInput, dictionaries, ...input }, { runtime, signal, onWork }) => {
    const model = await openTaskModel(modelInput);
    const { settings } = input;
    const edit = parseEdit(input.edit);
    forgetOldOriginals();
    return evaluate({
      model,
      runtime,
      originals,
      dictionaries: await loadDictionaries(dictionaries),
      statistics: await loadStatistics(input.statistics, edit),
      edit,
      behaviours: input.behaviours.map((behaviour) => parseBehaviour(behaviour)),
      ...(input.targets === undefined ? {} : { targets: input.targets }),
      heldOut: await readText(input.text, model, settings),
      settings,
      budget: input.budget,
      signal,
      onWork,
    });
  },
});

/** The outcome of every case, in their order. */
export const runBehaviour = defineTask({
  lane: 'long',
  input: v.object({
    model: v.object(modelEntries),
    edit: v.unknown(),
    dictionaries: v.array(v.string()),
    behaviour: v.unknown(),
    split: v.exactOptional(v.picklist(CASE_SPLITS)),
    /** Stands before every prompt: a prompt-only intervention. */
    instruction: v.exactOptional(v.string(), ''),
    /** Whose prompts show what the model's own answers are like; without any, nothing is said of soundness. */
    preserve: v.exactOptional(v.array(v.unknown()), []),
  }),
  run: async (
    { model: modelInput, dictionaries, split, instruction, preserve, ...input },
    { runtime, signal, onWork },
  ) => {
    const model = await openTaskModel(modelInput);
    const edit = parseEdit(input.edit);
    const behaviour = parseBehaviour(input.behaviour);
    const cases = casesOf(behaviour, split);
    const intervenable = new IntervenableModel({
      model,
      runtime,
      dictionaries: await loadDictionaries(dictionaries),
      places: placesOf(edit),
    });
    try {
      const onRows = (done: number) =>
        onWork({ stage: `Running ${behaviour.name}`, done, total: cases.length, unit: 'cases' });
      const encoder = await openPromptEncoder(model);
      const outcomes = await runCases(intervenable, { edit }, behaviour, cases, encoder, {
        instruction,
        signal,
        onRows,
      });
      const gone = [...cases.keys()].filter((index) => outcomes[index]?.passed === false);
      const suites = preserve.map((each) => parseBehaviour(each));
      const soundness =
        suites.length === 0 || gone.length === 0
          ? null
          : await AnswerSoundness.open(intervenable, encoder, suites, { signal });
      const goneOf = <T>(values: readonly T[]) => gone.map((index) => at(values, index));
      const base = soundness
        ? await runCases(intervenable, NO_INTERVENTION, behaviour, goneOf(cases), encoder, { instruction, signal })
        : [];
      return {
        outcomes: outcomes.map(({ passed, score, output }) => ({ passed, score, output })),
        /** Of the answers to cases that do not pass, those that are sound; null where nothing was judged. */
        sound: soundness && replacedBySound(await soundness.judge(goneOf(outcomes), base, { signal })),
      };
    } finally {
      await intervenable.release();
    }
  },
});

/** What an edit will probably move; nothing of the model is run. */
export const forecastEdit = defineTask({
  lane: 'quick',
  input: v.object({ edit: v.unknown(), dictionaries: v.array(v.string()), statistics: statisticsEntry }),
  run: async ({ dictionaries, statistics, ...input }) => {
    const edit = parseEdit(input.edit);
    const whole = forecast(edit, await loadDictionaries(dictionaries), await loadStatistics(statistics, edit));
    return { places: whole.map(({ forecast: place }) => place) };
  },
});

/** Cases of a behaviour on the model as it is and with each of some edits: the verdict of each check, and the text. */
export const tryCases = defineTask({
  lane: 'quick',
  input: v.object({
    model: v.object(modelEntries),
    edits: v.array(v.unknown()),
    /** Of all the edits. */
    dictionaries: v.array(v.string()),
    /** Of these cases alone. */
    behaviour: v.unknown(),
  }),
  run: async ({ model: modelInput, dictionaries, ...input }, { runtime, signal }) => {
    const model = await openTaskModel(modelInput);
    const edits = input.edits.map((each) => parseEdit(each));
    const behaviour = parseBehaviour(input.behaviour, 'The case');
    const intervenable = new IntervenableModel({
      model,
      runtime,
      dictionaries: await loadDictionaries(dictionaries),
      places: placesOf({ operations: edits.flatMap(({ operations }) => operations) }),
    });
    try {
      const encoder = await openPromptEncoder(model);
      const run = async (edit: Edit) => {
        const outcomes = await runCases(intervenable, { edit }, behaviour, behaviour.cases, encoder, { signal });
        return outcomes.map(({ passed, output, verdicts }) => ({ passed, output, verdicts }));
      };
      const original = await run(EMPTY_EDIT);
      const edited: Awaited<ReturnType<typeof run>>[] = [];
      for (const edit of edits) edited.push(await run(edit));
      /** Of each case, in order: without an edit, and with each of them in turn. */
      return { cases: original.map((one, index) => ({ original: one, edited: edited.map((row) => at(row, index)) })) };
    } finally {
      await intervenable.release();
    }
  },
});
