// What earlier searches found: shown, put into the working edit, committed, deleted.
import { AppError } from '../../../contract/base/errors.ts';
import { contract } from '../../../contract/api/contract.ts';
import { shortId } from '../../../core/edits/version.ts';
import { commitFinding, listSearches, showFinding, takeFinding } from '../../../workbench/finder.ts';
import { removeFinding } from '../../../workbench/findings.ts';
import { askerOf, inputOf } from '../asker.ts';
import type { ComputeCommand } from '../command.ts';
import { describe } from '../editText.ts';
import { printFindings, printFound } from '../foundText.ts';
import { AUTHOR_OPTION, AUTHOR_OPTIONS, inWorkbench } from '../openProject.ts';
import { flag, given, optionalText, positionals, requiredText } from '../values.ts';

const findingsList: ComputeCommand = {
  name: 'findings list',
  summary: 'List what searches found, the newest first.',
  usage: 'findings list',
  options: {},
  computesOn: 'cpu',
  run: (arguments_, context) =>
    inWorkbench(context, async (workbench) => {
      positionals(arguments_, [], 'findings list');
      return printFindings(await listSearches(workbench), context);
    }),
};

const findingsShow: ComputeCommand = {
  name: 'findings show',
  summary: 'Show a finding: the features tried, the steps, the edit and what it does. Works during a search, too.',
  usage: 'findings show NAME',
  options: {},
  computesOn: 'cpu',
  run: (arguments_, context) =>
    inWorkbench(context, async (workbench) => {
      const [name] = positionals(arguments_, ['NAME'], 'findings show');
      const shown = await showFinding(workbench, { name });
      const { candidates, steps, found, read, labels } = shown;
      const headline = found && printFound(shown.subject, { ...found, candidates: candidates ?? [], steps }, context);
      if (headline === null) context.print('The search has not finished.');
      for (const { behaviour, cases, shown: count } of read) {
        context.print(`${behaviour}: the unedited model shows it in ${count} of ${cases} cases.`);
      }
      for (const { feature, text } of labels) context.print(`  #${feature}  "${text}"`);
      return { headline, ...shown };
    }),
};

const findingsTake: ComputeCommand = {
  name: 'findings take',
  summary: 'Add what was found to the working edit; starts one if the model has none.',
  usage: 'findings take NAME [--discard]',
  options: {
    discard: { type: 'boolean', description: 'Leave uncommitted changes of another model’s edit behind.' },
    ...AUTHOR_OPTIONS,
  },
  computesOn: 'cpu',
  run: (arguments_, context) =>
    inWorkbench(context, async (workbench) => {
      const [name] = positionals(arguments_, ['NAME'], 'findings take');
      const input = inputOf('findings take', contract.finder.take, {
        name,
        discard: flag(arguments_, 'discard'),
        ...given('reason', optionalText(arguments_, 'reason')),
      });
      const working = await takeFinding(workbench, input, askerOf(arguments_, context));
      for (const operation of working.operations) context.print(describe(operation));
      return { working };
    }),
};

const findingsCommit: ComputeCommand = {
  name: 'findings commit',
  summary: 'Make what was found the first version of a new branch.',
  usage: 'findings commit NAME --branch BRANCH --message TEXT',
  options: {
    branch: { type: 'string', description: 'The name of the new branch.' },
    message: { type: 'string', short: 'm', description: 'What the version is for.' },
    ...AUTHOR_OPTION,
  },
  computesOn: 'cpu',
  run: (arguments_, context) =>
    inWorkbench(context, async (workbench) => {
      const [name] = positionals(arguments_, ['NAME'], 'findings commit');
      const branch = requiredText(arguments_, 'branch', 'findings commit');
      const message = requiredText(arguments_, 'message', 'findings commit');
      const input = inputOf('findings commit', contract.finder.commit, { name, branch, message });
      const { version } = await commitFinding(workbench, input, askerOf(arguments_, context));
      context.print(`Committed as ${shortId(version)} on ${branch}.`);
      return { version };
    }),
};

const findingsRemove: ComputeCommand = {
  name: 'findings remove',
  summary: 'Delete a finding. It cannot be restored; versions that were made of it stay.',
  usage: 'findings remove NAME --yes',
  options: { yes: { type: 'boolean', description: 'Delete it.' } },
  computesOn: 'cpu',
  run: (arguments_, context) =>
    inWorkbench(context, async (workbench) => {
      const [name] = positionals(arguments_, ['NAME'], 'findings remove');
      if (!flag(arguments_, 'yes')) {
        throw new AppError('usage', `errata findings remove: ${name} cannot be restored. Add --yes to delete it.`);
      }
      await removeFinding(workbench, name);
      context.print(`Deleted ${name}.`);
      return { removed: name };
    }),
};

export const findingsCommands = [findingsList, findingsShow, findingsTake, findingsCommit, findingsRemove];
