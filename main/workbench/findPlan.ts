// What a search would look at, and about how long it takes: read before it is started.
import * as v from 'valibot';
import { findSettingsSchema } from '../contract/domain/findSettings.ts';
import { behavioursOfLists } from '../core/finder/promptLists.ts';
import type { Behaviour } from '../contract/domain/behaviour.ts';
import { validate } from '../contract/base/validate.ts';
import { findFinishedDictionary } from './dictionaries.ts';
import { keptNames } from './findEdit.ts';
import { findRequestSchema, type FindRequest } from './findRequest.ts';
import { listFindings } from './findings.ts';
import { findModelByHash } from './models.ts';
import type { Workbench } from './workbench.ts';

export interface PlannedSide {
  readonly name: string;
  readonly choose: number;
  readonly report: number;
  readonly lookedAt: number;
}

export interface FindPlan {
  readonly target: PlannedSide;
  readonly keep: readonly PlannedSide[];
  /** That it reads at most, about. */
  readonly tokens: number;
  readonly seconds: number;
  /** By the last search on this model; else by the model's size, a guess. */
  readonly isMeasured: boolean;
}

/** As many characters of a text as a token has, about. */
const CHARACTERS = 4;
/** Rounds of forward selection that a search takes as a rule, and rounds' worth of harm and gates that each brings. */
const USUAL_ROUNDS = 4;
const WORTH = 2.5;
/** Each cause is measured on at least so many cases, ablated and clamped. */
const LEAST_CASES = 12;
const PER_CANDIDATE = 2;
/** Multiplications and additions in a second, on a CPU of these years; a guess. */
const CPU_RATE = 2e10;

/** @throws AppError `usage`, `not-found` for a behaviour or dictionary. */
export async function planSearch(workbench: Workbench, request: FindRequest): Promise<FindPlan> {
  const { project } = workbench;
  const settings = v.parse(findSettingsSchema, request.settings ?? {});
  const { target, keep } = behavioursIn(workbench, request);
  const tokens = tokensOf(request, target);
  const [first] = request.dictionaries;
  const dictionary = await findFinishedDictionary(workbench, first ?? '');
  const { hash, layers, hiddenSize, vocabularySize } = await findModelByHash(project.folder, dictionary.model.hash);
  const measured = await measuredRate(workbench, hash);
  const parameters = 12 * layers * hiddenSize ** 2 + vocabularySize * hiddenSize;
  return {
    target: sideOf(target, settings.targetCases),
    keep: keep.map((behaviour) => sideOf(behaviour, settings.keepCases)),
    tokens,
    seconds: measured === null ? (2 * parameters * tokens) / CPU_RATE : tokens * measured,
    isMeasured: measured !== null,
  };
}

function behavioursIn(
  workbench: Workbench,
  request: FindRequest,
): { readonly target: Behaviour; readonly keep: readonly Behaviour[] } {
  const { behaviours } = validate(findRequestSchema, request, 'The search');
  if ('lists' in behaviours) return behavioursOfLists(behaviours.lists);
  const stored = workbench.project.behaviours;
  const names = behaviours.keep ?? keptNames(workbench);
  return { target: stored.get(behaviours.target), keep: names.map((name) => stored.get(name)) };
}

function sideOf({ name, cases }: Behaviour, most: number): PlannedSide {
  const choose = cases.filter(({ split }) => split === 'choose').length;
  // A suite that sets nothing aside for choosing is looked at whole.
  const from = choose === 0 ? cases.length : choose;
  return { name, choose: from, report: cases.length - choose, lookedAt: Math.min(from, most) };
}

function tokensOf({ settings = {}, dictionaries }: FindRequest, { cases, maxNewTokens }: Behaviour): number {
  const { tokensPerRound, mostOperations, candidates } = v.parse(findSettingsSchema, settings);
  const characters = cases.reduce((sum, { system, prompt }) => sum + system.length + prompt.length, 0);
  const length = characters / cases.length / CHARACTERS + maxNewTokens;
  const sweep = Math.max(tokensPerRound, LEAST_CASES * PER_CANDIDATE * candidates * dictionaries.length * length);
  return Math.round(sweep + Math.min(mostOperations, USUAL_ROUNDS) * WORTH * tokensPerRound);
}

/** Seconds per token planned, of the last search that came to its end on the model; null when there was none. */
async function measuredRate(workbench: Workbench, model: string): Promise<number | null> {
  for (const { request, startedAt, endedAt } of await listFindings(workbench)) {
    if (endedAt === null) continue;
    try {
      const [first] = request.dictionaries;
      const { model: own } = await findFinishedDictionary(workbench, first ?? '');
      if (own.hash !== model) continue;
      const { target } = behavioursIn(workbench, request);
      const seconds = (Date.parse(endedAt) - Date.parse(startedAt)) / 1000;
      if (seconds > 0) return seconds / tokensOf(request, target);
    } catch {
      // Its behaviour or dictionary has gone since.
    }
  }
  return null;
}
