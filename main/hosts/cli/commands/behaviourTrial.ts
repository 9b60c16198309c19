// Behaviours while they are written: what is wrong with a file, and one case of it tried.
import { readFile } from 'node:fs/promises';
import { AppError, toAppError } from '../../../contract/base/errors.ts';
import { toFileError } from '../../../core/files/fileError.ts';
import { behaviourFormatOfName, readBehaviourFile } from '../../../core/behaviours/behaviourFile.ts';
import { behaviourProblems, tryCase, type BehaviourProblem } from '../../../workbench/tryBehaviour.ts';
import type { Command, ComputeCommand } from '../command.ts';
import { inWorkbench } from '../openProject.ts';
import { given, optionalText, positionals } from '../values.ts';
import { behavioursNamed, editNamed } from './evaluate.ts';

const behaviourCheck: Command = {
  name: 'behaviour check',
  summary: 'Check a behaviour file, including regular expressions that would never finish. Saves nothing.',
  usage: 'behaviour check FILE',
  examples: ['behaviour check refuses.json'],
  options: {},
  run: async (arguments_, context) => {
    const [path] = positionals(arguments_, ['FILE'], 'behaviour check');
    const problems = await problemsOf(path);
    for (const { message } of problems) context.print(message);
    if (problems.length === 0) context.print('No problems.');
    return { problems };
  },
};

/** JSON is checked case by case; of the other formats the reader names the first line that is wrong. */
async function problemsOf(path: string): Promise<readonly BehaviourProblem[]> {
  const format = behaviourFormatOfName(path);
  try {
    const behaviour = await readBehaviourFile(path, format, format === 'json' ? {} : { name: 'checked' });
    return behaviourProblems(behaviour);
  } catch (thrown) {
    const { code, message } = toAppError(thrown);
    if (code !== 'invalid-file' && code !== 'empty') throw thrown;
    const whole = [{ case: null, message }];
    if (format !== 'json') return whole;
    const problems = behaviourProblems(await jsonOf(path));
    return problems.length > 0 ? problems : whole;
  }
}

/** Null for what is not JSON. */
async function jsonOf(path: string): Promise<unknown> {
  try {
    return JSON.parse(await readFile(path, 'utf8'));
  } catch (thrown) {
    if (thrown instanceof SyntaxError) return null;
    throw toFileError(thrown, path);
  }
}

const behaviourTry: ComputeCommand = {
  name: 'behaviour try',
  summary: 'Run one case of a behaviour on the model, and with an edit: the texts and each check.',
  usage: 'behaviour try NAME|FILE CASE [--edit VERSION|FILE]',
  examples: ['behaviour try jailbreak 3 --edit main'],
  options: {
    edit: { type: 'string', description: 'A version, or a file with an edit.' },
    model: { type: 'string', short: 'm', description: 'The model, when there is no edit and the project has several.' },
  },
  computesOn: 'any',
  run: (arguments_, context) =>
    inWorkbench(context, async (workbench) => {
      const [name, number] = positionals(arguments_, ['NAME', 'CASE'], 'behaviour try');
      const [named] = await behavioursNamed(workbench, [name]);
      const { cases = [], maxNewTokens = 0 } = named?.behaviour ?? {};
      const each = /^\d{1,9}$/u.test(number) ? cases[Number(number) - 1] : undefined;
      if (!each) {
        throw new AppError(
          'usage',
          `errata behaviour try: CASE is a number from 1 to ${cases.length}, not "${number}".`,
        );
      }
      const ref = optionalText(arguments_, 'edit');
      const treatment = ref === undefined ? null : await editNamed(workbench, ref);
      const tried = await tryCase(
        workbench,
        { case: each, maxNewTokens, treatment, ...given('model', optionalText(arguments_, 'model')) },
        context.signal,
      );
      for (const [title, side] of [['base', tried.before] as const, ['patched', tried.after] as const]) {
        if (!side) continue;
        context.print(`[${title}] ${side.passed ? 'passes' : 'fails'}`);
        if (side.output !== '') context.print(side.output);
        for (const [index, { passed, score }] of side.verdicts.entries()) {
          const kind = each.checks[index]?.kind ?? '';
          context.print(
            `  ${passed ? 'passes' : 'fails'}  ${kind}${score === null ? '' : ` (${score.toPrecision(3)})`}`,
          );
        }
      }
      return { case: Number(number), ...tried };
    }),
};

export const behaviourTrialCommands = [behaviourCheck, behaviourTry];
