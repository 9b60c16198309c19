// Neuronpedia's JSON as rows of explanations: what it is uploaded with, its lists, what it gives of one feature, and an array of
// explanations. Each has the explanations in another place.
import { AppError } from '../../contract/base/errors.ts';
import { isObject, readJson, type JsonObject } from '../files/json.ts';

/** A few hundred thousand explanations. */
const MOST_BYTES = 256 << 20;

export interface ExplanationRow {
  /** Where in the file: `features[3]`. */
  readonly place: string;
  /** As a row of Neuronpedia's export. */
  readonly value: JsonObject;
}

/** @throws AppError `invalid-file` for JSON of any other kind. */
export async function readNeuronpediaJson(path: string): Promise<readonly ExplanationRow[]> {
  const value = await readJson(path, MOST_BYTES);
  const rows = rowsOf(value, '');
  if (rows !== null) return rows;
  throw new AppError(
    'invalid-file',
    `${path}: expected Neuronpedia's JSON of an upload, a list, a feature or explanations, with "features" or "explanations".`,
    { details: { path } },
  );
}

function rowsOf(value: unknown, place: string): readonly ExplanationRow[] | null {
  if (Array.isArray(value)) {
    const all = value.map((each: unknown, index) => rowsOf(each, `${place}[${index}]`));
    return all.every((rows) => rows !== null) ? all.flat() : null;
  }
  if (!isObject(value)) return null;
  const { features, explanations } = value;
  const at = (name: string) => (place === '' ? name : `${place}.${name}`);
  if (Array.isArray(features)) {
    // An upload names model and source once; a list names them with each feature.
    const shared = { modelId: value['modelId'], layer: value['layer'] ?? value['source'] };
    return features.flatMap((feature: unknown, index): readonly ExplanationRow[] => {
      const inside = `${at('features')}[${index}]`;
      if (!isObject(feature)) return [{ place: inside, value: {} }]; // refused, and named, by who reads the row
      // A feature may be uploaded without an explanation.
      return rowsOf({ ...defined(shared), ...feature }, inside) ?? [];
    });
  }
  if (Array.isArray(explanations)) {
    const [explanation, ...others] = explanations.filter(isObject);
    if (explanation === undefined) return [];
    const row = {
      ...{ modelId: value['modelId'], layer: value['layer'], index: value['index'] },
      ...{ ...explanation, description: textOf(explanation) },
      explanationModelName: explanation['explanationModelName'] ?? explanation['modelName'],
      ...(others.length === 0 ? {} : { notes: others.map((each) => `Also: ${String(textOf(each))}`).join('\n') }),
    };
    return [{ place, value: defined(row) }];
  }
  return 'description' in value ? [{ place, value }] : null;
}

function textOf(explanation: JsonObject): unknown {
  return explanation['description'] ?? explanation['text'];
}

/** Without the members that are not there. */
function defined(value: JsonObject): JsonObject {
  return Object.fromEntries(Object.entries(value).filter(([, each]) => each !== undefined));
}
