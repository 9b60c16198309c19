import { percent } from '../../../contract/base/figures.ts';
import { AppError } from '../../../contract/base/errors.ts';
import { shortId } from '../../../core/edits/version.ts';
import {
  BEHAVIOUR_FILE_FORMATS,
  behaviourFormatOfName,
  readBehaviourFile,
  writeBehaviourFile,
} from '../../../core/behaviours/behaviourFile.ts';
import { passRate } from '../../../core/behaviours/behaviourResult.ts';
import type { Project } from '../../../storage/project/project.ts';
import { listBehaviours, showBehaviour } from '../../../workbench/behaviour.ts';
import type { Command, Option } from '../command.ts';
import { AUTHOR_OPTIONS, authorOf, shortTime, withProject, withProjectToRead } from '../openProject.ts';
import { oneOf, optionalNumber, optionalText, positionals } from '../values.ts';
import { readJson } from '../../../core/files/json.ts';

const FORMAT_OPTION: Readonly<Record<string, Option>> = {
  format: {
    type: 'string',
    description: `${BEHAVIOUR_FILE_FORMATS.join(', ')}; told from the file's name when left out.`,
  },
};

/** What a person calls the version of a result: null is the model without any edit. */
function versionOf(project: Project, ref: string): string | null {
  return ref === 'none' ? null : project.versions.resolve(ref);
}

const behaviourImport: Command = {
  name: 'behaviour import',
  summary: 'Bring in a behaviour: JSON, or prompts and checks as JSONL or CSV.',
  usage: 'behaviour import FILE [--name NAME]',
  examples: ['behaviour import refuses.json', 'behaviour import jailbreaks.csv --name "refuses jailbreaks"'],
  options: {
    ...FORMAT_OPTION,
    name: { type: 'string', description: 'Its name; needed for JSONL and CSV.' },
    description: { type: 'string', description: 'What it measures.' },
    'max-new-tokens': {
      type: 'string',
      description: 'How many tokens to generate for checks that look at text; 64 when left out.',
    },
    revision: {
      type: 'string',
      description: 'The revision that was seen: if somebody has changed it since, nothing is done.',
    },
    ...AUTHOR_OPTIONS,
  },
  run: (arguments_, context) =>
    withProject(context, async (project) => {
      const [path] = positionals(arguments_, ['FILE'], 'behaviour import');
      const behaviour = await readBehaviourFile(
        path,
        oneOf(arguments_, 'format', BEHAVIOUR_FILE_FORMATS) ?? behaviourFormatOfName(path),
        {
          name: optionalText(arguments_, 'name'),
          description: optionalText(arguments_, 'description'),
          maxNewTokens: optionalNumber(arguments_, 'max-new-tokens', { min: 1, max: 4096, integer: true }),
        },
      );
      const expectedRevision = optionalNumber(arguments_, 'revision', { min: 0, integer: true });
      const stored = project.behaviours.save(behaviour, { ...authorOf(arguments_), expectedRevision });
      context.print(`Saved ${stored.name} (${shortId(stored.id)}): ${behaviour.cases.length} cases.`);
      return { ...stored, cases: behaviour.cases.length };
    }),
};

const behaviourExport: Command = {
  name: 'behaviour export',
  summary: 'Write a behaviour as JSON, JSONL or CSV.',
  usage: 'behaviour export NAME FILE',
  options: FORMAT_OPTION,
  run: (arguments_, context) =>
    withProjectToRead(context, async (project) => {
      const [name, path] = positionals(arguments_, ['NAME', 'FILE'], 'behaviour export');
      const behaviour = project.behaviours.get(name);
      const format = oneOf(arguments_, 'format', BEHAVIOUR_FILE_FORMATS) ?? behaviourFormatOfName(path);
      await writeBehaviourFile(path, format, behaviour);
      context.print(`Wrote ${behaviour.cases.length} cases to ${path}.`);
      return { path, format, cases: behaviour.cases.length };
    }),
};

const behaviourList: Command = {
  name: 'behaviour list',
  summary: 'List behaviours.',
  usage: 'behaviour list',
  options: {},
  run: (arguments_, context) =>
    withProjectToRead(context, (project) => {
      positionals(arguments_, [], 'behaviour list');
      const behaviours = listBehaviours({ project });
      for (const { name, id, cases, author, time } of behaviours)
        context.print(`${name}  ${shortId(id)}  ${cases} cases  ${author}, ${shortTime(time)}`);
      if (behaviours.length === 0) context.print('No behaviours yet. errata behaviour import FILE brings one in.');
      return { behaviours };
    }),
};

