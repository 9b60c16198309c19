import { resolve } from 'node:path';
import { createProject } from '../../../storage/project.ts';
import type { Command } from '../command.ts';
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
