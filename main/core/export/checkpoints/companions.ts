// What stands next to a model's weights: its config, its tokenizer, how it generates.
import { constants, copyFile } from 'node:fs/promises';
import { join } from 'node:path';
import { toAppError } from '../../../contract/base/errors.ts';

export const CONFIG_FILE = 'config.json';

/** What is copied from the model's folder as it is, where it is there. */
const COMPANIONS = [
  'generation_config.json',
  'tokenizer.json',
  'tokenizer_config.json',
  'tokenizer.model',
  'special_tokens_map.json',
  'added_tokens.json',
  'vocab.json',
  'merges.txt',
  'chat_template.jinja',
  'chat_template.json',
];

export async function copyCompanions(from: string, to: string, withConfig: boolean): Promise<string[]> {
  const copied: string[] = [];
  for (const name of [...(withConfig ? [CONFIG_FILE] : []), ...COMPANIONS]) {
    try {
      await copyFile(join(from, name), join(to, name), constants.COPYFILE_EXCL);
      copied.push(name);
    } catch (thrown) {
      const error = toAppError(thrown);
      if (error.code !== 'not-found') throw error;
    }
  }
  return copied;
}
