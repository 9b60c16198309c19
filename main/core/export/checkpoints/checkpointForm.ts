// What the plain checkpoints have in common: the edit is compiled into the weights, and whatever loads the original loads them.
import { AppError } from '../../../contract/base/errors.ts';
import type { Exactness } from '../../edits/exactness.ts';
import { openModel } from '../../models/model.ts';
import { NO_INPUTS, refusedPlan, type ExportForm } from '../forms/form.ts';
import { checkpointModel } from './checkpointModel.ts';
import { CONFIG_FILE } from './companions.ts';
import { CHECK_TRANSFORMERS, transformersCode } from './transformersCode.ts';
import { planWeights } from './weightPlan.ts';
import { WEIGHTS_FILE, writeCheckpoint } from './writeCheckpoint.ts';

/** Of transformers' ways to compute attention only the eager one soft-caps its scores. */
const SOFT_CAPPED = ['gemma2'];

/** @param exactness of every operation, given whether the plan is exact. */
export function checkpointForm(into: 'bias' | 'weights', exactness: (isExact: boolean) => Exactness) {
  return {
    calibrates: false,
    plan({ model, operations }) {
      const plan = planWeights(model, operations, into);
      return 'refused' in plan ? refusedPlan(plan.refused) : { applies: true, ...exactness(plan.isExact) };
    },
    async write(folder, options) {
      const plan = planWeights(options.model, options.edit.operations, into);
      if ('refused' in plan) throw new AppError('unsupported', plan.refused);
      const { files, compiled, notes } = await writeCheckpoint(folder, plan, options);
      return {
        files,
        inputs: NO_INPUTS,
        exactness: exactness(plan.isExact),
        compiled: plan.isExact ? null : compiled.patches,
        notes,
      };
    },
    open: async (runtime, folder) => checkpointModel(runtime, await openModel(folder), null),
    requiredFiles: [CONFIG_FILE, WEIGHTS_FILE],
    check: null,
    loadingCode({ model }) {
      const options = SOFT_CAPPED.includes(model.type) ? ', attn_implementation="eager"' : '';
      const load = `from transformers import AutoModelForCausalLM

model = AutoModelForCausalLM.from_pretrained("."${options}).eval()`;
      return [transformersCode(load, { tokenizer: '.' })];
    },
    checkModel: CHECK_TRANSFORMERS,
    pythonNeeds: 'torch and transformers',
    readme: {
      what: `The edit is in the ${into === 'bias' ? 'biases' : 'weights'} of a plain checkpoint of the same architecture.`,
      files: () =>
        `- \`config.json\`, \`model.safetensors\` and the tokenizer: a checkpoint that is loaded as the original is.`,
    },
  } satisfies Omit<ExportForm, 'name' | 'title' | 'description' | 'carries'>;
}
