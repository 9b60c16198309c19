// What was dropped on the window says itself what it is.
import { AppError, toAppError } from '../../../main/contract/base/errors.ts';
import { navigate } from './route.svelte.ts';
import { api, session } from '../api/session.svelte.ts';

/** @throws AppError as opening a project or adding a model does. */
export async function openDropped(location: string, name: string): Promise<void> {
  try {
    await api.project.open({ location });
    navigate('project');
    return;
  } catch (thrown) {
    if (toAppError(thrown).code !== 'not-found') throw thrown;
  }
  if (!session.project) {
    throw new AppError('usage', `${name} is not a project. Open a project first, then drop the model on it.`);
  }
  const model = await api.model.add({ location });
  navigate('models', [model.name]);
}
