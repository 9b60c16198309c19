// Corpora: .txt and .jsonl files, or a folder of them, as a stream of documents. Files of any size pass through in pieces;
// only a single line of .jsonl (or of .txt, where a line is a document) has to fit into memory.

import { createReadStream } from 'node:fs';
import { readdir, stat } from 'node:fs/promises';
import { extname, join } from 'node:path';
import { AppError } from '../../contract/base/errors.ts';
import { defaultsOf, type RequestOf } from '../../contract/base/setting.ts';
import { corpusSettings } from '../../contract/domain/captureSettings.ts';
import { toFileError } from '../files/fileError.ts';
import { hashBytes, hashFile } from '../files/hash.ts';

/** `textDocuments`: what a document is in a .txt file: the whole file, every line, or every run of lines between blank ones. */
export type CorpusOptions = Readonly<RequestOf<typeof corpusSettings>>;

/** A document arrives in one or more pieces; the last says so. Pieces of one document join without anything between. */
export interface TextPiece {
  readonly text: string;
  readonly endsDocument: boolean;
}

export interface Corpus {
  /** In the order in which they are read. */
  readonly files: readonly string[];
  /** SHA-256 over the contents of the files in order and the options: the same texts by the same rules, wherever they lie. */
  hash(signal?: AbortSignal): Promise<string>;
  /** @throws AppError `invalid-file` with the byte offset or line when a file is not UTF-8 or not JSON lines. */
  pieces(): AsyncGenerator<TextPiece, void, undefined>;
}

const CHUNK_BYTES = 1 << 20;
const LONGEST_LINE = 64 << 20; // characters

/**
 * @param path a .txt or .jsonl file, or a folder, of which all such files count, also in folders in it, in the order of
 * their paths; hidden ones do not.
 * @throws AppError `not-found`, `unsupported` (another kind of file), `empty`.
 */
export async function openCorpus(path: string, options: CorpusOptions = {}): Promise<Corpus> {
  const { textDocuments, field } = { ...defaultsOf(corpusSettings), ...options };
  const files = await findFiles(path);
  const sizes = await Promise.all(files.map(async (file) => (await stat(file)).size));
  if (files.length === 0) {
    throw new AppError('empty', `${path}: there is no .txt or .jsonl file in this folder.`, { details: { path } });
  }
  if (sizes.every((size) => size === 0))
    throw new AppError('empty', `${path}: the corpus is empty.`, { details: { path } });
  return {
    files,
    async hash(signal) {
      const hashes: string[] = [];
      for (const file of files) hashes.push(`${extname(file).toLowerCase()} ${await hashFile(file, signal)}`);
      return hashBytes(JSON.stringify(['errata-corpus-1', textDocuments, field, hashes]));
    },
    async *pieces() {
      for (const file of files) {
        if (extname(file).toLowerCase() === '.jsonl') yield* jsonLines(file, field);
        else if (textDocuments === 'file') yield* wholeFile(file);
        else if (textDocuments === 'line') yield* lineDocuments(file);
        else yield* paragraphs(file);
      }
    },
  };
}

async function findFiles(path: string): Promise<string[]> {
  const isCorpusFile = (name: string) => ['.txt', '.jsonl'].includes(extname(name).toLowerCase());
  try {
    if ((await stat(path)).isFile()) {
      if (isCorpusFile(path)) return [path];
      throw new AppError('unsupported', `${path}: a corpus is a .txt file, a .jsonl file, or a folder of these.`, {
        details: { path },
      });
    }
    const entries = await readdir(path, { withFileTypes: true, recursive: true });
    const candidates = entries
      .filter((entry) => !entry.isDirectory() && isCorpusFile(entry.name))
      .map((entry) => join(entry.parentPath, entry.name))
      .filter((file) => !/[\\/]\./.test(file.slice(path.length)))
      .sort((a, b) => (a < b ? -1 : 1)); // by code units: the same on every machine, whatever its language
    const areFiles = await Promise.all(candidates.map(async (file) => (await stat(file)).isFile())); // through links
    return candidates.filter((_, i) => areFiles[i]);
  } catch (thrown) {
    throw toFileError(thrown, path);
  }
}

