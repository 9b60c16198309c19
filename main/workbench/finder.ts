// What can be asked of searches for an edit, and of what they found.
import type { DataOf } from '../contract/base/data.ts';
import type { finder as contract, findSchema } from '../contract/api/finder.ts';
import { AppError } from '../contract/base/errors.ts';
import { validate } from '../contract/base/validate.ts';
import type { InputOf } from '../contract/rpc/procedure.ts';
import { labelledFeatures } from '../core/edits/version.ts';
import type { FindEvent } from '../core/finder/findEdit.ts';
import { readPromptFile } from '../core/finder/promptFile.ts';
import { promptListsSchema } from '../core/finder/promptLists.ts';
import type { Asker, Procedures } from './call.ts';
import { pathOfCorpus } from './corpora.ts';
import { commitFound, findJob, refuseUnderWay, takeFound } from './findEdit.ts';
import { listFindings, readFinding, removeFinding, type Finding } from './findings.ts';
import { planSearch } from './findPlan.ts';
import { findRequestSchema, type FindRequest } from './findRequest.ts';
import { labelTexts } from './labelTexts.ts';
import type { Workbench } from './workbench.ts';

type FindInput = DataOf<typeof findSchema>;
type Found = NonNullable<Finding['found']>;

/** The request of a search, its corpus as a path. @throws AppError `usage`, `not-found`, `permission`. */
export async function searchRequest(
  workbench: Workbench,
  { name, sides, dictionaries, corpus, settings = {} }: FindInput,
  asker: Pick<Asker, 'pathOf'>,
): Promise<FindRequest> {
  const { from: _, ...rest } = sides;
  const path = corpus === undefined ? undefined : await pathOfCorpus(workbench, corpus, asker);
  const behaviours =
    'target' in rest
      ? { target: rest.target, ...(rest.keep === undefined ? {} : { keep: [...rest.keep] }) }
      : { lists: validate(promptListsSchema, rest, 'The prompts') };
  return validate(
    findRequestSchema,
    { name, behaviours, dictionaries, settings, ...(path === undefined ? {} : { corpus: path }) },
    'The search',
  );
}

/** The request of a search that can begin. @throws AppError as planSearch; `exists` while one of that name is under way. */
export async function prepareSearch(
  workbench: Workbench,
  input: FindInput,
  asker: Pick<Asker, 'pathOf'>,
): Promise<FindRequest> {
  const request = await searchRequest(workbench, input, asker);
  await planSearch(workbench, request); // refuses what cannot be searched, before there is a job
  refuseUnderWay(workbench, request);
  return request;
}

/** What a search found, and the behaviour that it was for. @throws AppError `not-found`, `empty` before its end. */
async function foundIn(
  workbench: Workbench,
  name: string,
): Promise<{ readonly found: Found; readonly target: string | null }> {
  const { found, request } = await readFinding(workbench, name);
  if (found === null) throw new AppError('empty', `The search ${name} has not finished.`);
  return { found, target: 'target' in request.behaviours ? request.behaviours.target : null };
}

/** A finding, also of a search that is under way. @throws AppError `not-found`, `invalid-file`. */
export async function showFinding(workbench: Workbench, { name }: { readonly name: string }) {
  const finding = await readFinding(workbench, name);
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
    labels: labelTexts(workbench, named),
  };
}

function isRead(event: FindEvent): event is Extract<FindEvent, { kind: 'read' }> {
  return event.kind === 'read';
}

function withoutKind({ behaviour, cases, shown }: Extract<FindEvent, { kind: 'read' }>) {
  return { behaviour, cases, shown };
}

/** What a search was for: the name of a behaviour, or how many prompts were given. */
export function subjectOf({ behaviours }: Pick<FindRequest, 'behaviours'>): string {
  return 'lists' in behaviours ? `${behaviours.lists.with.length} prompts` : behaviours.target;
}

function summaryOf({ name, request, startedAt, found }: Finding) {
  const { behaviours, dictionaries } = request;
  const behaviour = 'target' in behaviours ? behaviours.target : null;
  return {
    name,
    behaviour,
    subject: subjectOf(request),
    dictionaries,
    startedAt,
    result: found && {
      operations: found.edit.operations.length,
      isReached: found.isReached,
      shown: (found.report ?? found).target.shown,
    },
  };
}

/** Puts what was found into the working edit. @throws AppError as foundIn and takeFound. */
export async function takeFinding(
  workbench: Workbench,
  { name, discard = false, ...why }: InputOf<(typeof contract)['take']>,
  { author }: Pick<Asker, 'author'>,
) {
  const { found, target } = await foundIn(workbench, name);
  return takeFound(workbench, { edit: found.edit, branch: name, target, discard, ...author(why) });
}

/** Makes what was found the first version of a new branch. @throws AppError as foundIn and commitFound. */
export async function commitFinding(
  workbench: Workbench,
  { name, branch, message }: InputOf<(typeof contract)['commit']>,
  { author }: Pick<Asker, 'author'>,
) {
  const { found, target } = await foundIn(workbench, name);
  const request = { edit: found.edit, branch, message, target, author: author().author };
  return { version: commitFound(workbench, request).id };
}

/** What searches found, the newest first. */
export async function listSearches(workbench: Workbench) {
  return (await listFindings(workbench)).map(summaryOf);
}

export const finder: Procedures<'finder'> = {
  readPrompts: async (_, { location }, { pathOf }) => ({ prompts: await readPromptFile(pathOf(location)) }),
  plan: async (workbench, input, asker) => planSearch(workbench, await searchRequest(workbench, input, asker)),
  start: async (workbench, input, call) => call.start(findJob, { ...(await prepareSearch(workbench, input, call)) }),
  list: listSearches,
  show: showFinding,
  remove: async (workbench, { name }) => {
    await removeFinding(workbench, name);
    return {};
  },
  take: takeFinding,
  commit: commitFinding,
};
