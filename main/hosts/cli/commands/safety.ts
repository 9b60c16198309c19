// Going back: one step, to a backup, or to what can still be read.
import { listBroken } from '../../../workbench/brokenFolders.ts';
import { brokenLine } from '../../../workbench/projectFolder.ts';
import { AppError } from '../../../contract/base/errors.ts';
import type { UndoReport } from '../../../storage/changes.ts';
import { openProject } from '../../../storage/project/open.ts';
import { restoreBackup } from '../../../storage/recovery/restore.ts';
import { salvage } from '../../../storage/recovery/salvage.ts';
import type { Command, CommandContext } from '../command.ts';
import { AUTHOR_OPTION, authorOf, shortTime, withProject, withProjectToRead } from '../openProject.ts';
import { flag, optionalNumber, positionals } from '../values.ts';

function tell(done: string, { step, changed, skipped }: UndoReport, context: CommandContext): Record<string, unknown> {
  context.print(`${done}: ${step.title} (${changed} changes).`);
  if (skipped.length > 0) context.print(`${skipped.length} were left alone: somebody has changed them since.`);
  return { step, changed, skipped };
}

const undo: Command = {
  name: 'undo',
  summary: 'Undo what you did last: labels, lists, edits, behaviours.',
  usage: 'undo',
  options: AUTHOR_OPTION,
  run: (arguments_, context) =>
    withProject(context, (project) => {
      positionals(arguments_, [], 'undo');
      return tell('Undone', project.undo(authorOf(arguments_).author), context);
    }),
};

const redo: Command = {
  name: 'redo',
  summary: 'Do again what you undid last.',
  usage: 'redo',
  options: AUTHOR_OPTION,
  run: (arguments_, context) =>
    withProject(context, (project) => {
      positionals(arguments_, [], 'redo');
      return tell('Redone', project.redo(authorOf(arguments_).author), context);
    }),
};

const history: Command = {
  name: 'history',
  summary: 'What was done in the project, by whom and when.',
  usage: 'history [--limit N]',
  options: { limit: { type: 'string', short: 'n', description: 'How many steps; 30 when left out.' } },
  run: (arguments_, context) =>
    withProjectToRead(context, (project) => {
      positionals(arguments_, [], 'history');
      const steps = project.steps(optionalNumber(arguments_, 'limit', { min: 1, max: 100_000, integer: true }) ?? 30);
      for (const { time, author: by, kind, title, status, reason } of steps) {
        const note = kind !== 'do' ? ` (${kind})` : status === 'done' ? '' : ' (undone)';
        context.print(`${shortTime(time)}  ${by}  ${title}${note}${reason === '' ? '' : `  ${reason}`}`);
      }
      return { steps };
    }),
};

const projectCheck: Command = {
  name: 'project check',
  summary: 'Check the project’s database and list its backups; --rebuild rebuilds its tables from the log.',
  usage: 'project check [--rebuild]',
  options: {
    rebuild: { type: 'boolean', description: 'Rebuild tables and search indexes from the log of changes.' },
  },
  run: async (arguments_, context) => {
    positionals(arguments_, [], 'project check');
    const project = await openProject(context.projectFolder, { host: 'the command line', backups: false });
    try {
      if (flag(arguments_, 'rebuild')) {
        project.backup();
        project.rebuild();
      }
      const { problems, backups } = project.check();
      const alsoOpenIn = project.otherHolders();
      for (const holder of alsoOpenIn) context.print(`Also open in ${holder}.`);
      for (const problem of problems) context.print(problem);
      const broken = await listBroken({ project });
      for (const folder of broken) context.print(brokenLine(folder));
      for (const { file, bytes } of backups) context.print(`backup ${file} (${(bytes / 1e6).toFixed(1)} MB)`);
      if (problems.length > 0) {
        throw new AppError(
          'invalid-file',
          `${context.projectFolder}: ${problems.length} problems, the first: ${problems[0] ?? ''} --rebuild may mend it; project restore goes back to a backup.`,
          {
            details: { problems, backups: backups.map(({ file }) => file) },
          },
        );
      }
      if (broken.length === 0) context.print('No problems.');
      return { problems, broken, backups, alsoOpenIn };
    } finally {
      project.close();
    }
  },
};

const projectBackup: Command = {
  name: 'project backup',
  summary: 'Copy the database into the project’s backups folder.',
  usage: 'project backup',
  options: {},
  run: (arguments_, context) =>
    withProject(context, (project) => {
      positionals(arguments_, [], 'project backup');
      const backup = project.backup();
      context.print(`Wrote ${backup.path}.`);
      return { ...backup };
    }),
};

const projectRestore: Command = {
  name: 'project restore',
  summary: 'Put a backup in the database’s place; what was there is set aside, not deleted.',
  usage: 'project restore [BACKUP]',
  options: {},
  run: async (arguments_, context) => {
    const [file, ...rest] = arguments_.positionals;
    if (rest.length > 0) throw new AppError('usage', 'errata project restore: one backup, by its file name.');
    const { backup, setAside } = restoreBackup(context.projectFolder, file);
    context.print(`Restored ${backup.file}.${setAside === null ? '' : ` What was there is now in ${setAside}.`}`);
    return { backup: backup.file, setAside };
  },
};

const projectSalvage: Command = {
  name: 'project salvage',
  summary: 'Write what can be read of a damaged database as files that can be imported.',
  usage: 'project salvage DIR',
  options: {},
  run: async (arguments_, context) => {
    const [target] = positionals(arguments_, ['DIR'], 'project salvage');
    const report = await salvage(context.projectFolder, target);
    context.print(
      `Saved ${report.labels} labels, ${report.versions} versions and ${report.behaviours} behaviours to ${report.folder}.`,
    );
    for (const line of report.lost.slice(0, 20)) context.print(`Lost: ${line}`);
    return { ...report };
  },
};

export const safetyCommands: readonly Command[] = [
  undo,
  redo,
  history,
  projectCheck,
  projectBackup,
  projectRestore,
  projectSalvage,
];
