// What a tokenizer puts before a text, commonly its BOS. tokenizer.json has the last word, as in transformers 5: its
// post-processor is what runs. Only where it has no template, add_bos_token of tokenizer_config.json counts, which the classes
// of transformers 4 obeyed. A model that was trained without a BOS must not get one.
import type { BosRule } from '../../contract/domain/bosRule.ts';
import { isObject, type JsonObject } from '../files/json.ts';

export interface OpeningOptions {
  readonly bosTokenId: number | null;
  /** Of the project; the tokenizer's own when left out. */
  readonly rule?: BosRule | undefined;
}

/** Ids of the tokens before a text. */
export function openingOf(
  definition: JsonObject,
  settings: JsonObject,
  { bosTokenId, rule = 'tokenizer' }: OpeningOptions,
): readonly number[] {
  const bos = bosTokenId === null ? [] : [bosTokenId];
  if (rule === 'never') return [];
  const own = templateOpening(definition['post_processor']);
  if (rule === 'always') return own?.length ? own : bos;
  return own ?? (settings['add_bos_token'] === true ? bos : []);
}

/** Null where no step is a template. */
function templateOpening(step: unknown): readonly number[] | null {
  if (!isObject(step)) return null;
  if (step['type'] === 'Sequence') {
    const steps = Array.isArray(step['processors']) ? step['processors'] : [];
    return steps.map(templateOpening).find((opening) => opening !== null) ?? null;
  }
  if (step['type'] === 'BertProcessing' || step['type'] === 'RobertaProcessing') {
    const id: unknown = Array.isArray(step['cls']) ? step['cls'][1] : undefined;
    return typeof id === 'number' ? [id] : [];
  }
  if (step['type'] !== 'TemplateProcessing' || !Array.isArray(step['single'])) return null;
  const known = isObject(step['special_tokens']) ? step['special_tokens'] : {};
  const ids: number[] = [];
  for (const piece of step['single'] as readonly unknown[]) {
    if (!isObject(piece) || !isObject(piece['SpecialToken'])) break; // the text itself
    const token = known[String(piece['SpecialToken']['id'])];
    const own = isObject(token) && Array.isArray(token['ids']) ? token['ids'] : [];
    ids.push(...own.filter((id): id is number => typeof id === 'number'));
  }
  return ids;
}
