// What was dropped on the window says itself what it is.
import { AppError, toAppError } from '../../../main/contract/base/errors.ts';
import { dialogs } from './dialogs.svelte.ts';
import { navigate } from './route.svelte.ts';
import { api, session } from '../api/session.svelte.ts';

/** A file of tensors, whatever is in it. */
const TENSOR_FILE = /\.(?:safetensors|npz|pt|pth|bin)$/u;

/** @throws AppError as opening a project or adding a model does. */
export async function openDropped(location: string, name: string): Promise<void> {
  if (session.project && (TENSOR_FILE.test(name) || (await holdsDictionary(location)))) {
    dialogs.show({ kind: 'importDictionary', location });
    return;
  }
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

function holdsDictionary(location: string): Promise<boolean> {
  return api.dictionary.planImport({ location }).then(
    () => true,
    () => false,
  );
}
