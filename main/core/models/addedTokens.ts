// Added tokens as the reference (huggingface/tokenizers, `AddedVocabulary`) finds them in a text, which the library does otherwise:
// those of whole words only, those that are looked for after normalizing, and the white space that they take along, which is
// Unicode's and not JavaScript's.
import type { AddedToken, Tokenizer } from '@huggingface/tokenizers';

/** A piece of a text: an added token, or text between them. */
interface Piece {
  readonly token: AddedToken | null;
  readonly text: string;
  /** In the text that was searched. */
  readonly start: number;
}

const WORD = String.raw`[\p{Alphabetic}\p{M}\p{Nd}\p{Pc}\p{Join_Control}]`;
const BEGINS_WITH_WORD = new RegExp(`^${WORD}`, 'u');
const ENDS_WITH_WORD = new RegExp(`${WORD}$`, 'u');
const SPACE_AT_START = /^\p{White_Space}*/u;
const IS_SPACE = /^\p{White_Space}$/u;

/** Replaces how the tokenizer takes a text apart. What it does with the parts without added tokens stays the library's. */
export function findAddedTokensAsReference(tokenizer: Tokenizer): void {
  const { normalizer, model } = tokenizer;
  const asGiven = new Map<string, AddedToken>();
  const afterNormalizing = new Map<string, AddedToken>();
  for (const token of tokenizer.get_added_tokens_decoder().values()) {
    if (!token.normalized || normalizer === null) asGiven.set(token.content, token);
    else afterNormalizing.set(normalizer.normalize(token.content), token);
  }
  // Such a token reads as its normalized content: the word's leading space with Llama's normalizer, say.
  for (const [content, token] of afterNormalizing) {
    model.vocab[token.id] = content;
    // The vocabulary may have the same piece: that is another token.
    if (content !== token.content) tokenizer.added_tokens_map.delete(content);
  }
  const [before, after] = [searcher(asGiven), searcher(afterNormalizing)];
  const encodeText = (text: string | null) => {
    if (text === null) return null;
    const tokens: string[] = [];
    for (const outer of before(text)) {
      if (outer.token) {
        tokens.push(outer.token.content);
        continue;
      }
      const normalized = normalizer === null ? outer.text : normalizer.normalize(outer.text);
      for (const inner of after(normalized)) {
        if (inner.token) tokens.push(inner.token.content);
        else if (inner.text !== '') {
          for (const token of piecesOf(tokenizer, inner.text, outer.start + inner.start)) tokens.push(token);
        }
      }
    }
    return tokens;
  };
  Object.defineProperty(tokenizer, 'encode_text', { value: encodeText });
}

/** @param start 0 at the beginning of the text, where some pre-tokenizers write a space first. */
function piecesOf({ pre_tokenizer: preTokenizer, model }: Tokenizer, text: string, start: number): readonly string[] {
  const words =
    preTokenizer === null ? [text] : preTokenizer.pre_tokenize(text, { section_index: start === 0 ? 0 : 1 });
  return model._call(words);
}

/** Finds the longest token at the leftmost place, one after the other. */
function searcher(tokens: ReadonlyMap<string, AddedToken>): (text: string) => readonly Piece[] {
  const contents = [...tokens.keys()].filter((content) => content !== '').sort((a, b) => b.length - a.length);
  if (contents.length === 0) return (text) => (text === '' ? [] : [{ token: null, text, start: 0 }]);
  const pattern = new RegExp(
    contents.map((content) => content.replace(/[\\^$.*+?()[\]{}|/]/gu, String.raw`\$&`)).join('|'),
    'gu',
  );
  return (text) => {
    const pieces: Piece[] = [];
    let end = 0; // of what is in pieces
    for (const match of text.matchAll(pattern)) {
      const token = tokens.get(match[0]);
      if (!token) continue;
      let start = match.index;
      let stop = start + match[0].length;
      if (token.single_word && isInWord(text, start, stop)) continue;
      if (token.lstrip) while (start > end && IS_SPACE.test(text[start - 1] ?? '')) start--;
      if (token.rstrip) stop += SPACE_AT_START.exec(text.slice(stop))?.[0].length ?? 0;
      if (start < end) continue;
      if (start > end) pieces.push({ token: null, text: text.slice(end, start), start: end });
      pieces.push({ token, text: text.slice(start, stop), start });
      end = stop;
    }
    if (end < text.length) pieces.push({ token: null, text: text.slice(end), start: end });
    return pieces;
  };
}

function isInWord(text: string, start: number, stop: number): boolean {
  return (
    ENDS_WITH_WORD.test(text.slice(Math.max(0, start - 2), start)) || BEGINS_WITH_WORD.test(text.slice(stop, stop + 2))
  );
}
