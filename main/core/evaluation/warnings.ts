// What a reader of a report must know before believing it: small samples, parts left out, an edit that never acts.
import type { EvaluationSettings } from '../../contract/domain/evaluationSettings.ts';
import type { Suite } from './suites.ts';

const FEW = 100;
const SHORT_CONTEXT = 64;

export interface WarningFacts {
  readonly suites: readonly Suite[];
  readonly settings: EvaluationSettings;
  /** Of held-out text. */
  readonly contexts: number;
  readonly contextLength: number;
  /** On the target's prompts. */
  readonly neverActs: boolean;
  /** The chat template takes no system text. */
  readonly foldsSystemText: boolean;
}

export function warningsOf({ suites, settings, contexts, contextLength, neverActs, ...facts }: WarningFacts): string[] {
  const warnings = suites
    .filter(({ cases }) => cases.length < FEW)
    .map(({ behaviour, cases }) => `${behaviour.name}: ${cases.length} cases are few; look at the intervals.`);
  if (contexts < 2) {
    warnings.push(
      'Without held-out text there are no cross-entropy, no KL on text, no blast radius and no random features.',
    );
  } else if (contexts < FEW) {
    warnings.push(`${contexts} contexts of held-out text are few; look at the intervals.`);
  }
  if (!suites.some(({ role }) => role === 'target')) {
    warnings.push('No behaviour is a target, so nothing says what the edit is for.');
  }
  if (settings.baselines && settings.instruction === '') {
    warnings.push('No instruction was given, so there is no prompt-only baseline.');
  }
  const asksSystem = suites.some(({ cases }) =>
    cases.some(({ raw, system }) => !raw && (system !== '' || settings.instruction !== '')),
  );
  if (facts.foldsSystemText && asksSystem) {
    warnings.push(
      "The model's chat template takes no system text: system texts and the instruction stand before the user's text.",
    );
  }
  if (neverActs) warnings.push("The edit never acts on the target's prompts.");
  if (contextLength < SHORT_CONTEXT) warnings.push(`The model sees less than ${SHORT_CONTEXT} tokens.`);
  return warnings;
}
