// Tokens of documents of any length. A document is tokenized as one text; a long one is tokenized in pieces, cut only where
// that is seen to give the same tokens as the whole, and in one go where no such place is found.
//
// Why a cut must be tried: whether two newlines are one token or two, and whether a merge reaches across a line's end,
// differs between tokenizers. Tokens depend on the text near them only (pre-tokenizers split at spaces and line ends,
// merges reach no further than the longest token), so a window around the cut shows what the whole text would give.

import { AppError } from '../../contract/base/errors.ts';
import type { TextEncoder } from '../models/tokenizer.ts';
import type { TextPiece } from './corpus.ts';

export interface DocumentTokens {
  readonly ids: ArrayLike<number>;
  readonly startsDocument: boolean;
}

const PIECE_LENGTH = 1 << 17; // characters
/** On either side of a cut, in characters: far longer than any token. */
const WINDOW_LENGTH = 1000;
const MAX_TRIES = 16;
const LONGEST_WHOLE = 1 << 28;

/** @param pieceLength for tests. @throws AppError `unsupported` when a document is huge and cannot be cut anywhere. */
export async function* encodeDocuments(
  pieces: AsyncIterable<TextPiece>,
  encoder: TextEncoder,
  pieceLength = PIECE_LENGTH,
): AsyncGenerator<DocumentTokens, void, undefined> {
  const middle = new MiddleEncoder(encoder);
  let pending = '';
  let searched = 0; // no cut was found in pending before this
  let isStart = true;
  const encoded = (text: string): DocumentTokens => {
    const tokens = { ids: isStart ? encoder.encode(text) : middle.encode(text), startsDocument: isStart };
    isStart = false;
    return tokens;
  };
  for await (const { text, endsDocument } of pieces) {
    pending += text;
    while (pending.length - searched > pieceLength + WINDOW_LENGTH) {
      const cut = findCut(pending, searched, searched + pieceLength, middle);
      if (cut === undefined) {
        searched += pieceLength;
      } else {
        yield encoded(pending.slice(0, cut));
        pending = pending.slice(cut);
        searched = 0;
      }
    }
    if (pending.length > LONGEST_WHOLE) {
      throw new AppError('unsupported', `A document of more than ${LONGEST_WHOLE} characters has no place to cut it.`);
    }
    if (!endsDocument) continue;
    if (pending !== '' || isStart) yield encoded(pending);
    pending = '';
    searched = 0;
    isStart = true;
  }
}

/** Encodes text that stands in the middle of a document, where many tokenizers do not add what they add at the start. */
class MiddleEncoder {
  readonly #encoder: TextEncoder;
  #newline: ArrayLike<number> | undefined;

  constructor(encoder: TextEncoder) {
    this.#encoder = encoder;
  }

  /** The text's tokens after a newline. @throws AppError `internal` when they cannot be told from the newline's. */
  encode(text: string): ArrayLike<number> {
    const tokens = this.tryEncode(text);
    if (!tokens) throw new AppError('internal', 'A text was cut where its tokens cannot be told apart.');
    return tokens;
  }

  tryEncode(text: string): number[] | undefined {
    // Asked for only where there is a newline to cut at: tokenizers of digits or proteins know none.
    this.#newline ??= this.#encoder.encode('\n');
    const tokens = this.#encoder.encode(`\n${text}`);
    for (let i = 0; i < this.#newline.length; i++) if (tokens[i] !== this.#newline[i]) return undefined;
    return Array.from(tokens.slice(this.#newline.length));
  }
}

/** The last place from `first` to `last` where cutting gives the same tokens. */
function findCut(text: string, first: number, last: number, middle: MiddleEncoder): number | undefined {
  let tries = 0;
  for (
    let at = text.lastIndexOf('\n', last - 1);
    at >= first && tries < MAX_TRIES;
    at = text.lastIndexOf('\n', at - 1)
  ) {
    tries++;
    if (isSafeCut(text, at + 1, middle)) return at + 1;
    if (at === 0) break; // lastIndexOf takes -1 for 0
  }
  return undefined;
}

function isSafeCut(text: string, cut: number, middle: MiddleEncoder): boolean {
  const left = text.slice(Math.max(0, cut - WINDOW_LENGTH), cut).toWellFormed();
  const right = text.slice(cut, cut + WINDOW_LENGTH).toWellFormed();
  const [whole, before, after] = [middle.tryEncode(left + right), middle.tryEncode(left), middle.tryEncode(right)];
  if (!whole || !before || !after || whole.length !== before.length + after.length) return false;
  return whole.every((id, i) => id === (i < before.length ? before[i] : after[i - before.length]));
}
