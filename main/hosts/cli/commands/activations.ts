import { brokenLine } from '../../../workbench/projectFolder.ts';
import { byteSize, percent, shortNumber } from '../../../contract/base/figures.ts';
import { namedStores, readStores } from '../../../workbench/activations.ts';
import type { ComputeCommand } from '../command.ts';
import { inWorkbench } from '../openProject.ts';
import { positionals } from '../values.ts';

export const activationsList: ComputeCommand = {
  name: 'activations list',
  summary: 'List the stores of captured activations.',
  usage: 'activations list',
  options: {},
  computesOn: 'cpu',
  run: (arguments_, context) =>
    inWorkbench(context, async (workbench) => {
      positionals(arguments_, [], 'activations list');
      const stores = await namedStores(workbench);
      const { broken } = await readStores(workbench);
      for (const folder of broken) context.print(brokenLine(folder));
      if (stores.length === 0) context.print('No activations yet. errata capture MODEL makes some.');
      for (const { name, model, site, tokens, contextLength, dtype, bytes, fraction } of stores) {
        const part = fraction < 1 ? `, ${percent(fraction)} captured` : '';
        const of = model.name ?? `a model that the project lacks (${model.hash.slice(0, 12)}…)`;
        context.print(
          `${name}: ${of} ${site}, ${shortNumber(tokens)} tokens in contexts of ${contextLength}, ${dtype}, ${byteSize(bytes)}${part}`,
        );
      }
      return { stores, broken };
    }),
};