/** The file's text in pieces of about a megabyte, cut between characters. A byte-order mark at the start is dropped. */
async function* decodedChunks(file: string): AsyncGenerator<string, void, undefined> {
  const decoder = new TextDecoder('utf-8', { fatal: true });
  let offset = 0;
  let carried = new Uint8Array(0); // what the decoder holds back: the start of a character cut by the chunk's end
  const decode = (chunk: Uint8Array, isLast: boolean): string => {
    try {
      return decoder.decode(chunk, { stream: !isLast });
    } catch {
      const bad = offset - carried.length + firstInvalidByte(Buffer.concat([carried, chunk]));
      throw new AppError('invalid-file', `${file}: not UTF-8, the first wrong byte is at offset ${bad}.`, {
        details: { path: file, offset: bad },
      });
    }
  };
  try {
    for await (const chunk of createReadStream(file, { highWaterMark: CHUNK_BYTES }) as AsyncIterable<Uint8Array>) {
      const text = decode(chunk, false);
      offset += chunk.length;
      const end = chunk.length < 4 ? Buffer.concat([carried, chunk]) : chunk;
      carried = Uint8Array.from(end.subarray(end.length - incompleteTail(end)));
      if (text !== '') yield text;
    }
  } catch (thrown) {
    throw toFileError(thrown, file);
  }
  const rest = decode(new Uint8Array(0), true);
  if (rest !== '') yield rest;
}

/** How many bytes at the end begin a character that is not finished; the bytes before are valid UTF-8. */
function incompleteTail(bytes: Uint8Array): number {
  for (let back = 1; back <= Math.min(3, bytes.length); back++) {
    const byte = bytes[bytes.length - back]!;
    if (byte >= 0xc0) return back < characterLength(byte) ? back : 0;
    if (byte < 0x80) return 0;
  }
  return 0;
}

function characterLength(firstByte: number): number {
  if (firstByte < 0x80) return 1;
  if (firstByte >= 0xc2 && firstByte < 0xe0) return 2;
  if (firstByte >= 0xe0 && firstByte < 0xf0) return 3;
  return firstByte >= 0xf0 && firstByte < 0xf5 ? 4 : 0;
}

/** Index of the first byte that is not part of a character; the bytes are known to hold one. */
function firstInvalidByte(bytes: Uint8Array): number {
  const decoder = new TextDecoder('utf-8', { fatal: true });
  let at = 0;
  while (at < bytes.length) {
    const length = characterLength(bytes[at]!);
    try {
      decoder.decode(bytes.subarray(at, at + Math.max(1, length)));
    } catch {
      return at;
    }
    at += length;
  }
  return at;
}

async function* wholeFile(file: string): AsyncGenerator<TextPiece, void, undefined> {
  let hasText = false;
  for await (const text of decodedChunks(file)) {
    hasText = true;
    yield { text, endsDocument: false };
  }
  if (hasText) yield { text: '', endsDocument: true };
}

/** The lines of a file without their ends (\n or \r\n). */
async function* lines(file: string): AsyncGenerator<{ text: string; number: number }, void, undefined> {
  let number = 1;
  let pieces: string[] = []; // of a line that goes on
  let length = 0;
  const take = (last: string): string => {
    const line = pieces.length === 0 ? last : pieces.join('') + last;
    pieces = [];
    length = 0;
    return line.endsWith('\r') ? line.slice(0, -1) : line;
  };
  for await (const chunk of decodedChunks(file)) {
    let start = 0;
    for (let end = chunk.indexOf('\n'); end >= 0; end = chunk.indexOf('\n', start)) {
      yield { text: take(chunk.slice(start, end)), number };
      number++;
      start = end + 1;
    }
    const rest = chunk.slice(start);
    length += rest.length;
    if (length > LONGEST_LINE) {
      throw new AppError('unsupported', `${file}: line ${number} is longer than ${LONGEST_LINE} characters.`, {
        details: { path: file, line: number },
      });
    }
    if (rest !== '') pieces.push(rest);
  }
  if (pieces.length > 0) yield { text: take(''), number };
}

async function* lineDocuments(file: string): AsyncGenerator<TextPiece, void, undefined> {
  for await (const { text } of lines(file)) if (text.trim() !== '') yield { text, endsDocument: true };
}

async function* paragraphs(file: string): AsyncGenerator<TextPiece, void, undefined> {
  let isOpen = false;
  for await (const { text } of lines(file)) {
    if (text.trim() !== '') {
      yield { text: isOpen ? `\n${text}` : text, endsDocument: false };
      isOpen = true;
    } else if (isOpen) {
      yield { text: '', endsDocument: true };
      isOpen = false;
    }
  }
  if (isOpen) yield { text: '', endsDocument: true };
}

async function* jsonLines(file: string, field: string): AsyncGenerator<TextPiece, void, undefined> {
  for await (const { text: line, number } of lines(file)) {
    if (line.trim() === '') continue;
    const wrong = (reason: string) =>
      new AppError('invalid-file', `${file}: line ${number} ${reason}.`, { details: { path: file, line: number } });
    let value: unknown;
    try {
      value = JSON.parse(line);
    } catch {
      throw wrong('is not JSON');
    }
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, field)) {
      throw wrong(`has no field ${JSON.stringify(field)}`);
    }
    const text: unknown = Reflect.get(value, field);
    if (typeof text !== 'string') throw wrong(`has no text in the field ${JSON.stringify(field)}`);
    if (text !== '') yield { text, endsDocument: true };
  }
}
