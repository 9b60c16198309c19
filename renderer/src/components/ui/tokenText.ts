// Tokens with what is invisible made visible: a space at an end, line breaks, tabs, control characters.

/** '␣the' for ' the'; '↵' for a line break. The rest stays as it is. */
export function tokenText(text: string): string {
  if (text === '') return '∅';
  return withControls(
    text
      .replace(/^ +| +$/gu, (spaces) => '␣'.repeat(spaces.length))
      .replaceAll('\r', '␍')
      .replaceAll('\n', '↵')
      .replaceAll('\t', '⇥'),
  );
}

/** As it is read in a line of text: white space is a space. A token of nothing else keeps its marks, or it would be lost. */
export function plainTokenText(text: string): string {
  if (text.trim() === '') return text === ' ' ? text : tokenText(text);
  return withControls(text.replace(/\r\n|[\r\n\t]/gu, ' '));
}

function withControls(text: string): string {
  return text.replace(/\p{Cc}/gu, (sign) => `\\x${sign.charCodeAt(0).toString(16).padStart(2, '0')}`);
}
