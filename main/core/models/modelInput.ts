// Checks on token ids before they reach the engine, whose own message for a bad one names no cause.
import { AppError } from '../../contract/base/errors.ts';
import type { ModelConfig } from './config.ts';

/**
 * @throws AppError `empty` for a row without tokens, `usage` for an id outside of the vocabulary or a row longer than the
 * model's longest context.
 */
export function checkTokens(config: ModelConfig, rows: readonly ArrayLike<number>[]): void {
  const { vocabularySize, contextLength } = config;
  if (rows.length === 0) throw new AppError('empty', 'There are no tokens to run the model on.');
  for (const row of rows) {
    if (row.length === 0) throw new AppError('empty', 'A row without any token cannot be run through the model.');
    if (row.length > contextLength) {
      throw new AppError(
        'usage',
        `${row.length} tokens are more than this model's longest context of ${contextLength}.`,
      );
    }
    for (let position = 0; position < row.length; position++) {
      const id = row[position] as number;
      if (Number.isInteger(id) && id >= 0 && id < vocabularySize) continue;
      throw new AppError('usage', `The token id ${id} is not in this model's vocabulary of ${vocabularySize}.`, {
        details: { id, vocabularySize },
      });
    }
  }
}