const behaviourShow: Command = {
  name: 'behaviour show',
  summary: 'Show the prompts and checks of a behaviour.',
  usage: 'behaviour show NAME',
  options: {},
  run: (arguments_, context) =>
    withProjectToRead(context, (project) => {
      const [name] = positionals(arguments_, ['NAME'], 'behaviour show');
      const { id, behaviour, stored } = showBehaviour({ project }, { ref: name });
      context.print(`${behaviour.name} (${shortId(id)}): ${behaviour.description}`);
      for (const { role, prompt, checks } of behaviour.cases.slice(0, 50)) {
        context.print(
          `  ${role}  ${JSON.stringify(prompt.slice(0, 100))}  ${checks.map((check) => ('expected' in check && !check.expected ? `not ${check.kind}` : check.kind)).join(', ')}`,
        );
      }
      if (behaviour.cases.length > 50) context.print(`  … ${behaviour.cases.length} cases in all.`);
      return { id, behaviour, stored };
    }),
};

const behaviourRemove: Command = {
  name: 'behaviour remove',
  summary: 'Take a behaviour off the list. Versions and results that name it still know it.',
  usage: 'behaviour remove NAME',
  options: AUTHOR_OPTIONS,
  run: (arguments_, context) =>
    withProject(context, (project) => {
      const [name] = positionals(arguments_, ['NAME'], 'behaviour remove');
      project.behaviours.remove(name, authorOf(arguments_));
      context.print(`${name} is off the list; errata undo brings it back.`);
      return { removed: name };
    }),
};

const behaviourHistory: Command = {
  name: 'behaviour history',
  summary: 'Who changed a behaviour, when and why.',
  usage: 'behaviour history NAME',
  options: {},
  run: (arguments_, context) =>
    withProjectToRead(context, (project) => {
      const [name] = positionals(arguments_, ['NAME'], 'behaviour history');
      const history = project.behaviours.history(name);
      for (const { step, after } of history) {
        const content =
          after !== null && 'content' in after && typeof after.content === 'string'
            ? shortId(after.content)
            : 'removed';
        context.print(
          `${shortTime(step.time)}  ${step.author}${step.kind === 'do' ? '' : ` (${step.kind})`}  ${content}  ${step.reason}`,
        );
      }
      return { history };
    }),
};

const behaviourRecord: Command = {
  name: 'behaviour record',
  summary: 'Store a result of evaluating a version on a behaviour, from a JSON file.',
  usage: 'behaviour record FILE',
  options: {},
  run: (arguments_, context) =>
    withProject(context, async (project) => {
      const [path] = positionals(arguments_, ['FILE'], 'behaviour record');
      const { id, ...result } = project.behaviours.addResult(await readJson(path));
      context.print(`Stored ${shortId(id)}: ${percent(passRate(result))} of ${result.cases.length} cases passed.`);
      return { id, passRate: passRate(result) };
    }),
};

const behaviourResults: Command = {
  name: 'behaviour results',
  summary: 'List results, the newest first.',
  usage: 'behaviour results [NAME] [--version VERSION]',
  options: { version: { type: 'string', description: 'Of this version only; none: of the unedited model.' } },
  run: (arguments_, context) =>
    withProjectToRead(context, (project) => {
      const [name, ...rest] = arguments_.positionals;
      if (rest.length > 0) throw new AppError('usage', 'errata behaviour results: one name at most.');
      const ref = optionalText(arguments_, 'version');
      const results = project.behaviours.results({
        behaviour: name === undefined ? undefined : project.behaviours.resolve(name),
        version: ref === undefined ? undefined : versionOf(project, ref),
      });
      for (const result of results) {
        context.print(
          `${shortTime(result.time)}  ${result.version === null ? 'no edit   ' : shortId(result.version)}  ${shortId(result.behaviour)}  ${percent(passRate(result))} of ${result.cases.length}`,
        );
      }
      if (results.length === 0) context.print('No results.');
      return { results: results.map((result) => ({ ...result, passRate: passRate(result) })) };
    }),
};

const behaviourCompare: Command = {
  name: 'behaviour compare',
  summary: 'Compare two versions by their latest results on a behaviour.',
  usage: 'behaviour compare NAME BEFORE AFTER',
  examples: ['behaviour compare refuses none HEAD'],
  options: {},
  run: (arguments_, context) =>
    withProjectToRead(context, (project) => {
      const [name, before, after] = positionals(arguments_, ['NAME', 'BEFORE', 'AFTER'], 'behaviour compare');
      const comparison = project.behaviours.compare(
        project.behaviours.resolve(name),
        versionOf(project, before),
        versionOf(project, after),
      );
      context.print(
        `Passed: ${percent(comparison.passRateBefore)} → ${percent(comparison.passRateAfter)}; ${comparison.mended.length} mended, ${comparison.broken.length} broken.`,
      );
      for (const [metric, { before: old, after: now, difference }] of Object.entries(comparison.metrics)) {
        context.print(`${metric}: ${old.value} → ${now.value} (${difference >= 0 ? '+' : ''}${difference})`);
      }
      return { ...comparison };
    }),
};

export const behaviourCommands: readonly Command[] = [
  behaviourImport,
  behaviourExport,
  behaviourList,
  behaviourShow,
  behaviourRemove,
  behaviourHistory,
  behaviourRecord,
  behaviourResults,
  behaviourCompare,
];
