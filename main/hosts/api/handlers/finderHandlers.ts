import type * as v from 'valibot';
import type { ApiHandlers } from '../../../contract/api/contract.ts';
import { AppError } from '../../../contract/base/errors.ts';
import type { findSchema } from '../../../contract/api/finder.ts';
import type { Immutable } from '../../../contract/rpc/procedure.ts';
import { validate } from '../../../contract/base/validate.ts';
import { labelledFeatures } from '../../../core/edits/version.ts';
import type { FindEvent } from '../../../core/finder/findEdit.ts';
import { readPromptFile } from '../../../core/finder/promptFile.ts';
import { promptListsSchema } from '../../../core/finder/promptLists.ts';
import { corpusPath } from '../../../workbench/corpora.ts';
import { commitFound, findJob, takeFound } from '../../../workbench/findEdit.ts';
import { findRequestSchema, type FindRequest } from '../../../workbench/findRequest.ts';
import { listFindings, readFinding, removeFinding, type Finding } from '../../../workbench/findings.ts';
import { planSearch } from '../../../workbench/findPlan.ts';
import type { HostContext } from '../hostContext.ts';

type FindInput = Immutable<v.InferOutput<typeof findSchema>>;
type Found = NonNullable<Finding['found']>;

export function finderHandlers(host: HostContext): ApiHandlers['finder'] {
  const workbench = () => host.session().workbench;

  async function requestOf({ name, sides, dictionaries, corpus, settings = {} }: FindInput): Promise<FindRequest> {
    const { from: _, ...rest } = sides;
    const path =
      corpus === undefined
        ? undefined
        : corpus.from === 'location'
          ? host.locations.pathOf(corpus.location)
          : await corpusPath(workbench(), corpus.name);
    const behaviours =
      'target' in rest
        ? { target: rest.target, keep: [...rest.keep] }
        : { lists: validate(promptListsSchema, rest, 'The prompts') };
    return validate(
      findRequestSchema,
      { name, behaviours, dictionaries, settings, ...(path === undefined ? {} : { corpus: path }) },
      'The search',
    );
  }

  async function foundIn(name: string): Promise<{ readonly found: Found; readonly target: string | null }> {
    const { found, request } = await readFinding(workbench(), name);
    if (found === null) throw new AppError('empty', `The search ${name} has not come to its end.`);
    return { found, target: 'target' in request.behaviours ? request.behaviours.target : null };
  }

  return {
    readPrompts: async ({ location }) => ({ prompts: await readPromptFile(host.locations.pathOf(location)) }),
    plan: async (input) => planSearch(workbench(), await requestOf(input)),
    start: async (input) => {
      const request = await requestOf(input);
      await planSearch(workbench(), request); // refuses what cannot be searched, before there is a job
      const isUnderWay = host
        .session()
        .jobs()
        .some(
          ({ kind, subject, state }) =>
            kind === findJob.name && subject === request.name && (state === 'running' || state === 'queued'),
        );
      if (isUnderWay) throw new AppError('exists', `A search called ${request.name} is under way already.`);
      return host.session().submit(findJob, { ...request });
    },
    list: async () => (await listFindings(workbench())).map(summaryOf),
    show: async ({ name }) => {
      const finding = await readFinding(workbench(), name);
      const { events, found } = finding;
      const ranking = events.findLast((event) => event.kind === 'ranking');
      const candidates = ranking?.candidates ?? null;
      const steps = events.flatMap((event) => (event.kind === 'step' ? [event.step] : []));
      const named = [
        ...(candidates ?? []),
        ...labelledFeatures([
          ...(found?.edit.operations ?? []),
          ...steps.flatMap(({ operations, runnersUp }) => [
            ...operations,
            ...runnersUp.flatMap((other) => other.operations),
          ]),
        ]),
      ];
      return {
        ...summaryOf(finding),
        read: events.flatMap((event) => (isRead(event) ? [withoutKind(event)] : [])),
        candidates,
        steps,
        found: found && {
          operations: found.edit.operations,
          isReached: found.isReached,
          target: found.target,
          kept: found.kept,
          report: found.report,
          doses: found.doses,
          trials: found.trials,
        },
        labels: labelsOf(named),
      };
    },
    remove: async ({ name }) => {
      await removeFinding(workbench(), name);
      return {};
    },
    take: async ({ name, discard = false, ...why }) => {
      const { found, target } = await foundIn(name);
      return takeFound(workbench(), { edit: found.edit, branch: name, target, discard, ...host.author(why) });
    },
    commit: async ({ name, branch, message }) => {
      const { found, target } = await foundIn(name);
      const { author } = host.author();
      return { version: commitFound(workbench(), { edit: found.edit, branch, message, target, author }).id };
    },
  };

  function labelsOf(features: readonly { readonly dictionary: string; readonly feature: number }[]) {
    const { labels } = workbench().project;
    const keys = new Map(
      features.map(({ dictionary, feature }) => [`${dictionary} ${feature}`, { dictionary, feature }]),
    );
    return [...keys.values()].flatMap((key) => {
      const text = labels.get(key)?.text ?? '';
      return text === '' ? [] : [{ ...key, text }];
    });
  }
}

function isRead(event: FindEvent): event is Extract<FindEvent, { kind: 'read' }> {
  return event.kind === 'read';
}

function withoutKind({ behaviour, cases, shown }: Extract<FindEvent, { kind: 'read' }>) {
  return { behaviour, cases, shown };
}

function summaryOf({ name, request, startedAt, found }: Finding) {
  const { behaviours, dictionaries } = request;
  const behaviour = 'target' in behaviours ? behaviours.target : null;
  return {
    name,
    behaviour,
    subject: 'lists' in behaviours ? `${behaviours.lists.with.length} prompts` : behaviours.target,
    dictionaries,
    startedAt,
    result: found && {
      operations: found.edit.operations.length,
      isReached: found.isReached,
      shown: (found.report ?? found).target.shown,
    },
  };
}
