// Sizes, counts and shares as people read them, in the window, in files and in the terminal.

/** 1234567 → '1.23M'; 0.000012 → '1.2e-5': for axes and narrow columns. */
export function shortNumber(value: number): string {
  return withMinus(shortText(value));
}

function shortText(value: number): string {
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

/** 1536 → '1.5 KiB'. */
export function byteSize(bytes: number): string {
  let size = bytes;
  for (const unit of ['B', 'KiB', 'MiB', 'GiB']) {
    if (size < 1024) return `${unit === 'B' ? size : trim(size.toPrecision(3))} ${unit}`;
    size /= 1024;
  }
  return `${trim(size.toPrecision(3))} TiB`;
}

function trim(text: string): string {
  return text.includes('.') && !text.includes('e') ? text.replace(/\.?0+$/u, '') : text;
}

/** 0.1234 → '12.3%'; a tiny share keeps two significant digits, and what is not quite all does not read as 100%. */
export function percent(share: number): string {
  const value = share * 100;
  if (!Number.isFinite(value)) return String(value);
  const rounded = value.toFixed(1);
  if (rounded === '100.0' && share < 1) return '≈100%';
  const text = value !== 0 && Math.abs(value) < 0.1 ? String(Number(value.toPrecision(2))) : rounded;
  return `${withMinus(text)}%`;
}

/** The minus sign of typography in place of the hyphen, for figures that people read: '-3e-5' → '−3e−5'. */
export function withMinus(text: string): string {
  return text.replaceAll('-', '−');
}

/** 0.0000123 → '1.2e−5'. */
export function exponential(value: number, digits: number): string {
  return withMinus(value.toExponential(digits));
}
