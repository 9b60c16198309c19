// The directions along which the targets of an evaluation differ from what is preserved: what the baselines move along.
import type { SuiteRole } from '../../contract/domain/evaluationReport.ts';
import type { Case } from '../../contract/domain/behaviour.ts';
import type { Edit } from '../../contract/domain/edit.ts';
import type { PromptEncoder } from '../behaviours/prompts.ts';
import { placesOf, type Dictionaries } from '../edits/editPatches.ts';
import type { Model } from '../models/model.ts';
import type { Runtime } from '../onnx/runtime.ts';
import { measureDirections, type Directions } from './directions.ts';
import { asText } from './heldOut.ts';
import { spread } from './spread.ts';
import type { Suite } from './suites.ts';

/** Prompts of each suite from which directions are measured. */
const DIRECTION_CASES = 100;

interface EditedModel {
  readonly model: Model;
  readonly runtime: Runtime;
  readonly dictionaries: Dictionaries;
  readonly edit: Edit;
  readonly signal?: AbortSignal | undefined;
}

/** The cases for choosing, where there are such, so that the figures stay apart from what the baselines saw. */
export function directionCases({ behaviour, cases }: Pick<Suite, 'behaviour' | 'cases'>): readonly Case[] {
  const choosing = behaviour.cases.filter(({ split }) => split === 'choose');
  return spread(choosing.length > 0 ? choosing : cases, DIRECTION_CASES);
}

/** Null without targets or without anything to preserve. */
export async function suiteDirections(
  { model, runtime, dictionaries, edit, signal }: EditedModel,
  suites: readonly Suite[],
  encoder: PromptEncoder,
): Promise<Directions | null> {
  const prompts = (role: SuiteRole) =>
    suites
      .filter((suite) => suite.role === role)
      .flatMap(directionCases)
      .map((each) => encoder.promptOf(each).ids);
  const groups = [prompts('target'), prompts('keep')] as const;
  if (groups[0].length === 0 || groups[1].length === 0) return null;
  const texts = groups[0].map(asText);
  return measureDirections({ model, runtime, dictionaries, places: placesOf(edit), edit, texts, groups, signal });
}
