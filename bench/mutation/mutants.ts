// The mutations that can be planted in a source file: small faults as people make them, one at a time, found in the syntax tree.
// Types, imports, messages and what is only logged are left alone: no test should depend on them.
import ts from 'typescript';

export interface Mutant {
  /** What kind of fault, such as `comparison`. */
  readonly kind: string;
  /** Of the first character that is replaced; counted from 1. */
  readonly line: number;
  readonly start: number;
  readonly end: number;
  readonly original: string;
  readonly replacement: string;
}

const COMPARISONS: Readonly<Record<string, readonly string[]>> = {
  '<': ['<=', '>='],
  '<=': ['<', '>'],
  '>': ['>=', '<='],
  '>=': ['>', '<'],
  '===': ['!=='],
  '!==': ['==='],
};
const ARITHMETIC: Readonly<Record<string, string>> = {
  '+': '-',
  '-': '+',
  '*': '/',
  '/': '*',
  '%': '*',
  '**': '*',
  '+=': '-=',
  '-=': '+=',
  '*=': '/=',
  '/=': '*=',
};
const LOGIC: Readonly<Record<string, string>> = { '&&': '||', '||': '&&' };
const METHODS: Readonly<Record<string, string>> = {
  every: 'some',
  some: 'every',
  min: 'max',
  max: 'min',
  ceil: 'floor',
  floor: 'ceil',
  startsWith: 'endsWith',
  endsWith: 'startsWith',
};
/** Calls after which a list is another one; the mutation leaves them out. */
const STEPS = new Set(['filter', 'toSorted', 'sort', 'toReversed', 'reverse', 'trim', 'toLowerCase', 'slice']);

/** Every mutation of a file, in the order in which it stands. */
export function mutantsOf(path: string, source: string): Mutant[] {
  const file = ts.createSourceFile(path, source, ts.ScriptTarget.Latest, true, ts.ScriptKind.TS);
  const found: Mutant[] = [];
  const add = (kind: string, start: number, end: number, replacement: string) => {
    const { line } = file.getLineAndCharacterOfPosition(start);
    found.push({ kind, line: line + 1, start, end, original: source.slice(start, end), replacement });
  };
  const replace = (kind: string, node: ts.Node, replacement: string) =>
    add(kind, node.getStart(file), node.getEnd(), replacement);

  const visit = (node: ts.Node): void => {
    if (ts.isTypeNode(node) || ts.isImportDeclaration(node) || isMessage(node)) return;
    if (ts.isInterfaceDeclaration(node) || ts.isTypeAliasDeclaration(node)) return;
    if (ts.isBinaryExpression(node)) {
      const operator = node.operatorToken.getText(file);
      for (const other of COMPARISONS[operator] ?? []) replace('comparison', node.operatorToken, other);
      const arithmetic = ARITHMETIC[operator];
      const isText = [node.left, node.right].some(
        (side) => ts.isStringLiteralLike(side) || ts.isTemplateExpression(side),
      );
      if (arithmetic !== undefined && !isText) replace('arithmetic', node.operatorToken, arithmetic);
      const logic = LOGIC[operator];
      if (logic !== undefined) replace('logic', node.operatorToken, logic);
      if (operator === '??') replace('default', node, node.right.getText(file));
    } else if (ts.isIfStatement(node)) {
      if (!node.elseStatement) replace('guard removed', node, ';');
      replace('condition', node.expression, 'true');
      if (node.elseStatement) replace('condition', node.expression, 'false');
    } else if (ts.isConditionalExpression(node)) {
      replace('condition', node.condition, 'true');
      replace('condition', node.condition, 'false');
    } else if (ts.isExpressionStatement(node) && !isSuperCall(node)) {
      replace('statement removed', node, ';');
    } else if (ts.isPrefixUnaryExpression(node) && node.operator === ts.SyntaxKind.ExclamationToken) {
      replace('negation', node, node.operand.getText(file));
    } else if (ts.isPrefixUnaryExpression(node) && node.operator === ts.SyntaxKind.MinusToken) {
      replace('sign', node, node.operand.getText(file));
    } else if (ts.isNumericLiteral(node)) {
      replace('constant', node, node.text === '0' ? '1' : `(${node.getText(file)} + 1)`);
    } else if (node.kind === ts.SyntaxKind.TrueKeyword) {
      replace('constant', node, 'false');
    } else if (node.kind === ts.SyntaxKind.FalseKeyword) {
      replace('constant', node, 'true');
    } else if (ts.isCallExpression(node) && ts.isPropertyAccessExpression(node.expression)) {
      const { name, expression } = node.expression;
      const method = METHODS[name.text];
      if (method !== undefined) replace('method', name, method);
      if (STEPS.has(name.text)) replace('step left out', node, expression.getText(file));
    } else if (ts.isReturnStatement(node) && node.expression === undefined) {
      replace('statement removed', node, ';');
    } else if ((ts.isMethodDeclaration(node) || ts.isFunctionDeclaration(node)) && node.body) {
      const first = node.body.statements[0];
      const isVoid = node.type !== undefined && /^(?:void|Promise<void>)$/u.test(node.type.getText(file));
      if (first && isVoid) add('early return', first.getStart(file), first.getStart(file), 'return; ');
    }
    ts.forEachChild(node, visit);
  };
  visit(file);
  return found;
}

/** What an error or a log says. */
function isMessage(node: ts.Node): boolean {
  if (ts.isTemplateExpression(node)) return true;
  return ts.isCallExpression(node) && /^console\./u.test(node.expression.getText());
}

function isSuperCall(node: ts.ExpressionStatement): boolean {
  return ts.isCallExpression(node.expression) && node.expression.expression.kind === ts.SyntaxKind.SuperKeyword;
}

export function plant(source: string, { start, end, replacement }: Mutant): string {
  return source.slice(0, start) + replacement + source.slice(end);
}
