// Conventions that a file does not show, changed: on a dictionary at hand, to try them, and on a reading, to import it so.
// Both forms are the same change; selfCheck.test.ts holds them to it.
import { AppError } from '../../contract/base/errors.ts';
import type { ReadingChanges } from '../../contract/domain/importedDictionary.ts';
import type { Dictionary } from './dictionary.ts';
import type { Reading } from './layouts/layout.ts';
import { transposed } from './saeLens.ts';
import { flipped } from './storedMatrix.ts';

/** @throws AppError `usage` for one that is not square and shall be transposed. */
export function changeReading(reading: Reading, changes: ReadingChanges): Reading {
  const { scale = 1, isTransposed = false, subtractsDecoderBias = reading.subtractsDecoderBias } = changes;
  const { d, size, encoder, decoder, encoderScale = 1, decoderScale = 1, decoderBias } = reading;
  checkSquare({ d, size }, isTransposed);
  const said = changeWords(changes);
  return {
    ...reading,
    subtractsDecoderBias,
    ...(isTransposed ? { encoder: flipped(encoder), decoder: flipped(decoder) } : {}),
    encoderScale: encoderScale * scale,
    decoderScale: decoderScale / scale,
    decoderBias: scale === 1 ? decoderBias : decoderBias.map((value) => value / scale),
    conclusions: said === '' ? reading.conclusions : [...reading.conclusions, `A person said: ${said}.`],
  };
}

/** @throws AppError as changeReading. */
export function changeDictionary(dictionary: Dictionary, changes: ReadingChanges): Dictionary {
  const { d, size, encoder, decoder, centre } = dictionary;
  const { scale = 1, isTransposed = false } = changes;
  const subtracts = changes.subtractsDecoderBias ?? centre.some((value) => value !== 0);
  checkSquare(dictionary, isTransposed);
  const turn = (matrix: Float32Array) => (isTransposed ? transposed(matrix, size, d) : matrix);
  const times = (array: Float32Array, factor: number) => (factor === 1 ? array : array.map((value) => value * factor));
  const decoderBias = scale === 1 ? dictionary.decoderBias : dictionary.decoderBias.map((value) => value / scale);
  return {
    ...dictionary,
    encoder: times(turn(encoder), scale),
    decoder: times(turn(decoder), 1 / scale),
    decoderBias,
    centre: subtracts ? decoderBias : new Float32Array(d),
  };
}

function checkSquare({ d, size }: { readonly d: number; readonly size: number }, isTransposed: boolean): void {
  if (!isTransposed || d === size) return;
  throw new AppError(
    'usage',
    `Only a dictionary of as many features as numbers can be transposed, not ${size} of ${d}.`,
  );
}

/** Empty where nothing is changed. */
export function changeWords({ subtractsDecoderBias, isTransposed = false, scale = 1 }: ReadingChanges): string {
  return [
    ...(subtractsDecoderBias === undefined
      ? []
      : [`the decoder bias ${subtractsDecoderBias ? 'subtracted' : 'not subtracted'}`]),
    ...(isTransposed ? ['both matrices transposed'] : []),
    ...(scale === 1 ? [] : [`trained on activations times ${scale.toPrecision(4)}`]),
  ].join(', ');
}
