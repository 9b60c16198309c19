import { resolve } from 'node:path';
import { byteSize, exponential, shortNumber } from '../../../contract/base/figures.ts';
import { validate } from '../../../contract/base/validate.ts';
import { bosRuleSchema, openingText } from '../../../contract/domain/bosRule.ts';
import { DEFAULT_LOGIT_TOLERANCE, modelCheckVerdict } from '../../../contract/domain/modelCheck.ts';
import {
  acceptModel,
  addModelFrom,
  describeModel,
  moveModel,
  setBosOf,
  shownModels,
} from '../../../workbench/model.ts';
import { readModels, resolveModel } from '../../../workbench/models.ts';
import { brokenLine } from '../../../workbench/projectFolder.ts';
import type { Command, ComputeCommand } from '../command.ts';
import { inWorkbench } from '../openProject.ts';
import { flag, optionalNumber, optionalText, positionals, requiredText } from '../values.ts';

const modelAdd: ComputeCommand = {
  name: 'model add',
  summary: 'Add a model from its Hugging Face folder. Its weights stay where they are.',
  usage: 'model add FOLDER [--name NAME]',
  examples: ['model add ~/models/gpt2', 'model add ./stories260K --name stories --json'],
  options: { name: { type: 'string', description: "The model's name in the project; its folder's when left out." } },
  computesOn: 'cpu',
  run: async (arguments_, context) => {
    const [folder] = positionals(arguments_, ['FOLDER'], 'model add');
    const { signal } = context;
    const { model, sites } = await inWorkbench(context, (workbench) =>
      addModelFrom(workbench, resolve(folder), optionalText(arguments_, 'name'), { signal }),
    );
    context.print(`Added ${model.name}: ${describe(model)}, ${sites.length} sites.`);
    if (!model.hasTokenizer) context.print('It has no tokenizer: text cannot be used with it, token ids can.');
    return { ...model, sites };
  },
};

const modelMove: ComputeCommand = {
  name: 'model move',
  summary: 'Say where a model of the project lies now. Its hash proves that it is the same.',
  usage: 'model move MODEL FOLDER [--accept]',
  examples: ['model move gpt2 /mnt/models/gpt2'],
  options: {
    accept: {
      type: 'boolean',
      description: 'Take its tokenizer, chat template and generation config, if they are others.',
    },
  },
  computesOn: 'cpu',
  run: async (arguments_, context) => {
    const [name, folder] = positionals(arguments_, ['MODEL', 'FOLDER'], 'model move');
    const options = { signal: context.signal, accepts: flag(arguments_, 'accept') };
    const model = await inWorkbench(context, (workbench) => moveModel(workbench, name, resolve(folder), options));
    context.print(`${model.name} is in ${model.folder}.`);
    return { ...model };
  },
};

const modelAccept: Command = {
  name: 'model accept',
  summary: 'Accept that the tokenizer, chat template or generation config of a model has changed.',
  usage: 'model accept MODEL',
  examples: ['model accept gpt2'],
  options: {},
  run: async (arguments_, context) => {
    const [name] = positionals(arguments_, ['MODEL'], 'model accept');
    const model = await acceptModel(context.projectFolder, name);
    context.print(`${name} reads texts with the files that are in its folder now.`);
    return { ...model };
  },
};

const modelBos: Command = {
  name: 'model bos',
  summary: 'Say whether a BOS goes before texts of a model: as its tokenizer says (the default), always or never.',
  usage: 'model bos MODEL tokenizer|always|never',
  examples: ['model bos gpt2 always'],
  options: {},
  run: async (arguments_, context) => {
    const [name, rule] = positionals(arguments_, ['MODEL', 'RULE'], 'model bos');
    const checked = validate(bosRuleSchema, rule, 'errata model bos: RULE', 'usage');
    const model = await setBosOf(context.projectFolder, name, checked);
    context.print(
      {
        tokenizer: `What goes before texts of ${name} is as its tokenizer says.`,
        always: `A BOS goes before every text of ${name}.`,
        never: `Nothing goes before texts of ${name}.`,
      }[checked],
    );
    return { ...model };
  },
};

const modelList: Command = {
  name: 'model list',
  summary: 'List the models of the project.',
  usage: 'model list',
  options: {},
  run: async (arguments_, context) => {
    positionals(arguments_, [], 'model list');
    const models = await shownModels(context.projectFolder);
    const { broken } = await readModels(context.projectFolder);
    for (const folder of broken) context.print(brokenLine(folder));
    if (models.length === 0) context.print('No models yet. errata model add FOLDER adds one.');
    for (const model of models) context.print(`${model.name}: ${describe(model)}, in ${model.folder}${state(model)}`);
    return { models, broken };
  },
};

