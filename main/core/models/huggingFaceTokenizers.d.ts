// The part of @huggingface/tokenizers that we use. The package's own declarations import without file extensions, which
// TypeScript's NodeNext resolution does not follow (seen with 0.2.0).
declare module '@huggingface/tokenizers' {
  /** A function, too, that calls its own `normalize`; a sequence has those that run one after another. */
  export interface Normalizer {
    normalize: (text: string) => string;
    readonly normalizers?: readonly (Normalizer | null)[];
  }
  export class Tokenizer {
    readonly normalizer: Normalizer | null;
    constructor(tokenizer: object, config: object);
    encode(text: string, options?: { add_special_tokens?: boolean }): { ids: (number | undefined)[] };
    decode(ids: number[], options?: { skip_special_tokens?: boolean; clean_up_tokenization_spaces?: boolean }): string;
    token_to_id(token: string): number | undefined;
    id_to_token(id: number): string | undefined;
    get_added_tokens_decoder(): Map<number, { content: string; special: boolean }>;
  }
}
