import { PREDICTORS } from '../../../contract/domain/forecast.ts';
import { verdictWord } from '../../../contract/domain/verdictWords.ts';
import { percent } from '../../../contract/base/figures.ts';
import { shortId } from '../../../core/edits/version.ts';
import { isSignificant } from '../../../core/evaluation/intervals.ts';
import { intervalText, number, PREDICTOR_NAMES } from '../../../core/reports/text.ts';
import { compareEvaluations, listEvaluations } from '../../../workbench/evaluation.ts';
import { forecastCalibration, forecastEdit } from '../../../workbench/forecast.ts';
import type { Workbench } from '../../../workbench/workbench.ts';
import type { ComputeCommand } from '../command.ts';
import { inWorkbench } from '../openProject.ts';
import { percentOf, printReport, REPORT_OPTIONS, writeReports } from '../reports.ts';
import { optionalText, positionals } from '../values.ts';
import { editNamed } from './evaluate.ts';

const evaluationShow: ComputeCommand = {
  name: 'evaluation show',
  summary: 'Show a stored evaluation, and write it as HTML, PDF or CSV.',
  usage: 'evaluation show ID [--html FILE] [--pdf FILE] [--csv FILE]',
  options: {
    ...REPORT_OPTIONS,
  },
  computesOn: 'cpu',
  run: (arguments_, context) =>
    inWorkbench(context, async (workbench) => {
      const [ref] = positionals(arguments_, ['ID'], 'evaluation show');
      const { report, ...summary } = workbench.project.evaluations.get(ref);
      const headline = printReport(report, context);
      const files = await writeReports(workbench, { ...summary, report }, arguments_, context);
      return { headline, ...summary, ...report, files };
    }),
};

const evaluationList: ComputeCommand = {
  name: 'evaluation list',
  summary: 'List stored evaluations, the newest first.',
  usage: 'evaluation list [--version VERSION]',
  options: { version: { type: 'string', description: 'Of this version only.' } },
  computesOn: 'cpu',
  run: (arguments_, context) =>
    inWorkbench(context, async (workbench) => {
      positionals(arguments_, [], 'evaluation list');
      const ref = optionalText(arguments_, 'version');
      const found = listEvaluations(workbench, ref === undefined ? {} : { version: ref });
      for (const { id, version, passes, author, time } of found) {
        context.print(
          `${shortId(id)}  ${version === null ? 'not committed' : shortId(version)}  ${verdictWord(passes).word}  ${author}, ${time}`,
        );
      }
      if (found.length === 0) context.print('No evaluations yet.');
      return Promise.resolve({ evaluations: found });
    }),
};

const evaluationCompare: ComputeCommand = {
  name: 'evaluation compare',
  summary: 'Two evaluations side by side, paired where they ran the same cases or read the same text.',
  usage: 'evaluation compare ID ID',
  options: {},
  computesOn: 'cpu',
  run: (arguments_, context) =>
    inWorkbench(context, async (workbench) => {
      const [first, second] = positionals(arguments_, ['ID', 'ID'], 'evaluation compare');
      const compared = compareEvaluations(workbench, { one: first, other: second });
      for (const { name, one: was, other: is, difference, isSignificant: differs, lost, won } of compared.suites) {
        const change = difference
          ? `, difference ${percentOf(difference)}${differs ? '' : ' (no significant difference)'}, ${lost ?? 0} lost, ${won ?? 0} won`
          : '';
        context.print(`${name.padEnd(18)} ${was ? percentOf(was) : '-'} → ${is ? percentOf(is) : '-'}${change}`);
      }
      const { one: lower, other: upper, relative } = compared.text;
      if (lower && upper) {
        const change = relative
          ? `, ${percentOf(relative)}${isSignificant(relative) ? '' : ' (no significant difference)'}`
          : '';
        context.print(`cross-entropy ${intervalText(lower)} → ${intervalText(upper)}${change}`);
      }
      for (const note of compared.notes) context.print(`Note: ${note}`);
      return Promise.resolve({ ...compared });
    }),
};

const evaluationForecasts: ComputeCommand = {
  name: 'evaluation forecasts',
  summary: 'How good the forecasts of earlier evaluations were: rank correlation with what was measured.',
  usage: 'evaluation forecasts',
  options: {},
  computesOn: 'cpu',
  run: (arguments_, context) =>
    inWorkbench(context, async (workbench) => {
      positionals(arguments_, [], 'evaluation forecasts');
      const calibration = forecastCalibration(workbench);
      for (const { evaluation, site, correlations, found } of calibration.records) {
        const { forecast } = correlations;
        context.print(
          `${shortId(evaluation)}  ${site}  ${forecast ? intervalText(forecast) : '-'}, named ${found.hits} of ${found.of} (${number(found.byChance)} by chance)`,
        );
      }
      for (const predictor of PREDICTORS) {
        const mean = calibration.means[predictor];
        if (mean) context.print(`mean, ${PREDICTOR_NAMES[predictor].padEnd(20)} ${intervalText(mean)} over ${mean.n}`);
      }
      if (calibration.records.length === 0) context.print('No forecast has been checked yet: evaluations do so.');
      return Promise.resolve({ ...calibration });
    }),
};

const forecastCommand: ComputeCommand = {
  name: 'forecast',
  summary: 'What an edit will probably move, from its dictionary and the statistics of its features alone.',
  usage: 'forecast VERSION|FILE',
  examples: ['forecast main', 'forecast edit.json --json'],
  options: {},
  computesOn: 'cpu',
  run: (arguments_, context) =>
    inWorkbench(context, async (workbench) => {
      const [ref] = positionals(arguments_, ['VERSION'], 'forecast');
      const { edit } = await editNamed(workbench, ref);
      const places = await forecastEdit(workbench, edit, context.signal);
      for (const { site, dictionary, shareOfFirings, strongest, raised, lowered, unforecast } of places) {
        context.print(`${site}: changes add up to ${percent(shareOfFirings)} of all firings.`);
        for (const { feature, rate, change, cosine, nearest } of strongest.slice(0, 15)) {
          context.print(
            `  ${String(feature).padStart(6)}  fires on ${percent(rate)}, forecast ${percent(change)}, cosine ${number(cosine)} with ${nearest}  ${labelOf(workbench, dictionary, feature)}`,
          );
        }
        const tokens = (list: typeof raised) => list.map(({ token }) => JSON.stringify(token)).join(' ') || 'nothing';
        if (raised.length + lowered.length > 0)
          context.print(`  directly raises ${tokens(raised)}, lowers ${tokens(lowered)}`);
        if (unforecast.length > 0)
          context.print(
            `  nothing is forecast of the operations on ${unforecast.join(', ')}: what they do depends on the activations`,
          );
      }
      return { places };
    }),
};

function labelOf({ project }: Workbench, dictionary: string, feature: number): string {
  return project.labels.get({ dictionary, feature })?.text ?? '';
}

export const evaluationCommands: readonly ComputeCommand[] = [
  evaluationList,
  evaluationShow,
  evaluationCompare,
  evaluationForecasts,
  forecastCommand,
];
