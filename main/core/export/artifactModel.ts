// An artifact opened from its files alone, as sessions that give logits: whatever its form, compared in the same way.
import { join } from 'node:path';
import { fixEdit } from '../edits/editPatches.ts';
import { openModel } from '../models/model.ts';
import { buildVariant } from '../models/variant.ts';
import type { Runtime, Session } from '../onnx/runtime.ts';
import { artifactFeeds } from './graphs/artifactFeeds.ts';
import { editOfHook, readHook } from './forms/huggingface/hookFile.ts';
import { ORIGINAL_FOLDER } from './forms/huggingface/hookPython.ts';
import { isOnnx } from './ladder.ts';
import type { Manifest } from './manifest.ts';
import type { FeedsOf } from './modelRuns.ts';

export const MODEL_FILE = 'model.onnx';
export const CACHED_MODEL_FILE = 'model_with_past.onnx';

export interface ArtifactModel {
  /** A new session each time; the caller releases it. */
  open(cache: boolean): Promise<Session>;
  readonly feedsOf: FeedsOf;
}

/**
 * ONNX forms are run as they are. A checkpoint is imported as any model is. A folder with a hook is imported likewise, and the
 * edit that its files hold is spliced in: our graph stands for the Python there, whose formula is checked by itself.
 * @throws AppError as openModel and readHook do.
 */
export async function openArtifact(
  runtime: Runtime,
  folder: string,
  { form, inputs, model: facts }: Pick<Manifest, 'form' | 'inputs' | 'model'>,
): Promise<ArtifactModel> {
  if (isOnnx(form)) {
    return {
      open: (cache) => runtime.createSession(join(folder, cache ? CACHED_MODEL_FILE : MODEL_FILE)),
      feedsOf: artifactFeeds(inputs),
    };
  }
  const isHook = form === 'huggingface';
  const model = await openModel(isHook ? join(folder, ORIGINAL_FOLDER) : folder);
  const patched = isHook ? await hookEdit(folder, facts.bosTokenId) : null;
  return {
    open: (cache) =>
      runtime.createSession(buildVariant(model, { head: 'logits', patches: patched?.patches ?? [], cache }), {
        weightsFolder: model.weightsFolder,
      }),
    feedsOf: (facts) => patched?.feeds(facts) ?? {},
  };
}

async function hookEdit(folder: string, bosTokenId: number | null) {
  const { edit, dictionaries } = editOfHook(await readHook(folder));
  return fixEdit(edit, dictionaries, bosTokenId);
}

/** Files without which an artifact of a form is none. */
export function requiredFiles(form: Manifest['form']): readonly string[] {
  if (isOnnx(form)) return [MODEL_FILE, CACHED_MODEL_FILE];
  if (form === 'huggingface')
    return [`${ORIGINAL_FOLDER}/config.json`, 'edit.json', 'edit.safetensors', 'errata_edit.py'];
  return ['config.json', 'model.safetensors'];
}

/** A session, released whatever happens. */
export async function withSession<T>(opening: Promise<Session>, use: (session: Session) => Promise<T>): Promise<T> {
  const session = await opening;
  try {
    return await use(session);
  } finally {
    await session.release();
  }
}
