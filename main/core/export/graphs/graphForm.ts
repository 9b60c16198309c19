// What the forms for ONNX Runtime have in common: the edit is part of the graphs, which are run as they are.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { buildVariantGraph } from '../../models/variant.ts';
import { editExactness } from '../editExactness.ts';
import type { ExportForm, WriteOptions } from '../forms/form.ts';
import { copyCompanions } from '../checkpoints/companions.ts';
import type { Manifest, WrittenFile } from '../manifest.ts';
import { artifactFeeds } from './artifactFeeds.ts';
import { onnxNode, onnxPython } from './loadingCode.ts';
import { CACHED_MODEL_FILE, MODEL_FILE, type ModelProtos } from './writeGraphs.ts';

const CHECK_ONNX = readFileSync(new URL('./check_model.py', import.meta.url), 'utf8');

type WriteGraphs = (folder: string, models: ModelProtos, options: WriteOptions) => Promise<WrittenFile[]>;

/** @param weights where they are: an item of the README's list. */
export function graphForm(writeGraphs: WriteGraphs, weights: string) {
  return {
    carries: 'Every operation, in every scope and behind every gate, at every site.',
    calibrates: true,
    plan: (facts) => editExactness(facts, 'The edit is spliced into the graph at its site.'),
    async write(folder, options) {
      const { model, fixed } = options;
      const { patches, needsPromptLength, states } = fixed;
      const models = [false, true].map((cache) =>
        buildVariantGraph(model, { head: 'logits', patches, cache }).toModelProto(),
      );
      const files = await writeGraphs(folder, models, options);
      const companions = await copyCompanions(model.folder, folder, true);
      return {
        files: [...files, ...companions.map((name) => ({ name, storage: 'own' as const }))],
        inputs: {
          promptLength: needsPromptLength,
          states: states.map(({ past, operations }) => ({ name: past.replace(/^past_/u, ''), operations })),
        },
        exactness: null,
        compiled: null,
        notes: [],
      };
    },
    open: (runtime, folder, { inputs }) =>
      Promise.resolve({
        open: (cache) => runtime.createSession(join(folder, cache ? CACHED_MODEL_FILE : MODEL_FILE)),
        feedsOf: artifactFeeds(inputs),
      }),
    requiredFiles: [MODEL_FILE, CACHED_MODEL_FILE],
    check: null,
    loadingCode: ({ inputs }) => [
      { title: 'Python, onnxruntime', language: 'python', code: onnxPython(inputs) },
      { title: 'Node, onnxruntime-node', language: 'js', code: onnxNode(inputs) },
    ],
    checkModel: CHECK_ONNX,
    pythonNeeds: 'onnxruntime',
    readme: {
      what: 'The edit is part of the graphs: nothing else is needed to run it.',
      files: (facts) => filesText(facts, weights),
    },
  } satisfies Omit<ExportForm, 'name' | 'title' | 'description'>;
}

function filesText({ inputs, model }: Pick<Manifest, 'inputs' | 'model'>, weights: string): string {
  const extra = [
    ...(inputs.promptLength ? ['`prompt_length` int64 `[batch]`: tokens of each prompt.'] : []),
    ...inputs.states.map(
      ({ name, operations: count }) =>
        `\`past_${name}\` bool \`[${count}, batch, 1]\` (model_with_past.onnx): all false at first, then the output \`present_${name}\` of the last run.`,
    ),
  ];
  return `- \`model.onnx\`: \`input_ids\` int64 \`[batch, time]\` → \`logits\` float32 \`[batch, time, ${model.vocabularySize}]\`. Pad short rows on the right.
- \`model_with_past.onnx\`: the same with a key-value cache, for generation. Pad short rows on the left; \`left_padding\` int64 \`[batch]\` says by how much.${extra.map((line) => `\n- also: ${line}`).join('')}
- ${weights}`;
}
