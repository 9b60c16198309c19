// Prompts as they are pasted: one a line, or, where blank lines stand between them, several lines each. "\n" written out is a
// line break within a prompt, as in a .txt file of prompts.

/** In their order, without repetitions. */
export function splitPrompts(text: string): readonly string[] {
  const lines = text.replace(/\r\n?/gu, '\n');
  const parts = /\S[^\n]*\n[^\S\n]*\n\s*\S/u.test(lines) ? lines.split(/\n(?:[^\S\n]*\n)+/u) : lines.split('\n');
  const prompts = parts
    .map((part) => part.replace(/^\n+|\n+$/gu, '').replaceAll('\\n', '\n'))
    .filter((part) => part.trim() !== '');
  return [...new Set(prompts)];
}

/** What `splitPrompts` reads as these prompts. */
export function joinPrompts(prompts: readonly string[]): string {
  return prompts.map((prompt) => prompt.replaceAll('\n', '\\n')).join('\n');
}

/** Every other one chooses; the rest reports. */
export function halves(count: number): { readonly choose: number; readonly report: number } {
  return { choose: Math.ceil(count / 2), report: Math.floor(count / 2) };
}
