// What a search found as commands print it.
import type { FoundFigures } from '../../contract/domain/finding.ts';
import type { contract } from '../../contract/api/contract.ts';
import { percent, withMinus } from '../../contract/base/figures.ts';
import { findingHeadline } from '../../contract/domain/headlines.ts';
import { replacedBy, stepSoundness } from '../../contract/domain/soundness.ts';
import type { Operation } from '../../contract/domain/operations/index.ts';
import type { OutputOf } from '../../contract/rpc/procedure.ts';
import type { FoundEdit } from '../../core/finder/findEdit.ts';
import type { CommandContext } from './command.ts';
import { shortTime } from './openProject.ts';

type Print = Pick<CommandContext, 'print'>;

export interface FoundText extends Pick<FoundEdit, 'candidates' | 'steps' | 'isReached' | 'report'>, FoundFigures {
  readonly operations: readonly Operation[];
}

/** A line for each, the newest first. */
export function printFindings(findings: OutputOf<typeof contract.finder.list>, { print }: Print) {
  if (findings.length === 0) print('Nothing has been searched for yet.');
  for (const { name, startedAt, result } of findings) {
    const said =
      result === null
        ? 'stopped before its end'
        : result.operations === 0
          ? 'nothing found'
          : `${result.operations} ${result.operations === 1 ? 'operation' : 'operations'}, ${percent(result.shown)} of the cases still show it`;
    print(`${name}  ${shortTime(startedAt)}  ${said}`);
  }
  return { findings };
}

/** Its sentence, which is returned, then the features it was chosen from, its steps and its figures. */
export function printFound(subject: string, found: FoundText, { print }: Print): string {
  const headline = findingHeadline(subject, found);
  print(headline);
  print('feature   contrast (mean with, without, AUROC)   effect of ablating, of clamping, sound answers');
  for (const { feature, contrast, ablationEffect, clampEffect, sound } of found.candidates.slice(0, 12)) {
    const { meanTarget, meanOther, auroc, position } = contrast;
    const means = `${withMinus(`${meanTarget.toFixed(2)} ${meanOther.toFixed(2)} ${auroc.toFixed(2)}`)} ${position}`;
    print(
      `${String(feature).padStart(7)}   ${means.padEnd(37)}   ${withMinus(ablationEffect.toFixed(3))} ${withMinus(clampEffect.toFixed(3))} ${typeof sound === 'number' ? percent(sound) : ''}`,
    );
  }
  for (const { action, operations, remaining, harm, tried, sound } of found.steps) {
    const what = operations.map(describe).join(', ');
    print(
      `${action} ${what}: ${percent(remaining)} remaining, damage ${harm.toFixed(4)} nats (${tried} tried). ${stepSoundness(sound)}`.trimEnd(),
    );
  }
  if (found.operations.length === 0) {
    print('No feature changes the behaviour enough. Try another site, more features or a longer search.');
    return headline;
  }
  print(`Search prompts: ${figures(found)}`);
  if (found.report) print(`Held-out prompts: ${figures(found.report)}`);
  return headline;
}

function figures({ target, kept }: FoundFigures): string {
  return (
    `${percent(target.shown)} of ${target.cases} cases still show it, ${percent(target.remaining)} of it remains` +
    `${target.sound ? `, ${replacedBy(target.sound.value)} (${percent(target.sound.value)} of ${target.sound.n} sound)` : ''}; ` +
    `${percent(kept.share)} of ${kept.cases} preserved cases are unchanged.`
  );
}

function describe(operation: Operation): string {
  const { feature, kind, gates, scope } = operation;
  const value = 'value' in operation ? `:${operation.value}` : '';
  const where =
    gates.length === 0 ? '' : ` where ${gates.map((gate) => `${gate.feature}>${gate.threshold}`).join(' or ')}`;
  const from = scope.positions === 'fromFirstFiring' ? ` from where ${scope.feature} fires first` : '';
  return `${kind}:${feature}${value}${where}${from}`;
}
