// Tokens with what is invisible made visible: a space at an end, line breaks, tabs, control characters.

/** '␣the' for ' the'; '↵' for a line break. The rest stays as it is. */
export function tokenText(text: string): string {
  if (text === '') return '∅';
  return text
    .replace(/^ +| +$/gu, (spaces) => '␣'.repeat(spaces.length))
    .replaceAll('\r', '␍')
    .replaceAll('\n', '↵')
    .replaceAll('\t', '⇥')
    .replace(/\p{Cc}/gu, (sign) => `\\x${sign.charCodeAt(0).toString(16).padStart(2, '0')}`);
}
