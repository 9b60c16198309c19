import { exponential } from '../../../contract/base/figures.ts';
import {
  headlineOfExport,
  listExports,
  removeExport,
  restoreExport,
  showExport,
  trashedExports,
} from '../../../workbench/exports.ts';
import type { Command } from '../command.ts';
import { shortTime, withProject, withProjectToRead } from '../openProject.ts';
import { optionalText, positionals } from '../values.ts';

const exportsList: Command = {
  name: 'exports list',
  summary: 'The exports of the project, and those that were deleted.',
  usage: 'exports list',
  options: {},
  run: (_arguments, context) =>
    withProjectToRead(context, async (project) => {
      const [exports, deleted] = [await listExports({ project }), await trashedExports({ project })];
      for (const { name, artifact, problem } of exports) {
        if (!artifact) context.print(`${name}  ${problem ?? ''}`);
        else {
          const { form, created, edit } = artifact.manifest;
          context.print(`${name}  ${form}  edit ${edit.id.slice(0, 10)}  ${shortTime(created)}`);
        }
      }
      for (const { id, time } of deleted) context.print(`deleted ${shortTime(time)}: ${id}`);
      return {
        exports: exports.map(({ name, folder, artifact, problem }) => ({
          name,
          folder,
          problem,
          ...(artifact ? { manifest: artifact.manifest, report: artifact.report } : {}),
        })),
        deleted,
      };
    }),
};

const exportsShow: Command = {
  name: 'exports show',
  summary: 'What an export is, what its verification found, and the code that loads it.',
  usage: 'exports show NAME',
  examples: ['exports show quiet --json'],
  options: {},
  run: (arguments_, context) =>
    withProjectToRead(context, async (project) => {
      const [name] = positionals(arguments_, ['NAME'], 'exports show');
      const shown = await showExport({ project }, name);
      const { logits, greedy } = shown.report.equivalence;
      const headline = await headlineOfExport(shown.folder);
      context.print(headline);
      context.print(`${shown.folder}: ${shown.manifest.files.length} files`);
      context.print(
        `max |Δlogit| ${exponential(logits.maxAbsLogitDiff, 2)}, KL ${exponential(logits.meanKl, 2)} nats on ${logits.positions} positions; ` +
          `greedy texts agree in ${(100 * greedy.agreement).toFixed(2)}% of ${greedy.prompts} × ${greedy.newTokens} tokens`,
      );
      for (const { title, code } of shown.code) context.print(`\n# ${title}\n${code}`);
      return { headline, ...shown };
    }),
};

const exportsRemove: Command = {
  name: 'exports remove',
  summary: 'Move an export to the trash; exports restore brings it back.',
  usage: 'exports remove NAME',
  options: {},
  run: (arguments_, context) =>
    withProject(context, async (project) => {
      const [name] = positionals(arguments_, ['NAME'], 'exports remove');
      const removed = await removeExport({ project }, name);
      context.print(`Deleted. errata exports restore ${removed.id} brings it back.`);
      return { ...removed };
    }),
};

const exportsRestore: Command = {
  name: 'exports restore',
  summary: 'Bring back an export that was deleted.',
  usage: 'exports restore ID [--as NAME]',
  examples: ['exports restore quiet~20261125T221530123Z --as quiet-2'],
  options: { as: { type: 'string', description: 'Its name from now on, where the old one is taken.' } },
  run: (arguments_, context) =>
    withProject(context, async (project) => {
      const [id] = positionals(arguments_, ['ID'], 'exports restore');
      const restored = await restoreExport({ project }, id, optionalText(arguments_, 'as'));
      context.print(`Restored as ${restored.name}.`);
      return { ...restored };
    }),
};

export const exportsCommands: readonly Command[] = [exportsList, exportsShow, exportsRemove, exportsRestore];
