// Numbers, times and sizes as people read them. All figures of the window pass through here.

/** 1234567 → '1.23M'; 0.000012 → '1.2e-5': for axes and narrow columns. */
export function shortNumber(value: number): string {
  if (!Number.isFinite(value)) return String(value);
  const size = Math.abs(value);
  if (size === 0) return '0';
  if (size >= 1e15 || size < 1e-4) return value.toExponential(1).replace('.0e', 'e').replace('e+', 'e');
  for (const [unit, letter] of [
    [1e12, 'T'],
    [1e9, 'G'],
    [1e6, 'M'],
    [1e3, 'k'],
  ] as const) {
    if (size >= unit * 0.9995) return `${trim((value / unit).toPrecision(3))}${letter}`;
  }
  return trim(value.toPrecision(3));
}

function trim(text: string): string {
  return text.includes('.') && !text.includes('e') ? text.replace(/\.?0+$/u, '') : text;
}

const grouped = new Intl.NumberFormat('en', { useGrouping: true, maximumFractionDigits: 0 });

/** 1234567 → '1 234 567', with thin spaces. */
export function wholeNumber(value: number): string {
  return grouped.format(value).replaceAll(',', '\u202f');
}

/** Four significant digits, for figures that are compared. */
export function figure(value: number): string {
  if (!Number.isFinite(value)) return String(value);
  const size = Math.abs(value);
  if (size !== 0 && (size < 1e-4 || size >= 1e6)) return value.toExponential(2);
  return Number(value.toPrecision(4)).toString();
}

/** 0.1234 → '12.3%'; tiny shares keep two significant digits. */
export function percent(share: number): string {
  const value = share * 100;
  if (!Number.isFinite(value)) return String(value);
  if (value !== 0 && Math.abs(value) < 0.1) return `${Number(value.toPrecision(2))}%`;
  return `${value.toFixed(1)}%`;
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

/** 1536 → '1.5 KiB'. */
export function byteSize(bytes: number): string {
  let size = bytes;
  for (const unit of ['B', 'KiB', 'MiB', 'GiB']) {
    if (size < 1024) return `${unit === 'B' ? size : trim(size.toPrecision(3))} ${unit}`;
    size /= 1024;
  }
  return `${trim(size.toPrecision(3))} TiB`;
}

const clock = new Intl.DateTimeFormat(undefined, { hour: '2-digit', minute: '2-digit' });
const day = new Intl.DateTimeFormat(undefined, { year: 'numeric', month: 'short', day: 'numeric' });

/** A moment in the person's own time: the hour where it was today, else the date too. */
export function moment(iso: string, now = new Date()): string {
  const date = new Date(iso);
  if (Number.isNaN(date.getTime())) return iso;
  return date.toDateString() === now.toDateString() ? clock.format(date) : `${day.format(date)}, ${clock.format(date)}`;
}
