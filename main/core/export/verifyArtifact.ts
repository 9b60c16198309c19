// Verifies an artifact from its files alone: every hash, then its models, loaded afresh, against what the workbench gave.
import { readdir } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import type { Equivalence } from '../../contract/domain/equivalence.ts';
import { AppError } from '../../contract/base/errors.ts';
import type { OnWork } from '../../contract/base/progress.ts';
import { toFileError } from '../files/fileError.ts';
import type { Runtime } from '../onnx/runtime.ts';
import { withSession } from './artifactModel.ts';
import { EquivalenceCheck, requireEquivalence } from './equivalence.ts';
import { findForm } from './forms/index.ts';
import { checkFiles, MANIFEST_FILE, readManifest, type Manifest } from './manifest.ts';
import { continueGreedily, textLogits } from './modelRuns.ts';
import { readReference, REFERENCE_FILE } from './reference.ts';

export interface VerifyOptions {
  readonly runtime: Runtime;
  readonly folder: string;
  readonly signal?: AbortSignal;
  readonly onWork?: OnWork;
}

export interface Verification {
  readonly path: string;
  readonly manifest: Manifest;
  readonly equivalence: Equivalence;
  /** The figures of the command line. `kl` is the mean, in nats per position. */
  readonly maxAbsLogitDiff: number;
  readonly kl: number;
  readonly greedyAgreement: number;
  /** Files in the folder that the manifest does not know. No model of the artifact reads them. */
  readonly unlisted: readonly string[];
}

/**
 * @throws AppError `not-found` when there is no artifact, `invalid-file` for a malformed manifest, `unsupported` for a form of a newer
 * version, `verification-failed` that
 * names the changed or missing file or says by how much the artifact differs, `cancelled`.
 */
export async function verifyArtifact({ runtime, folder, signal, onWork }: VerifyOptions): Promise<Verification> {
  const path = resolve(folder);
  const manifest = await readManifest(path);
  const form = findForm(manifest.form);
  for (const required of [...form.requiredFiles, REFERENCE_FILE]) {
    if (manifest.files.some((file) => file.path === required)) continue;
    throw new AppError('invalid-file', `${join(path, MANIFEST_FILE)}: it does not list ${required}.`);
  }
  const total = manifest.files.reduce((sum, { bytes }) => sum + bytes, 0);
  const onBytes = (done: number) => onWork?.({ stage: 'Checking the files', done, total, unit: 'bytes' });
  await checkFiles(path, manifest, { ...(signal ? { signal } : {}), onBytes });

  const { model } = manifest;
  const reference = await readReference(join(path, REFERENCE_FILE), model.vocabularySize);
  const check = new EquivalenceCheck(model.vocabularySize);
  const artifact = await form.open(runtime, path, manifest);
  await withSession(artifact.open(false), async (session) => {
    for (const [done, { tokens, promptLength, logits }] of reference.texts.entries()) {
      if (signal?.aborted) throw new AppError('cancelled', 'The verification was cancelled.');
      onWork?.({ stage: 'Comparing the models', done, total: reference.texts.length, unit: 'texts' });
      check.addLogits(logits, await textLogits(session, tokens, promptLength, artifact.feedsOf));
    }
  });
  const newTokens = reference.continuations.ids[0]?.length ?? 0;
  const continuations = await withSession(artifact.open(true), (session) =>
    continueGreedily(session, reference.prompts, newTokens, {
      cache: model,
      feedsOf: artifact.feedsOf,
      ...(signal ? { signal } : {}),
      onToken: (done) =>
        onWork?.({ stage: 'Generating', done, total: newTokens * reference.prompts.length, unit: 'tokens' }),
    }),
  );
  const equivalence = check.finish('recorded', runtime.device, reference.continuations, continuations);
  requireEquivalence(path, equivalence);
  return { path, manifest, equivalence, ...figures(equivalence), unlisted: await unlistedFiles(path, manifest) };
}

export function figures({ logits, greedy }: Equivalence) {
  return { maxAbsLogitDiff: logits.maxAbsLogitDiff, kl: logits.meanKl, greedyAgreement: greedy.agreement };
}

async function unlistedFiles(folder: string, manifest: Manifest): Promise<string[]> {
  const known = new Set([MANIFEST_FILE, ...manifest.files.map(({ path }) => path)]);
  try {
    const entries = await readdir(folder, { recursive: true, withFileTypes: true });
    return entries
      .filter((entry) => !entry.isDirectory())
      .map((entry) =>
        join(entry.parentPath, entry.name)
          .slice(folder.length + 1)
          .replaceAll('\\', '/'),
      )
      .filter((path) => !known.has(path))
      .sort();
  } catch (thrown) {
    throw toFileError(thrown, folder);
  }
}
