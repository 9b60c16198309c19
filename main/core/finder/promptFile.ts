// Prompts alone, from a file: a .txt with one a line, a .jsonl whose lines are strings or objects with a `prompt`, a .csv with
// a column `prompt`. In .txt, "\n" written out stands for a line break, since prompts of chats have some.
import { AppError } from '../../contract/base/errors.ts';
import { readCsv, readJsonLines, readLines } from '../files/textRows.ts';

const MOST = 10_000;

/** @throws AppError `not-found`, `permission`, `invalid-file` that names the line, `empty`. */
export async function readPromptFile(path: string): Promise<string[]> {
  const prompts: string[] = [];
  for await (const prompt of promptsOf(path)) {
    if (prompts.length >= MOST) throw new AppError('invalid-file', `${path}: it has more than ${MOST} prompts.`);
    prompts.push(prompt);
  }
  if (prompts.length === 0) throw new AppError('empty', `${path}: it holds no prompts.`);
  return prompts;
}

async function* promptsOf(path: string): AsyncGenerator<string> {
  if (/\.jsonl$/iu.test(path)) {
    for await (const { line, value } of readJsonLines(path)) {
      const prompt = typeof value === 'object' && value !== null && 'prompt' in value ? value.prompt : value;
      if (typeof prompt !== 'string' || prompt === '') {
        throw new AppError('invalid-file', `${path}: line ${line} is neither text nor an object with a prompt.`);
      }
      yield prompt;
    }
  } else if (/\.csv$/iu.test(path)) {
    for await (const { line, value } of readCsv(path, ['prompt'], ['prompt'])) {
      const { prompt = '' } = value;
      if (prompt === '') throw new AppError('invalid-file', `${path}: line ${line} has an empty prompt.`);
      yield prompt;
    }
  } else {
    for await (const { value } of readLines(path)) yield value.replaceAll('\\n', '\n');
  }
}
