// Figures of a report as SVG markup; the numbers stand beside them in tables.
import type { Dose } from '../../contract/domain/evaluationReport.ts';
import type { Estimate } from '../../contract/domain/estimate.ts';
import { percent } from '../../contract/base/figures.ts';
import { escape } from './markup.ts';
import { number, shortened } from './text.ts';

interface WhiskerRow {
  readonly label: string;
  /** Drawn in the colours of before and after. */
  readonly marks: readonly Estimate[];
}

/** Dots with their intervals, a row for each label. */
export function whiskers(
  rows: readonly WhiskerRow[],
  [low, high]: readonly [number, number],
  show: (value: number) => string,
): string {
  const [left, width, rowHeight] = [230, 420, 26];
  const height = rows.length * rowHeight + 28;
  const x = (value: number) =>
    (left + (width * (Math.min(Math.max(value, low), high) - low)) / (high - low)).toFixed(1);
  const ticks = [0, 0.25, 0.5, 0.75, 1].map((share) => low + (high - low) * share);
  const axis = ticks
    .map(
      (tick) =>
        `<line class="axis" x1="${x(tick)}" x2="${x(tick)}" y1="4" y2="${height - 22}"/><text class="soft" x="${x(tick)}" y="${height - 6}" text-anchor="middle">${show(tick)}</text>`,
    )
    .join('');
  const drawn = rows.map(({ label, marks }, row) => {
    const middle = row * rowHeight + rowHeight / 2 + 4;
    const dots = marks.map((mark, index) => {
      const y = middle + (index - (marks.length - 1) / 2) * 8;
      const what = `${label}: ${show(mark.value)}, ${show(mark.low)} to ${show(mark.high)}, n = ${mark.n}`;
      return `<g class="${index === 0 ? 'before' : 'after'}"><title>${escape(what)}</title><line x1="${x(mark.low)}" x2="${x(mark.high)}" y1="${y}" y2="${y}" stroke-width="2"/><circle cx="${x(mark.value)}" cy="${y}" r="3.5"/></g>`;
    });
    return `<text x="${left - 12}" y="${middle + 4}" text-anchor="end">${escape(shortened(label, 36))}</text>${dots.join('')}`;
  });
  const total = left + width + 60;
  return `<svg viewBox="0 0 ${total} ${height}" width="${total}" height="${height}" role="img" aria-label="Dots with 95% intervals; the numbers are in the table below">${axis}${drawn.join('')}</svg>`;
}

/** What is left of the targets and what is kept, by strength. */
export function doseChart(doses: readonly Dose[]): string {
  const points = doses.filter(({ failure }) => failure === null);
  if (points.length < 2) return '';
  const [left, top, width, height] = [50, 10, 560, 200];
  const strengths = points.map(({ strength }) => strength);
  const [first, last] = [Math.min(...strengths), Math.max(...strengths)];
  const x = (strength: number) => (left + (width * (strength - first)) / (last - first)).toFixed(1);
  const y = (share: number) => (top + height * (1 - Math.min(Math.max(share, 0), 1))).toFixed(1);
  const grid = [0, 0.5, 1].map(
    (share) =>
      `<line class="axis" x1="${left}" x2="${left + width}" y1="${y(share)}" y2="${y(share)}"/><text class="soft" x="${left - 8}" y="${Number(y(share)) + 4}" text-anchor="end">${percent(share)}</text>`,
  );
  const ticks = points.map(
    ({ strength }) =>
      `<text class="soft" x="${x(strength)}" y="${top + height + 18}" text-anchor="middle">${number(strength)}</text>`,
  );
  const line = (name: 'before' | 'after', valueOf: (dose: Dose) => Estimate | null) => {
    const known = points.flatMap((dose) => {
      const value = valueOf(dose);
      return value ? [{ strength: dose.strength, value }] : [];
    });
    const path = known.map(({ strength, value }) => `${x(strength)},${y(value.value)}`).join(' ');
    const dots = known.map(
      ({ strength, value }) =>
        `<line x1="${x(strength)}" x2="${x(strength)}" y1="${y(value.low)}" y2="${y(value.high)}"/><circle cx="${x(strength)}" cy="${y(value.value)}" r="3.5"/>`,
    );
    return `<g class="${name}"><polyline points="${path}" fill="none" stroke-width="1.5"/>${dots.join('')}</g>`;
  };
  return `<svg viewBox="0 0 ${left + width + 30} ${top + height + 30}" width="${left + width + 30}" height="${top + height + 30}" role="img" aria-label="Share of target cases that pass, and of preserved cases that still pass, by strength; the numbers are in the table below">${grid.join('')}${ticks.join('')}${line('before', ({ kept }) => kept)}${line('after', ({ target }) => target)}</svg>`;
}
