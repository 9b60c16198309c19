// Versions as files, from one project to another.
import { shortId } from '../../../core/edits/version.ts';
import { readVersionFile, writeVersionFile } from '../../../storage/versions/versionFile.ts';
import type { Command } from '../command.ts';
import { AUTHOR_OPTIONS, authorOf, withProject, withProjectToRead } from '../openProject.ts';
import { optionalText, positionals, texts } from '../values.ts';

const editExport: Command = {
  name: 'edit export',
  summary: 'Write a version, and all that is needed to reproduce it, to one small file.',
  usage: 'edit export VERSION FILE',
  options: {},
  run: (arguments_, context) =>
    withProjectToRead(context, async (project) => {
      const [ref, path] = positionals(arguments_, ['VERSION', 'FILE'], 'edit export');
      const file = project.versionFile(ref);
      await writeVersionFile(path, file);
      context.print(`Wrote version ${shortId(file.head)} with ${file.versions.length - 1} ancestors to ${path}.`);
      return {
        path,
        version: file.head,
        versions: file.versions.length,
        behaviours: file.behaviours.length,
        results: file.results.length,
      };
    }),
};

const editImport: Command = {
  name: 'edit import',
  summary: 'Bring in a version file. One of another model or dictionary is refused.',
  usage: 'edit import FILE [--branch NAME]',
  options: {
    branch: { type: 'string', description: 'The branch to make for it; imported-… when left out.' },
    model: {
      type: 'string',
      multiple: true,
      description: 'Hash of a model that you have, though the project does not list it.',
    },
    dictionary: {
      type: 'string',
      short: 'd',
      multiple: true,
      description: 'Hash of a dictionary that you have, likewise.',
    },
    ...AUTHOR_OPTIONS,
  },
  run: (arguments_, context) =>
    withProject(context, async (project) => {
      const [path] = positionals(arguments_, ['FILE'], 'edit import');
      const file = await readVersionFile(path);
      const branch = optionalText(arguments_, 'branch') ?? `imported-${file.head.slice(0, 10)}`;
      const vouched = {
        models: new Set(texts(arguments_, 'model')),
        dictionaries: new Set(texts(arguments_, 'dictionary')),
      };
      const counts = project.importVersionFile(file, { ...authorOf(arguments_), branch, subject: path, vouched });
      context.print(
        `Imported version ${shortId(file.head)} as the branch ${branch}: ${counts.added} versions new, ${counts.known} known.`,
      );
      return { version: file.head, branch, ...counts };
    }),
};

export const editFileCommands: readonly Command[] = [editExport, editImport];
