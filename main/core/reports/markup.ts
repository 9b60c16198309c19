// The pieces that a report in HTML is made of. Cells and sections are markup; whatever comes from outside goes through `escape`.
import { percent } from '../../contract/base/figures.ts';
import { boundsText, type Estimate } from '../../contract/domain/estimate.ts';
import { number } from './text.ts';

/** Cells are HTML already. A heading that begins with # is of numbers. */
export function table(headings: readonly string[], rows: readonly (readonly string[])[]): string {
  const kind = headings.map((heading) => (heading.startsWith('#') ? ' class="n"' : ''));
  const head = headings.map(
    (heading, index) => `<th scope="col"${kind[index]}>${escape(heading.replace(/^#/u, ''))}</th>`,
  );
  const body = rows.map((row) => `<tr>${row.map((cell, index) => `<td${kind[index]}>${cell}</td>`).join('')}</tr>`);
  return `<div class="scroll"><table><thead><tr>${head.join('')}</tr></thead><tbody>${body.join('')}</tbody></table></div>`;
}

export function definitions(facts: readonly (readonly [string, string])[]): string {
  return `<dl>${facts.map(([name, value]) => `<dt>${escape(name)}</dt><dd>${escape(value)}</dd>`).join('')}</dl>`;
}

export function optional(estimate: Estimate | null, show: (estimate: Estimate) => string): string {
  return estimate === null
    ? '<span class="soft">not measured</span>'
    : `${show(estimate)} <span class="soft">n&nbsp;=&nbsp;${estimate.n}</span>`;
}

export function interval(estimate: Estimate): string {
  return `${number(estimate.value)} <span class="soft">${boundsText(estimate, number)}</span>`;
}

export function percentInterval(estimate: Estimate): string {
  return `${percent(estimate.value)} <span class="soft">${boundsText(estimate, percent)}</span>`;
}

const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

export function escape(text: string): string {
  // Controls are no part of HTML, and a lone surrogate no part of UTF-8.
  return text
    .toWellFormed()
    .replace(/[^\P{Cc}\n\t]/gu, '\uFFFD')
    .replace(/[&<>"']/gu, (character) => ENTITIES[character] ?? '');
}
