// What an evaluation takes where nothing is said: targets that the edit claims, and held-out text without them. The window
// and the command line ask here, so that one edit has one verdict by default.
import { stat } from 'node:fs/promises';
import { shownInText } from '../core/behaviours/shownInText.ts';
import type { Behaviour } from '../contract/domain/behaviour.ts';
import { behaviourId } from '../core/behaviours/behaviour.ts';
import { openCorpus } from '../core/activations/corpus.ts';
import { defaultTargets } from '../core/evaluation/defaultTargets.ts';
import { corpusPath, listCorpora } from './corpora.ts';
import type { EditOfVersion } from './editParts.ts';
import { behaviourOf, type EvaluationRequest } from './evaluationJobs.ts';
import type { Workbench } from './workbench.ts';

export interface EvaluationDefaults {
  /** Names of behaviours. */
  readonly targets: readonly string[];
  /** A corpus of the project, by name; null: what the dictionary's training held out. */
  readonly text: string | null;
}

/** Text beyond this is not searched for a behaviour; an evaluation reads the beginning of a corpus. */
const SEARCHED_CHARACTERS = 4_000_000;
/** Kept apart to search edits with, so not for judging them. */
const FOR_THE_SEARCH = /^(choose|search)(?![a-z])/iu;

export async function evaluationDefaults(
  workbench: Workbench,
  of: Pick<EditOfVersion, 'version'> & { readonly isWorking: boolean },
  behaviours: readonly Behaviour[],
): Promise<EvaluationDefaults> {
  const targets = defaultTargets(behaviours, satisfiedNames(workbench, of));
  const judged = behaviours.filter(({ name }) => targets.includes(name));
  for (const name of await heldOutCorpora(workbench)) {
    if ((await behaviourInText(await corpusPath(workbench, name), judged)) === null) return { targets, text: name };
  }
  return { targets, text: null };
}

/** Corpora of the project that neither training nor a search reads, by name. */
export async function heldOutCorpora(workbench: Workbench): Promise<readonly string[]> {
  return (await listCorpora(workbench)).flatMap(({ name, isTraining }) =>
    isTraining || FOR_THE_SEARCH.test(name) ? [] : [name],
  );
}

/** Names, as they are now, of the behaviours that an edit must satisfy. */
function satisfiedNames(
  { project }: Workbench,
  { version, isWorking }: { readonly version: string | null; readonly isWorking: boolean },
): ReadonlySet<string> {
  const ids = isWorking
    ? (project.versions.working()?.behaviours ?? [])
    : version === null
      ? []
      : project.versions.get(version).behaviours;
  return new Set(ids.map((id) => project.behaviours.get(id).name));
}

/** A request with its targets and its text as they are where nothing is said of them. */
export async function withEvaluationDefaults<
  Request extends Pick<EvaluationRequest, 'version' | 'behaviours' | 'targets' | 'text'>,
>(
  workbench: Workbench,
  request: Request,
  { isWorking, isTrainingText }: { readonly isWorking: boolean; readonly isTrainingText: boolean },
): Promise<Request> {
  const isComplete = request.targets !== undefined && (request.text !== undefined || isTrainingText);
  if (isComplete) return request;
  const behaviours = request.behaviours.map((behaviour) => behaviourOf(workbench, behaviour));
  const { targets, text } = await evaluationDefaults(workbench, { version: request.version, isWorking }, behaviours);
  return {
    ...request,
    targets: request.targets ?? targets,
    ...(request.text !== undefined || isTrainingText || text === null
      ? {}
      : { text: { corpus: await corpusPath(workbench, text) } }),
  };
}

export interface FoundInText {
  readonly behaviour: string;
  /** The words that show it. */
  readonly words: string;
}

/** By path, size, time and behaviour: the form asks at every change of a field. */
const searched = new Map<string, FoundInText | null>();
const MOST_REMEMBERED = 200;

/** The first of the behaviours that a text contains. @throws AppError as openCorpus does. */
export async function behaviourInText(path: string, behaviours: readonly Behaviour[]): Promise<FoundInText | null> {
  const facts = await stat(path).catch(() => null);
  const key = JSON.stringify([path, facts?.size, facts?.mtimeMs, behaviours.map(behaviourId)]);
  const known = searched.get(key);
  if (known !== undefined) return known;
  const text = await beginningOf(path);
  const found = behaviours
    .map((behaviour) => ({ behaviour: behaviour.name, words: shownInText(behaviour, text) }))
    .find((one): one is FoundInText => one.words !== null);
  if (searched.size >= MOST_REMEMBERED) searched.clear();
  searched.set(key, found ?? null);
  return found ?? null;
}

async function beginningOf(path: string): Promise<string> {
  const parts: string[] = [];
  let length = 0;
  for await (const { text, endsDocument } of (await openCorpus(path)).pieces()) {
    parts.push(text, endsDocument ? '\n' : '');
    length += text.length;
    if (length >= SEARCHED_CHARACTERS) break;
  }
  return parts.join('');
}
