import type { ApiHandlers } from '../../../contract/api/contract.ts';
import { AppError } from '../../../contract/base/errors.ts';
import { askForLabel, scoreLabel } from '../../../workbench/suggestions.ts';
import type { HostContext } from '../hostContext.ts';

export function suggestionHandlers(host: HostContext): ApiHandlers['suggestion'] {
  const endpoint = () => {
    const { suggestions } = host.settings.settings;
    if (suggestions) return suggestions;
    throw new AppError('usage', 'No language model has been named: the settings have a place for it.');
  };
  return {
    ask: (input, { signal }) => askForLabel(host.session().workbench, endpoint(), input, signal),
    score: (input, { signal }) => scoreLabel(host.session().workbench, endpoint(), input, signal),
  };
}
