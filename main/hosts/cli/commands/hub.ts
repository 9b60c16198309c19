import { contract } from '../../../contract/api/contract.ts';
import { byteSize } from '../../../contract/base/figures.ts';
import { addFromHub, downloadJob, listHub, planGet, prepareGet } from '../../../workbench/hub.ts';
import { runToEnd } from '../../../workbench/jobKind.ts';
import { inputOf } from '../asker.ts';
import type { Command, ComputeCommand } from '../command.ts';
import { inWorkbench } from '../openProject.ts';
import { PLAN_OPTION, printDownloadPlan } from '../plans.ts';
import { flag, given, optionalText, positionals, texts } from '../values.ts';

type Listed = Awaited<ReturnType<typeof listHub>>['repositories'][number]['revisions'][number];

const hubList: Command = {
  name: 'hub list',
  summary: 'List what the cache of the Hub on this machine holds. Nothing is asked of the Hub.',
  usage: 'hub list',
  examples: ['hub list', 'hub list --json'],
  options: {},
  run: async (arguments_, context) => {
    positionals(arguments_, [], 'hub list');
    const listed = await listHub(context.projectFolder);
    const { cache, repositories } = listed;
    if (repositories.length === 0) context.print(`There are no models in ${cache}.`);
    for (const { repository, revisions } of repositories) {
      context.print(repository);
      for (const one of revisions) context.print(`  ${lineOf(one)}`);
    }
    return listed;
  },
};

function lineOf(one: Listed): string {
  const { revision, refs, files, bytes, problem, models } = one;
  const name = [revision.slice(0, 12), ...(refs.length === 0 ? [] : [`(${refs.join(', ')})`])].join(' ');
  if (problem !== null) return `${name}  cannot be opened: ${problem}`;
  const parts = [
    stateOf(one),
    `${files} ${files === 1 ? 'file' : 'files'}`,
    byteSize(bytes),
    ...(models.length === 0 ? [] : [`added as ${models.join(', ')}`]),
  ];
  return `${name}  ${parts.join(', ')}`;
}

function stateOf({ modelType, isSupported, missing }: Listed): string {
  if (modelType === null) return 'not a model';
  if (!isSupported) return `${modelType} (not supported)`;
  if (missing.length === 0) return modelType;
  return `${modelType}, ${missing.length} ${missing.length === 1 ? 'file' : 'files'} of weights missing`;
}

const hubAdd: ComputeCommand = {
  name: 'hub add',
  summary: 'Add a model from the cache of the Hub. It is opened where it is, pinned to a commit.',
  usage: 'hub add REPOSITORY [--revision REVISION] [--name NAME]',
  examples: ['hub add openai-community/gpt2', 'hub add google/gemma-3-270m --revision main --name gemma'],
  options: {
    revision: {
      type: 'string',
      description: 'A branch, a tag or a commit; main, or the only one in the cache, when left out.',
    },
    name: { type: 'string', description: "The model's name in the project; its repository's when left out." },
  },
  computesOn: 'cpu',
  run: async (arguments_, context) => {
    const [repository] = positionals(arguments_, ['REPOSITORY'], 'hub add');
    const input = inputOf(
      'hub add',
      contract.hub.add,
      {
        repository,
        ...given('revision', optionalText(arguments_, 'revision')),
        ...given('name', optionalText(arguments_, 'name')),
      },
      { repository: 'REPOSITORY', revision: '--revision', name: '--name' },
    );
    const { signal } = context;
    const { model, sites } = await inWorkbench(context, (workbench) => addFromHub(workbench, input, { signal }));
    const commit = model.origin?.revision.slice(0, 12) ?? '';
    context.print(`Added ${model.name}: ${model.modelType}, ${model.layers} layers of ${model.hiddenSize}.`);
    context.print(`It is ${repository} at ${commit}, opened in ${model.folder}.`);
    if (!model.hasTokenizer) context.print('It has no tokenizer: text cannot be used with it, token ids can.');
    return { ...model, sites };
  },
};

const hubGet: ComputeCommand = {
  name: 'hub get',
  summary: 'Download a model, or some files of a repository, into the cache of the Hub, which Python’s tools share.',
  usage: 'hub get REPOSITORY [--revision REVISION] [--file PATTERN …]',
  examples: [
    'hub get openai-community/gpt2',
    'hub get google/gemma-scope-2-270m-pt --file "resid_post/layer_12_width_16k_l0_medium/*" --plan',
  ],
  options: {
    revision: { type: 'string', description: 'A branch, a tag or a commit; main when left out.' },
    file: {
      type: 'string',
      multiple: true,
      description: 'Which files: * is any text, ? one character. Those that a model needs when left out.',
    },
    ...PLAN_OPTION,
  },
  computesOn: 'cpu',
  run: async (arguments_, context) => {
    const [repository] = positionals(arguments_, ['REPOSITORY'], 'hub get');
    const files = texts(arguments_, 'file');
    const input = inputOf(
      'hub get',
      contract.hub.get,
      {
        repository,
        ...given('revision', optionalText(arguments_, 'revision')),
        ...(files.length === 0 ? {} : { files }),
      },
      { repository: 'REPOSITORY', revision: '--revision', files: '--file' },
    );
    const { signal } = context;
    const plan = await planGet(input, signal);
    printDownloadPlan(plan, context);
    if (flag(arguments_, 'plan')) return plan;
    const request = await prepareGet(input, signal);
    const onLog = (line: string) => context.print(line);
    const done = await inWorkbench(context, (workbench) =>
      runToEnd(workbench, downloadJob, request, { signal, onLog }),
    );
    context.print(`${repository} is in the cache: ${done.folder}`);
    if (plan.modelType !== null && files.length === 0)
      context.print(`errata hub add ${repository} --revision ${done.commit} adds it to the project.`);
    return done;
  },
};

export const hubCommands = [hubList, hubAdd, hubGet];
