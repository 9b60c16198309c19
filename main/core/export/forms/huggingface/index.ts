// The original checkpoint, linked, and a Python file that applies the edit to it with hooks. It is opened without Python: the
// checkpoint is imported as any model is, and the edit that the files hold is spliced in. Our graph stands for the Python
// there, so the Python's formula is checked by itself.
import { fixEdit } from '../../../edits/editPatches.ts';
import { openModel } from '../../../models/model.ts';
import { join } from 'node:path';
import { checkpointModel } from '../../checkpoints/checkpointModel.ts';
import { CHECK_TRANSFORMERS, transformersCode } from '../../checkpoints/transformersCode.ts';
import { editExactness } from '../../editExactness.ts';
import { NO_INPUTS, refusedPlan, type ExportForm } from '../form.ts';
import { checkFormula } from './checkFormula.ts';
import { EDIT_FILE, editOfHook, readHook, ROWS_FILE } from './hookFile.ts';
import { planHook } from './hookPlan.ts';
import { HOOK_FILE, ORIGINAL_FOLDER } from './hookPython.ts';
import { writeHookForm } from './writeHookForm.ts';

export const huggingface = {
  name: 'huggingface',
  title: 'Checkpoint with a hook',
  description: 'The original checkpoint, linked, and a small Python file that applies the edit in transformers.',
  carries: 'Every operation, in every scope and behind every gate, at sites that a module of transformers holds.',
  calibrates: true,
  plan(facts) {
    const places = planHook(facts.model, facts.operations);
    if ('refused' in places) return refusedPlan(places.refused);
    return editExactness(facts, 'A hook computes the edit at its site.');
  },
  write: async (folder, options) => ({
    files: await writeHookForm(folder, options),
    inputs: NO_INPUTS,
    exactness: null,
    compiled: null,
    notes: [],
  }),
  async open(runtime, folder, { model: { bosTokenId } }) {
    const model = await openModel(join(folder, ORIGINAL_FOLDER));
    const { edit, dictionaries } = editOfHook(await readHook(folder));
    return checkpointModel(runtime, model, fixEdit(edit, dictionaries, bosTokenId));
  },
  requiredFiles: [`${ORIGINAL_FOLDER}/config.json`, EDIT_FILE, ROWS_FILE, HOOK_FILE],
  check: checkFormula,
  loadingCode: () => [
    transformersCode('from errata_edit import load\n\nmodel = load()', {
      tokenizer: ORIGINAL_FOLDER,
      more: `
# The prompt is what generation begins with. In a single pass over prompt and generated text, say where the prompt ends:
# model.errata.prompt_lengths = [3]
`,
    }),
  ],
  checkModel: CHECK_TRANSFORMERS,
  pythonNeeds: 'torch and transformers',
  readme: {
    what: 'The original checkpoint, and PyTorch hooks that apply the edit to it.',
    files:
      () => `- \`original/\`: the checkpoint as it was (hard links to its weights, or copies). It is *not* patched: loaded by itself it is the original model.
- \`errata_edit.py\`, \`edit.json\`, \`edit.safetensors\`: the hooks, what they do, and the rows of the dictionaries they need.`,
  },
} satisfies ExportForm<'huggingface'>;
