import { resolve } from 'node:path';
import { createProject } from '../../../storage/project/create.ts';
import { makeSampleProject } from '../../../workbench/sample.ts';
import type { Command, ComputeCommand } from '../command.ts';
import { sampleFolder } from '../sampleFolder.ts';
import { positionals } from '../values.ts';

export const projectNew: Command = {
  name: 'project new',
  summary: 'Make an empty project in a folder.',
  usage: 'project new DIR',
  examples: ['project new ~/projects/stories'],
  options: {},
  run: async (arguments_, context) => {
    const [given] = positionals(arguments_, ['DIR'], 'project new');
    const folder = resolve(given);
    (await createProject(folder, { host: 'the command line' })).close();
    context.print(`Made a project in ${folder}. Next: errata model add FOLDER --project ${given}`);
    return { folder };
  },
};

export const projectSample: ComputeCommand = {
  name: 'project sample',
  summary: 'Make a project of the sample that comes with the program.',
  usage: 'project sample DIR',
  examples: ['project sample ~/projects/sample'],
  options: {},
  computesOn: 'any',
  run: async (arguments_, context) => {
    const [given] = positionals(arguments_, ['DIR'], 'project sample');
    const folder = resolve(given);
    const { compute, signal } = context;
    await makeSampleProject(folder, { sample: await sampleFolder(), compute, signal });
    context.print(`Made a project of the sample in ${folder}.`);
    return { folder };
  },
};
