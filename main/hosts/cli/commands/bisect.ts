import { shortId } from '../../../core/edits/version.ts';
import { bisectJob } from '../../../workbench/bisection.ts';
import { runToEnd } from '../../../workbench/jobKind.ts';
import { AppError } from '../../../contract/base/errors.ts';
import type { ComputeCommand } from '../command.ts';
import { updateOf } from '../terminal.ts';
import { AUTHOR_OPTION, authorOf, inWorkbench } from '../openProject.ts';
import { given, optionalNumber, optionalText, positionals, texts } from '../values.ts';

export const bisectCommand: ComputeCommand = {
  name: 'bisect',
  summary: 'Find the version that broke a behaviour, running it on the versions between a good and a bad one.',
  usage: 'bisect BEHAVIOUR [--good VERSION … --bad VERSION] (--at-least SHARE | --at-most SHARE) [--min-sound SHARE]',
  examples: [
    'bisect harmless --good paper --bad HEAD --at-least 0.95',
    'bisect jailbreak --at-most 0.05 --min-sound 0.8',
  ],
  options: {
    bad: { type: 'string', description: 'A bad version; HEAD when left out.' },
    good: {
      type: 'string',
      multiple: true,
      description: 'Good versions behind it; when left out, the bisection under way goes on.',
    },
    'at-least': { type: 'string', description: 'The share of cases that a good version passes, at least.' },
    'at-most': { type: 'string', description: 'Or at most, for what is to be gone.' },
    'min-sound': {
      type: 'string',
      description: 'And the share of sound answers among the other cases: gone with broken text in its place is bad.',
    },
    ...AUTHOR_OPTION,
  },
  computesOn: 'any',
  run: (arguments_, context) =>
    inWorkbench(context, async (workbench) => {
      const { versions, behaviours } = workbench.project;
      const [ref] = positionals(arguments_, ['BEHAVIOUR'], 'bisect');
      const least = optionalNumber(arguments_, 'at-least', { min: 0, max: 1 });
      const most = optionalNumber(arguments_, 'at-most', { min: 0, max: 1 });
      const minSound = optionalNumber(arguments_, 'min-sound', { min: 0, max: 1 });
      const limit = least ?? most;
      if (limit === undefined || (least !== undefined && most !== undefined)) {
        throw new AppError('usage', 'errata bisect: say what good is, with --at-least or with --at-most.');
      }
      const behaviour = behaviours.resolve(ref);
      const good = texts(arguments_, 'good');
      const { author } = authorOf(arguments_);
      if (good.length > 0) versions.startBisect(optionalText(arguments_, 'bad') ?? 'HEAD', good, { author });
      const found = await runToEnd(
        workbench,
        bisectJob,
        {
          behaviour,
          name: behaviours.get(behaviour).name,
          bound: least === undefined ? 'atMost' : 'atLeast',
          passRate: limit,
          ...given('minSound', minSound),
          author,
        },
        {
          signal: context.signal,
          onProgress: (progress) => context.progress(updateOf(progress)),
          onLog: (line) => context.print(line),
        },
      );
      if (found.kind === 'found') {
        const { id, message } = versions.get(found.firstBad);
        context.print(`The first bad version: ${shortId(id)}  ${message.split('\n', 1)[0] ?? ''}`);
      } else {
        context.print(
          `One of these, all skipped or bad, is the first bad one: ${found.candidates.map(shortId).join(', ')}`,
        );
      }
      return { ...found, bisection: versions.bisection() };
    }),
};
