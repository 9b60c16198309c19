// Two versions by their texts: the same cases of a behaviour answered without an edit, by one version and by the other.
import { AppError } from '../../../contract/base/errors.ts';
import { CASE_SPLITS, matchingCases } from '../../../contract/domain/behaviour.ts';
import { comparisonHeadline } from '../../../contract/domain/headlines.ts';
import { outcomeWord } from '../../../contract/domain/outcomeWords.ts';
import {
  answersDiffer,
  changedWords,
  scoreOf,
  type Answer,
  type TextPiece,
} from '../../../contract/domain/textDifference.ts';
import { compareTexts } from '../../../workbench/compareTexts.ts';
import type { Workbench } from '../../../workbench/workbench.ts';
import type { CommandArguments, ComputeCommand } from '../command.ts';
import { inWorkbench } from '../openProject.ts';
import { harmless } from '../terminal.ts';
import { flag, oneOf, optionalNumber, optionalText, positionals } from '../values.ts';

const MOST = 64;
const DEFAULT_CASES = 16;

export const editCompare: ComputeCommand = {
  name: 'edit compare',
  summary: 'Compare the texts of two versions: the same prompts, without an edit, with A and with B.',
  usage: 'edit compare A B [--behaviour NAME] [--cases N] [--differing] [--filter TEXT]',
  examples: ['edit compare main~1 main --behaviour jailbreak --differing', 'edit compare main side --cases 64 --json'],
  options: {
    behaviour: {
      type: 'string',
      short: 'b',
      description: 'Whose prompts; the first that B must satisfy when left out.',
    },
    cases: { type: 'string', description: `How many cases, at most ${MOST}; ${DEFAULT_CASES} when left out.` },
    split: { type: 'string', description: 'Only search prompts (choose) or held-out prompts (report).' },
    filter: { type: 'string', description: 'Only prompts that contain this text; case does not count.' },
    differing: { type: 'boolean', description: 'Show only the cases that A and B answer differently.' },
  },
  computesOn: 'any',
  run: (arguments_, context) =>
    inWorkbench(context, async (workbench) => {
      const [before, after] = positionals(arguments_, ['A', 'B'], 'edit compare');
      const behaviour = behaviourOf(workbench, arguments_, after);
      const cases = casesOf(workbench, arguments_, behaviour);
      const compared = await compareTexts(workbench, { before, after, behaviour, cases }, context.signal);
      const headline = comparisonHeadline(compared);
      context.print(headline);
      const rows = compared.rows.filter(
        (row) => !flag(arguments_, 'differing') || answersDiffer(row.before ?? row.original, row.after),
      );
      for (const { case: index, prompt, original, before: one, after: other } of rows) {
        const words = changedWords((one ?? original).output, other.output);
        const said = (title: string, answer: Answer, pieces: readonly TextPiece[], marks: readonly [string, string]) =>
          context.print(
            `  ${title.padEnd(8)}  ${outcomeWord(compared.aim, answer.passed).word}: ${shown(answer, pieces, marks)}`,
          );
        context.print(`case ${index + 1}  ${oneLine(prompt)}`);
        said('original', original, [{ text: original.output, isChanged: false }], ['', '']);
        if (one) said('A', one, words.one, ['[-', '-]']);
        said('B', other, words.other, ['{+', '+}']);
      }
      if (rows.length === 0) context.print('No case differs.');
      return { headline, ...compared, rows };
    }),
};

function behaviourOf(
  { project: { behaviours, versions } }: Workbench,
  arguments_: CommandArguments,
  after: string,
): string {
  const named = optionalText(arguments_, 'behaviour');
  if (named !== undefined) return behaviours.resolve(named);
  const [first] = versions.get(after).behaviours;
  if (first !== undefined) return first;
  throw new AppError('usage', `errata edit compare: ${after} has no behaviour to satisfy. Name one with --behaviour.`);
}

function casesOf({ project: { behaviours } }: Workbench, arguments_: CommandArguments, behaviour: string): number[] {
  const count = optionalNumber(arguments_, 'cases', { min: 1, max: MOST, integer: true }) ?? DEFAULT_CASES;
  const split = oneOf(arguments_, 'split', CASE_SPLITS);
  const text = optionalText(arguments_, 'filter') ?? '';
  const found = matchingCases(behaviours.get(behaviour).cases, { split, text });
  if (found.length === 0) throw new AppError('usage', 'errata edit compare: no prompt matches --split and --filter.');
  return found.slice(0, count);
}

function oneLine(text: string): string {
  return harmless(text)
    .trim()
    .replaceAll(/\s*\n\s*/gu, ' ⏎ ');
}

function shown(answer: Answer, pieces: readonly TextPiece[], [open, close]: readonly [string, string]): string {
  const score = scoreOf(answer);
  if (answer.output === '') return score === null ? '' : `score ${score.toPrecision(3)}`;
  const marked = pieces.map(({ text, isChanged }) => {
    const word = text.trimEnd();
    return isChanged ? `${open}${word}${close}${text.slice(word.length)}` : text;
  });
  return oneLine(marked.join(''));
}
