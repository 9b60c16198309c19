// The baselines that stand beside an edit, each tried like the edit itself: see baselines.ts for what they are.
import type { Baseline, Trial } from '../../contract/domain/evaluationReport.ts';
import type { Edit } from '../../contract/domain/edit.ts';
import { randomFeatureEdit, type DirectionBaselines } from './baselines.ts';
import type { EvaluationSettings } from '../../contract/domain/evaluationSettings.ts';
import type { BaselineKind } from '../../contract/domain/rivals.ts';
import { NO_INTERVENTION, type Intervention } from '../interventions/intervenableModel.ts';

export interface BaselineTrialsInput {
  readonly edit: Edit;
  readonly settings: EvaluationSettings;
  /** By dictionary: of all its features, without the edit. Empty: no random features. */
  readonly firingRates: ReadonlyMap<string, Float64Array>;
  /** Null where the edit never acts on the target's prompts. */
  readonly directions: DirectionBaselines | null;
  /** Of the base model and with the edit, from the main figures. */
  readonly known: { readonly before: Trial; readonly after: Trial };
  readonly tryOut: (intervention: Intervention, instruction?: string) => Promise<Trial>;
  readonly onWarning: (warning: string) => void;
}

export async function tryBaselines(input: BaselineTrialsInput): Promise<Baseline[]> {
  const { edit, settings, directions, known, tryOut } = input;
  const { instruction } = settings;
  const baselines: Baseline[] = [];
  const add = (kind: BaselineKind, description: string, trial: Trial, features: readonly number[] = []) =>
    void baselines.push({ kind, description, features, ...trial });

  add('noEdit', 'The base model.', known.before);
  add('edit', 'The edit.', known.after);
  if (instruction !== '') {
    const description = `No edit, but before every prompt: ${JSON.stringify(instruction)}`;
    add('promptOnly', description, await tryOut(NO_INTERVENTION, instruction));
  }
  for (const { kind, description, edit: drawn, features } of randomEdits(input)) {
    add(kind, description, await tryOut({ edit: drawn }), features);
  }
  add('wrongSign', 'The edit with the opposite sign.', await tryOut({ edit, strength: -1 }));
  if (directions) {
    const { steer, differenceOfMeans, differenceOfMeansProjection } = directions;
    add(
      'steer',
      "The edit's mean shift, added everywhere at its mean norm, without gates.",
      await tryOut({ edit: steer }),
    );
    add(
      'differenceOfMeans',
      'The difference of the mean activations of target and kept prompts, subtracted everywhere at the mean norm of the edit.',
      await tryOut({ edit: differenceOfMeans }),
    );
    add(
      'differenceOfMeansProjection',
      'The direction of that difference, projected out everywhere.',
      await tryOut({ edit: differenceOfMeansProjection }),
    );
  }
  return baselines;
}

/**
 * Of every draw one behind the same gates; of the first also one with random gates, where the edit has any. No feature is drawn
 * twice: draws that share features are no independent sample of what random features do.
 */
function* randomEdits({ edit, settings, firingRates, onWarning }: BaselineTrialsInput) {
  if (firingRates.size === 0) return;
  const before: Edit[] = [];
  for (let draw = 0; draw < settings.randomSeeds; draw++) {
    for (const withGates of draw === 0 ? [false, true] : [false]) {
      const drawn = randomFeatureEdit(edit, firingRates, settings.seed + draw, { withGates, unlike: before });
      if (!drawn) {
        onWarning('The dictionary has too few features to draw random ones of like firing rate.');
        continue;
      }
      const hasGates = drawn.operations.some(({ gates }) => gates.length > 0);
      if (withGates && !hasGates) continue;
      if (!withGates) before.push(drawn);
      const kind: BaselineKind = withGates ? 'randomFeaturesAndGates' : 'randomFeatures';
      const gates = withGates ? ' and of the gates' : hasGates ? ', behind the same gates' : '';
      const features = [...new Set(drawn.operations.map(({ feature }) => feature))];
      yield {
        kind,
        description: `Features of about the same firing rate in the places of the edited ones${gates} (draw ${draw + 1}: ${features.join(', ')}).`,
        edit: drawn,
        features,
      };
    }
  }
}
