// Searching the version that broke something, step by step or by stored results; bisect.ts runs the behaviour itself.
import { AppError } from '../../../contract/base/errors.ts';
import { shortId } from '../../../core/edits/version.ts';
import type { BisectStep } from '../../../contract/domain/bisection.ts';
import { passRate } from '../../../core/behaviours/behaviourResult.ts';
import type { Project } from '../../../storage/project/project.ts';
import type { BisectState } from '../../../storage/versions/bisection.ts';
import type { Command, CommandArguments, CommandContext } from '../command.ts';
import { namesByVersion, printVersion } from '../editText.ts';
import { AUTHOR_OPTIONS, authorOf, withProject } from '../openProject.ts';
import { optionalNumber, requiredText, texts } from '../values.ts';

export const editBisect: Command = {
  name: 'edit bisect',
  summary: 'Search for the version that broke something.',
  usage:
    'edit bisect start --bad VERSION --good VERSION … | good|bad|skip [VERSION] | status | auto --behaviour B | end',
  examples: ['edit bisect start --bad HEAD --good paper', 'edit bisect good', 'edit bisect auto --behaviour refuses'],
  options: {
    bad: { type: 'string', description: 'A version that is bad.' },
    good: { type: 'string', multiple: true, description: 'A version behind it that is good.' },
    behaviour: {
      type: 'string',
      description: 'With auto: judge versions by their stored results on this behaviour, as far as there are any.',
    },
    'pass-rate': {
      type: 'string',
      description: 'With auto: the share of cases that a good version passes; 1 when left out.',
    },
    ...AUTHOR_OPTIONS,
  },
  run: (arguments_, context) =>
    withProject(context, (project) => {
      const [verb, ref, ...rest] = arguments_.positionals;
      if (rest.length > 0) throw new AppError('usage', 'errata edit bisect: one version at a time.');
      const state = bisectTo(project, arguments_, verb, ref);
      if (state !== null) printStep(state.next, project, context);
      else context.print('No bisection is under way.');
      return { bisection: state };
    }),
};

function bisectTo(
  project: Project,
  arguments_: CommandArguments,
  verb: string | undefined,
  ref: string | undefined,
): BisectState | null {
  const write = authorOf(arguments_);
  switch (verb) {
    case 'start':
      return project.versions.startBisect(
        requiredText(arguments_, 'bad', 'edit bisect start'),
        texts(arguments_, 'good'),
        write,
      );
    case 'good':
    case 'bad':
    case 'skip':
      return project.versions.markBisect(verb, ref, write);
    case 'status':
    case undefined:
      return project.versions.bisection();
    case 'auto':
      return judgeByResults(project, arguments_);
    case 'end':
      project.versions.endBisect(write);
      return null;
    default:
      throw new AppError(
        'usage',
        `errata edit bisect: ${JSON.stringify(verb.slice(0, 40))} is none of start, good, bad, skip, status, auto, end.`,
      );
  }
}

/** Marks versions as long as the one that is asked about has a result. */
function judgeByResults(project: Project, arguments_: CommandArguments): BisectState {
  const behaviour = project.behaviours.resolve(requiredText(arguments_, 'behaviour', 'edit bisect auto'));
  const required = optionalNumber(arguments_, 'pass-rate', { min: 0, max: 1 }) ?? 1;
  let state = project.versions.bisection();
  if (state === null) throw new AppError('usage', 'No bisection is under way: errata edit bisect start begins one.');
  while (state.next.kind === 'test') {
    const [result] = project.behaviours.results({ behaviour, version: state.next.version });
    if (result === undefined) break;
    state = project.versions.markBisect(passRate(result) >= required ? 'good' : 'bad', undefined, authorOf(arguments_));
  }
  return state;
}

function printStep(step: BisectStep, project: Project, context: CommandContext): void {
  if (step.kind === 'test') {
    context.print(
      `Judge version ${shortId(step.version)} (${step.remaining} left, about ${step.steps} more): errata edit bisect good, bad or skip.`,
    );
  } else if (step.kind === 'found') {
    context.print('The first bad version:');
    printVersion(project.versions.get(step.firstBad), namesByVersion(project), context);
  } else
    context.print(`One of these, all skipped or bad, is the first bad one: ${step.candidates.map(shortId).join(', ')}`);
}
