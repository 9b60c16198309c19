// What a window loads: no more than a slow line carries in a moment, all of it our own.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';

const pages = join(import.meta.dirname, '../../out/renderer');
const LARGEST = 600_000;

const files = readdirSync(pages, { recursive: true, withFileTypes: true })
  .filter((entry) => entry.isFile())
  .map((entry) => join(entry.parentPath, entry.name));
const code = files.filter((path) => /\.(js|css|html|svg)$/u.test(path));

describe('the pages', () => {
  it('are less than 600 kB of code, compressed', () => {
    const sizes = code.map((path) => gzipSync(readFileSync(path)).length);
    const total = sizes.reduce((sum, size) => sum + size, 0);
    expect(total).toBeGreaterThan(50_000); // they were built
    expect(total).toBeLessThan(LARGEST);
  });

  it('name no address outside of themselves from which something would be loaded', () => {
    for (const path of code.filter((each) => /\.(css|html)$/u.test(each))) {
      expect(readFileSync(path, 'utf8'), path).not.toMatch(
        /(?:src|href)\s*=\s*["']?https?:|url\(["']?https?:|@import/u,
      );
    }
  });
});
