// Words that a native speaker would not write, found in the strings that people read: of the window, the command line, errors
// and reports. Comments and names are not looked at. The list is that of the style guide; a phrase comes off it nowhere else.
import ts from 'typescript';

export const OFFENDERS: readonly (readonly [pattern: RegExp, better: string])[] = [
  [/\banew\b/iu, 'again'],
  [/\bbeside\b/iu, 'next to, alongside'],
  [/(?<!-)\balike\b/iu, 'similar, the same way'],
  [/\bwhoever\b/iu, 'anyone who'],
  [/\btells? whether\b/iu, 'shows if'],
  // 'There is no model yet' and 'is no better than' are English.
  [/(?<!\bthere )\bis no (?!longer\b|more\b|better\b)[a-z]/iu, 'is not a valid …'],
  [/\bmust stay\b/iu, 'preserved'],
  [/\bgets its name\b/iu, 'is named'],
  [/\bthat is none of\b/iu, 'is not one of'],
  [/\bgo(?:es)? on with\b/iu, 'continues'],
  [/\bhad no part in\b/iu, 'held-out'],
  [/\bleft of (?:it|the behaviour)\b/iu, 'share remaining'],
  [/\btaken back\b|\btakes? back\b/iu, 'undone, undo'],
  [/\bthrow away\b/iu, 'delete'],
  [/\bat work here\b/iu, 'checked out'],
  [/\bto be kept\b|\bto keep\b/iu, 'preserve, preserved'],
  [/\bcame to no end\b/iu, 'did not finish'],
  [/\blies in\b/iu, 'is in'],
];

/** Strings of a TypeScript source, imports left out, each with the line where it begins. */
export function stringsOf(source: string): readonly { readonly line: number; readonly text: string }[] {
  const file = ts.createSourceFile('a.ts', source, ts.ScriptTarget.Latest, true);
  const found: { line: number; text: string }[] = [];
  const visit = (node: ts.Node): void => {
    if (ts.isImportDeclaration(node) || ts.isExportDeclaration(node) || ts.isImportTypeNode(node)) return;
    if (ts.isStringLiteralLike(node) || ts.isTemplateHead(node) || ts.isTemplateMiddleOrTemplateTail(node))
      found.push({ line: file.getLineAndCharacterOfPosition(node.getStart()).line + 1, text: node.text });
    ts.forEachChild(node, visit);
  };
  visit(file);
  return found;
}

/** What people read of a Svelte component: the strings of its script, and its markup without style and comments. */
export function readingOf(component: string): readonly { readonly line: number; readonly text: string }[] {
  const found: { line: number; text: string }[] = [];
  const lineAt = (index: number) => component.slice(0, index).split('\n').length;
  for (const script of component.matchAll(/<script[^>]*>(.*?)<\/script>/gsu)) {
    const first = lineAt(script.index) - 1;
    found.push(...stringsOf(script[1] ?? '').map(({ line, text }) => ({ line: line + first, text })));
  }
  const blank = (part: string) => part.replace(/[^\n]/gu, ' ');
  const markup = component
    .replace(/<script[^>]*>.*?<\/script>|<style[^>]*>.*?<\/style>|<!--.*?-->/gsu, blank)
    .replace(/\s(?:class|id|for|style)(?::[\w-]+)?=(?:"[^"]*"|\{[^}]*\})/gu, blank);
  return [...found, ...markup.split('\n').map((text, index) => ({ line: index + 1, text }))];
}

export function offencesIn(
  strings: readonly { readonly line: number; readonly text: string }[],
): readonly { readonly line: number; readonly word: string; readonly better: string }[] {
  return strings.flatMap(({ line, text }) =>
    OFFENDERS.flatMap(([pattern, better]) => {
      const word = pattern.exec(text)?.[0];
      return word === undefined ? [] : [{ line, word, better }];
    }),
  );
}
