// Numbers, times and sizes as people read them. All figures of the window pass through here.

import { withMinus } from '../../../main/contract/base/figures.ts';
export { byteSize, percent, shortNumber } from '../../../main/contract/base/figures.ts';

const grouped = new Intl.NumberFormat('en', { useGrouping: true, maximumFractionDigits: 0 });

/** 1234567 → '1 234 567', with thin spaces. */
export function wholeNumber(value: number): string {
  return withMinus(grouped.format(value)).replaceAll(',', '\u202f');
}

/** Four significant digits, for figures that are compared. */
export function figure(value: number): string {
  if (!Number.isFinite(value)) return withMinus(String(value));
  const size = Math.abs(value);
  if (size !== 0 && (size < 1e-4 || size >= 1e6)) return withMinus(value.toExponential(2));
  return withMinus(Number(value.toPrecision(4)).toString());
}

/** 3725 → '1 h 2 min'. */
export function duration(seconds: number): string {
  if (!Number.isFinite(seconds)) return '';
  const whole = Math.max(0, Math.round(seconds));
  if (whole < 60) return `${whole} s`;
  if (whole < 3600) return `${Math.floor(whole / 60)} min ${whole % 60} s`;
  if (whole < 86400) return `${Math.floor(whole / 3600)} h ${Math.floor((whole % 3600) / 60)} min`;
  return `${Math.floor(whole / 86400)} d ${Math.floor((whole % 86400) / 3600)} h`;
}

const clock = new Intl.DateTimeFormat(undefined, { hour: '2-digit', minute: '2-digit' });
const day = new Intl.DateTimeFormat(undefined, { year: 'numeric', month: 'short', day: 'numeric' });

/** A moment in the person's own time: the hour where it was today, else the date too. */
export function moment(iso: string, now = new Date()): string {
  const date = new Date(iso);
  if (Number.isNaN(date.getTime())) return iso;
  return date.toDateString() === now.toDateString() ? clock.format(date) : `${day.format(date)}, ${clock.format(date)}`;
}
