// Behaviours while they are written: what is wrong with one, and one case of it tried.
import { AppError, toAppError } from '../contract/base/errors.ts';
import type { Case } from '../contract/domain/behaviour.ts';
import { parseBehaviour, parseCase } from '../core/behaviours/behaviour.ts';
import { explosionOf } from '../core/behaviours/patternProbe.ts';
import type { EditOfVersion } from './editParts.ts';
import { partsOf } from './editParts.ts';
import { modelNamed } from './evaluateEdit.ts';
import { modelInput } from './models.ts';
import type { Workbench } from './workbench.ts';

export interface BehaviourProblem {
  /** Index of the case; null: of the whole. */
  readonly case: number | null;
  readonly message: string;
}

const MOST_PROBLEMS = 50;
/** For all expressions together: it holds up everything else. */
const PROBE_MS = 1500;

/** What keeps a behaviour from being saved: each case by itself first, then the whole. Empty: nothing does. */
export function behaviourProblems(value: unknown): readonly BehaviourProblem[] {
  const cases = typeof value === 'object' && value !== null && 'cases' in value ? value.cases : [];
  const problems: BehaviourProblem[] = [];
  const seen = new Set<string>();
  const until = performance.now() + PROBE_MS;
  for (const [index, each] of (Array.isArray(cases) ? (cases as readonly unknown[]) : []).entries()) {
    if (problems.length >= MOST_PROBLEMS) return problems;
    const message = problemOf(() => parseCase(each, `Case ${index + 1}`), seen, index, until);
    if (message !== null) problems.push({ case: index, message });
  }
  if (problems.length > 0) return problems;
  try {
    parseBehaviour(value);
    return [];
  } catch (thrown) {
    const { message, details } = toAppError(thrown);
    const { second } = details;
    return [{ case: typeof second === 'number' ? second : null, message }];
  }
}

function problemOf(parse: () => Case, seen: Set<string>, index: number, until: number): string | null {
  try {
    for (const check of parse().checks) {
      if (check.kind !== 'regex' || seen.has(check.pattern) || performance.now() > until) continue;
      seen.add(check.pattern);
      const explosion = explosionOf(check);
      if (explosion !== null) return `Case ${index + 1}: ${explosion}`;
    }
    return null;
  } catch (thrown) {
    return toAppError(thrown).message;
  }
}

/** @throws AppError `usage` for a case that is none, `not-found`, and as running a behaviour does. */
export async function tryCase(
  workbench: Workbench,
  request: {
    readonly case: unknown;
    readonly maxNewTokens: number;
    /** Null: the model as it is, only. */
    readonly treatment: EditOfVersion | null;
    readonly model?: string;
  },
  signal: AbortSignal,
) {
  const { maxNewTokens, model } = request;
  const each = parseCase(request.case, 'The case', 'usage');
  const treatment = request.treatment && request.treatment.edit.operations.length > 0 ? request.treatment : null;
  const parts = treatment
    ? await partsOf(workbench, treatment.edit)
    : { model: await modelNamed(workbench, model), dictionaries: [] };
  const { cases } = await workbench.compute(
    'behaviour.tryCases',
    {
      model: await modelInput(workbench.project.folder, parts.model),
      edits: treatment ? [treatment.edit] : [],
      dictionaries: parts.dictionaries.map(({ folder }) => folder),
      behaviour: { name: 'tried', maxNewTokens, cases: [each] },
    },
    { signal },
  );
  const [tried] = cases;
  if (!tried) throw new AppError('internal', 'The case gave no outcome.');
  return { before: tried.original, after: tried.edited[0] ?? null };
}
