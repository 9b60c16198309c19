// Python that loads a folder with transformers: for people, and for check.py. Tests run it as it is.
import { readFileSync } from 'node:fs';
import type { LoadingCode } from '../forms/form.ts';

export const CHECK_TRANSFORMERS = readFileSync(new URL('./check_model.py', import.meta.url), 'utf8');

/**
 * @param load statements that give a `model`
 * @param tokenizer the folder that its tokenizer is in
 * @param more what else a person should know, as comments
 */
export function transformersCode(
  load: string,
  { tokenizer, more = '' }: { readonly tokenizer: string; readonly more?: string },
): LoadingCode {
  const code = `import torch
${load}
ids = torch.tensor([[1, 2, 3]])  # with a tokenizer: AutoTokenizer.from_pretrained("${tokenizer}")(text, return_tensors="pt").input_ids
with torch.no_grad():
    print(tuple(model(input_ids=ids).logits.shape))
print(model.generate(ids, attention_mask=torch.ones_like(ids), max_new_tokens=16, do_sample=False)[0].tolist())
${more}`;
  return { title: 'Python, transformers', language: 'python', code };
}
