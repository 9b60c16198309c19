// What can be asked of a language model of the person's own, about features.
import type { Endpoint } from '../contract/api/app.ts';
import { AppError } from '../contract/base/errors.ts';
import type { Procedures } from './call.ts';
import { askForLabel, scoreLabel } from './suggestions.ts';

/** @throws AppError `usage` where the person has named none. */
function required(endpoint: Endpoint | null): Endpoint {
  if (endpoint) return endpoint;
  throw new AppError('usage', 'No language model has been named: the settings have a place for it.');
}

export const suggestion: Procedures<'suggestion'> = {
  ask: (workbench, input, { endpoint, signal }) => askForLabel(workbench, required(endpoint), input, signal),
  score: (workbench, input, { endpoint, signal }) => scoreLabel(workbench, required(endpoint), input, signal),
};
