// Bisection by a behaviour: each version that the search asks about is judged by the share of cases that it passes. Verdicts
// are kept with the working edit as they come, so a search that was stopped, or killed, goes on where it was.
import { percent } from '../contract/base/figures.ts';
import * as v from 'valibot';
import { AppError, toAppError } from '../contract/base/errors.ts';
import { authorSchema } from '../contract/base/fields.ts';
import { shortId } from '../core/edits/version.ts';
import type { BisectStep } from '../contract/domain/bisection.ts';
import type { Verdict } from '../core/edits/versionHistory.ts';
import { passRate } from '../core/behaviours/behaviourResult.ts';
import type { JobContext } from '../jobs/runJob.ts';
import { runBehaviour } from './evaluateEdit.ts';
import { jobKind } from './jobKind.ts';
import { findModelByHash } from './models.ts';
import type { Workbench } from './workbench.ts';

const bisectRequestSchema = v.object({
  /** By content: a behaviour that changes meanwhile would judge by two measures. */
  behaviour: v.string(),
  /** As it was called when the job was started. */
  name: v.string(),
  /** A version is good when it passes at least, or at most, this share of the cases. */
  bound: v.picklist(['atLeast', 'atMost']),
  passRate: v.pipe(v.number(), v.minValue(0), v.maxValue(1)),
  /** And at least this share of the answers to the other cases is sound: gone, with broken text in its place, is not good. */
  minSound: v.exactOptional(v.pipe(v.number(), v.minValue(0), v.maxValue(1))),
  author: authorSchema,
});

type BisectRequest = v.InferOutput<typeof bisectRequestSchema>;

/**
 * Judges versions until the bisection under way is at its end. Stored results are taken where there are any. A version that
 * cannot be run, since one of its dictionaries is gone, is skipped.
 * @throws AppError `usage` when no bisection is under way, `cancelled`, and as running a behaviour does.
 */
async function bisectByBehaviour(
  workbench: Workbench,
  request: BisectRequest,
  context: JobContext,
): Promise<Exclude<BisectStep, { kind: 'test' }>> {
  const { versions } = workbench.project;
  const { author } = request;
  for (let judged = 0; ; judged++) {
    const state = versions.bisection();
    if (state === null) throw new AppError('usage', 'No bisection is under way.');
    const { next } = state;
    if (next.kind !== 'test') return next;
    if (context.signal.aborted) throw new AppError('cancelled', 'The bisection was stopped; its verdicts are kept.');
    context.onProgress({
      stage: `Judging version ${shortId(next.version)}, one of ${next.remaining}`,
      done: judged,
      total: judged + next.steps,
      unit: 'versions',
      fraction: judged / (judged + next.steps),
      perSecond: null,
      remainingSeconds: null,
    });
    versions.markBisect(await judge(workbench, next.version, request, context), next.version, { author });
  }
}

export const bisectJob = jobKind({
  name: 'bisect',
  request: bisectRequestSchema,
  title: ({ name }) => `Bisect by ${name}`,
  subject: ({ name }) => name,
  run: bisectByBehaviour,
  canPause: true,
  changes: ['edits', 'behaviours', 'history'],
});

async function judge(
  workbench: Workbench,
  id: string,
  { behaviour, bound, passRate: limit, minSound, author }: BisectRequest,
  { signal, onLog }: JobContext,
): Promise<Verdict> {
  const { project } = workbench;
  const version = project.versions.get(id);
  const found = await figuresOf();
  if (found === null) return 'skip';
  const { share, sound } = found;
  const isWithin = bound === 'atLeast' ? share >= limit : share <= limit;
  const isSound = minSound === undefined || sound === null || sound >= minSound;
  const verdict = isWithin && isSound ? 'good' : 'bad';
  const said = minSound === undefined || sound === null ? '' : `, ${percent(sound)} of the other answers are sound`;
  onLog?.(`Version ${shortId(id)}: ${percent(share)} of the cases pass${said}, ${verdict}.`);
  return verdict;

  /** Null: it cannot be run. Of `sound`: it was not asked for, or every case passes. */
  async function figuresOf(): Promise<{ readonly share: number; readonly sound: number | null } | null> {
    const known = project.behaviours
      .results({ behaviour, version: id })
      .find(({ metrics }) => minSound === undefined || 'sound' in metrics);
    if (known !== undefined) return { share: passRate(known), sound: known.metrics['sound']?.value ?? null };
    try {
      const { name } = await findModelByHash(project.folder, version.model);
      const run = await runBehaviour(
        workbench,
        {
          behaviour: project.behaviours.get(behaviour),
          // A version without operations is the model as it is.
          treatment: version.operations.length === 0 ? null : { edit: { operations: version.operations }, version: id },
          model: name,
          ...(minSound === undefined ? {} : { preserve: toPreserve() }),
          author,
        },
        { signal },
      );
      return { share: run.passRate.value, sound: run.sound?.value ?? null };
    } catch (thrown) {
      const { code, message } = toAppError(thrown);
      if (code !== 'not-found' && code !== 'mismatch') throw thrown;
      onLog?.(`Version ${shortId(id)} is skipped: ${message}`);
      return null;
    }
  }

  function toPreserve() {
    const { behaviours } = project;
    return behaviours
      .list()
      .map(({ id: each }) => behaviours.get(each))
      .filter(({ aim }) => aim === 'keep');
  }
}
