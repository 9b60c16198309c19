// The part of @huggingface/tokenizers that we use. The package's own declarations import without file extensions, which
// TypeScript's NodeNext resolution does not follow (seen with 0.2.0).
declare module '@huggingface/tokenizers' {
  /** A function, too, that calls its own `normalize`; a sequence has those that run one after another. */
  export interface Normalizer {
    normalize: (text: string) => string;
    readonly normalizers?: readonly (Normalizer | null)[];
  }
  export interface AddedToken {
    readonly id: number;
    readonly content: string;
    readonly special: boolean;
    readonly single_word: boolean;
    readonly lstrip: boolean;
    readonly rstrip: boolean;
    readonly normalized: boolean;
  }
  export class Tokenizer {
    readonly normalizer: Normalizer | null;
    readonly pre_tokenizer: { pre_tokenize(text: string, options: { section_index: number }): string[] } | null;
    /** What `_call` does ends with fusing unknown pieces; `vocab` has pieces by their ids. */
    readonly model: { _call(words: readonly string[]): string[]; readonly vocab: string[] };
    readonly decoder: object | null;
    /** By their content, as it is given and as it is after normalizing. */
    readonly added_tokens_map: Map<string, AddedToken>;
    constructor(tokenizer: object, config: object);
    encode(text: string, options?: { add_special_tokens?: boolean }): { ids: (number | undefined)[] };
    decode(ids: number[], options?: { skip_special_tokens?: boolean; clean_up_tokenization_spaces?: boolean }): string;
    token_to_id(token: string): number | undefined;
    id_to_token(id: number): string | undefined;
    get_added_tokens_decoder(): Map<number, AddedToken>;
    get_vocab(withAddedTokens: boolean): Map<string | undefined, number>;
  }
}
