// Answers /blob/…: arrays as bytes, and files to download. The same in both hosts; addresses are made in contract/api/blobs.ts.
// Errors are JSON with the code and the sentence of an AppError.
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ARRAY_HEADER, EXPORT_DOWNLOADS, type ArrayFacts } from '../../contract/api/blobs.ts';
import { toAppError, type ErrorCode } from '../../contract/base/errors.ts';
import { BLOB_PATH } from '../../contract/api/host.ts';
import { BEHAVIOUR_FILE_FORMATS, writeBehaviourFile } from '../../core/behaviours/behaviourFile.ts';
import { realPathInside } from '../../core/files/insideFolder.ts';
import { LABEL_FILE_FORMATS } from '../../contract/domain/label.ts';
import { writeLabelFile } from '../../core/labels/labelsFile.ts';
import { writeVersionFile } from '../../storage/versions/versionFile.ts';
import { findFinishedDictionary, readWholeEvaluation } from '../../workbench/dictionaries.ts';
import { featureStates } from '../../workbench/featureLists.ts';
import { featureColumns, featureStatistic } from '../../workbench/features.ts';
import { existingFolder } from '../../workbench/projectFolder.ts';
import { REPORT_FILE_FORMATS, REPORT_FILE_TYPES, reportFile } from '../../workbench/reportFiles.ts';
import type { HostContext } from './hostContext.ts';

type Bytes = Uint8Array<ArrayBuffer>;

const STATUS: Partial<Readonly<Record<ErrorCode, number>>> = {
  'not-found': 404,
  'no-project': 404,
  usage: 400,
  permission: 403,
  conflict: 409,
};

/** Null: the address is none of ours. */
export async function answerBlob(request: Request, host: HostContext): Promise<Response | null> {
  const url = new URL(request.url);
  if (!url.pathname.startsWith(BLOB_PATH)) return null;
  if (request.method !== 'GET' && request.method !== 'HEAD') return failure(405, 'usage', 'Only GET and HEAD.');
  try {
    const parts = url.pathname.slice(BLOB_PATH.length).split('/').map(decodeURIComponent);
    const answer = await blobAt(parts, url.searchParams, host);
    if (answer) return answer;
    return failure(404, 'not-found', 'There is no such blob.');
  } catch (thrown) {
    if (thrown instanceof URIError) return failure(400, 'usage', 'The address is malformed.');
    const { code, message } = toAppError(thrown);
    return failure(STATUS[code] ?? 500, code, message);
  }
}

async function blobAt(
  [noun, first, second, ...rest]: readonly string[],
  parameters: URLSearchParams,
  host: HostContext,
): Promise<Response | null> {
  if (noun === undefined || first === undefined || rest.length > 0) return null;
  const { workbench, logs } = host.session();
  const { project } = workbench;
  if (noun === 'dictionary' && second === 'firing-rates') {
    const evaluation = await readWholeEvaluation(await findFinishedDictionary(workbench, first));
    const rates = Float32Array.from(evaluation?.firingRates ?? []);
    return array(new Uint8Array(rates.buffer), { dtype: 'f32', shape: [rates.length] });
  }
  if (noun === 'dictionary' && second === 'label-states') {
    const states = await featureStates(workbench, first);
    return array(states, { dtype: 'u8', shape: [states.length] });
  }
  if (noun === 'dictionary' && second === 'map') {
    const { map } = await featureColumns(workbench, first);
    return array(new Uint8Array(map.buffer), { dtype: 'f32', shape: [map.length / 2, 2] });
  }
  if (noun === 'dictionary' && second?.startsWith('statistic-') === true) {
    const values = await featureStatistic(workbench, first, second.slice('statistic-'.length));
    return array(new Uint8Array(values.buffer), { dtype: 'f32', shape: [values.length] });
  }
  if (noun === 'labels' && second === undefined) {
    const format = LABEL_FILE_FORMATS.find((each) => first === `labels.${each}`);
    if (format === undefined || format === 'neuronpedia') return null;
    const dictionary = parameters.get('dictionary') ?? undefined;
    const records = project.labels.records(dictionary === undefined ? {} : { dictionary });
    const bytes = await written((path) => writeLabelFile(path, format, records));
    return download(bytes, first, format === 'csv' ? 'text/csv; charset=utf-8' : 'application/jsonl; charset=utf-8');
  }
  if (noun === 'behaviour' && second !== undefined) {
    const format = BEHAVIOUR_FILE_FORMATS.find((each) => each === second);
    if (format === undefined) return null;
    const behaviour = project.behaviours.get(first);
    const bytes = await written((path) => writeBehaviourFile(path, format, behaviour));
    return download(bytes, `${behaviour.name}.${format}`, 'text/plain; charset=utf-8');
  }
  if (noun === 'evaluation' && second !== undefined) {
    const format = REPORT_FILE_FORMATS.find((each) => each === second);
    if (format === undefined) return null;
    const stored = project.evaluations.get(first);
    const bytes = new Uint8Array(Buffer.from(await reportFile(workbench, stored, format)));
    return download(bytes, `evaluation-${stored.id.slice(0, 10)}.${format}`, REPORT_FILE_TYPES[format]);
  }
  if (noun === 'version' && second === undefined) {
    const file = project.versionFile(first);
    const bytes = await written((path) => writeVersionFile(path, file));
    return download(bytes, `version-${file.head.slice(0, 10)}.json`, 'application/json; charset=utf-8');
  }
  if (noun === 'export') {
    const file = EXPORT_DOWNLOADS.find((name) => name === second);
    if (file === undefined) return null;
    const folder = await existingFolder(project.folder, 'exports', first, 'manifest.json');
    // An export is a folder from anywhere: its files may be links.
    const bytes = await readFile(await realPathInside(folder, file, folder));
    return download(new Uint8Array(bytes), `${first}-${file}`, 'text/plain; charset=utf-8');
  }
  if (noun === 'job' && second === 'log') {
    const { id } = project.jobs.get(first);
    await logs.flush();
    const bytes = await readFile(logs.pathOf(id)).catch(() => Buffer.alloc(0));
    return download(new Uint8Array(bytes), `${id}.log`, 'text/plain; charset=utf-8');
  }
  return null;
}

/** What `write` writes to a file of its own. */
async function written(write: (path: string) => Promise<unknown>): Promise<Bytes> {
  const folder = await mkdtemp(join(tmpdir(), 'errata-download-'));
  try {
    const path = join(folder, 'file');
    await write(path);
    return new Uint8Array(await readFile(path));
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

function array(bytes: Bytes, facts: ArrayFacts): Response {
  return new Response(bytes, {
    headers: { 'Content-Type': 'application/octet-stream', [ARRAY_HEADER]: JSON.stringify(facts) },
  });
}

function download(bytes: Bytes, name: string, type: string): Response {
  const plain = name.replace(/[^A-Za-z0-9._ -]/gu, '_');
  return new Response(bytes, {
    headers: {
      'Content-Type': type,
      'Content-Disposition': `attachment; filename="${plain}"; filename*=UTF-8''${encodeURIComponent(name)}`,
    },
  });
}

function failure(status: number, code: ErrorCode, message: string): Response {
  return new Response(JSON.stringify({ code, message }), { status, headers: { 'Content-Type': 'application/json' } });
}