const modelShow: ComputeCommand = {
  name: 'model show',
  summary: 'Show a model: its architecture and its sites, in the order in which it computes them.',
  usage: 'model show MODEL',
  examples: ['model show gpt2 --json'],
  options: {},
  computesOn: 'cpu',
  run: (arguments_, context) =>
    inWorkbench(context, async (workbench) => {
      const [name] = positionals(arguments_, ['MODEL'], 'model show');
      const described = await describeModel(workbench, { model: name });
      const { model, sites, architecture, opening } = described;
      const { parameters, heads, keyValueHeads, headDim, residual, bytes } = architecture;
      context.print(`${model.name}: ${describe(model)}, in ${model.folder}${model.isThere ? '' : ' (not there now)'}`);
      context.print(
        `${shortNumber(parameters)} parameters (${byteSize(bytes)}), ${heads} heads of ${headDim}, ${keyValueHeads} for keys and values, ${residual} blocks`,
      );
      context.print(
        `vocabulary of ${model.vocabularySize}, contexts of ${model.contextLength}${model.hasTokenizer ? '' : ', no tokenizer'}`,
      );
      if (model.origin) context.print(`from ${model.origin.repository} of the Hub, pinned to ${model.origin.revision}`);
      if (opening !== null) context.print(openingText(model.bos, opening));
      for (const site of sites) context.print(`  ${site.name}  ${site.width}`);
      return described;
    }),
};

const modelCheck: ComputeCommand = {
  name: 'model check',
  summary: 'Compare a model with logits that another program computed for it.',
  usage: 'model check MODEL --reference FILE',
  examples: ['model check gpt2 --reference reference.safetensors --json'],
  options: {
    reference: {
      type: 'string',
      description:
        'A .safetensors or .npz file with input_ids and logits, and if it likes greedy_ids and resid_pre.0, resid_pre.1 …',
    },
    tolerance: {
      type: 'string',
      description: `Largest logit difference, in standard deviations of the logits; ${DEFAULT_LOGIT_TOLERANCE} when left out. A reference in half precision needs about 0.05.`,
    },
  },
  computesOn: 'any',
  run: async (arguments_, context) => {
    const [name] = positionals(arguments_, ['MODEL'], 'model check');
    const reference = resolve(requiredText(arguments_, 'reference', 'model check'));
    const tolerance = optionalNumber(arguments_, 'tolerance', { min: 0 }) ?? DEFAULT_LOGIT_TOLERANCE;
    const { folder, bos } = await resolveModel(context.projectFolder, name);
    const check = await context.compute('model.check', { folder, bos, reference });
    const { opening } = await context.compute('model.describe', { folder, bos });
    const { maxAbsLogitDiff, logitStd, maxAbsResidDiff, greedyMatch } = check;
    const relative = exponential(maxAbsLogitDiff / logitStd, 1);
    context.print(
      `Logits differ by at most ${exponential(maxAbsLogitDiff, 2)}, ${relative} of their standard deviation.`,
    );
    if (maxAbsResidDiff !== null)
      context.print(`Residual streams differ by at most ${exponential(maxAbsResidDiff, 2)}.`);
    if (greedyMatch) {
      const word = (isSame: boolean) => (isSame ? 'the same' : 'DIFFERENT');
      context.print(`Greedy text: ${word(greedyMatch.cached)} with the cache, ${word(greedyMatch.uncached)} without.`);
    }
    if (opening !== null) context.print(openingText(bos, opening));
    const { passes, text } = modelCheckVerdict(check, tolerance);
    context.print(text);
    return {
      passes,
      tolerance,
      opening,
      maxAbsLogitDiff,
      logitStd,
      maxAbsResidDiff,
      greedyMatch: greedyMatch && greedyMatch.cached && greedyMatch.uncached,
      greedyMatchByCache: greedyMatch,
    };
  },
};

/** What stands in the way of using a model. */
function state({ isThere, changedFiles }: { isThere: boolean; changedFiles: readonly string[] }): string {
  if (!isThere) return ' (not there now)';
  return changedFiles.length === 0 ? '' : ` (changed since: ${changedFiles.join(', ')})`;
}

function describe({
  modelType,
  layers,
  hiddenSize,
}: {
  modelType: string;
  layers: number;
  hiddenSize: number;
}): string {
  return `${modelType}, ${layers} layers of ${hiddenSize}`;
}

export const modelCommands = [modelAdd, modelMove, modelAccept, modelBos, modelList, modelShow, modelCheck];
