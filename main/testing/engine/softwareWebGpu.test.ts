import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { missingForSoftwareWebGpu } from './softwareWebGpu.ts';

/** A library that this process itself has loaded: what is tested is that it can be loaded, not what it does. */
const PRESENT = 'libc.so.6';

let folder: string;
beforeAll(() => (folder = mkdtempSync(join(tmpdir(), 'errata-driver-'))));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function manifest(library_path: string): string {
  const path = join(folder, 'icd.json');
  writeFileSync(path, JSON.stringify({ ICD: { library_path } }));
  return path;
}

describe.runIf(process.platform === 'linux')('software WebGPU', () => {
  it('needs the Vulkan loader, also where the driver is there', () => {
    const driver = manifest(process.execPath);
    expect(missingForSoftwareWebGpu(driver, 'libno-such-loader.so.1')).toBe(
      'libno-such-loader.so.1 (apt-get install libvulkan1)',
    );
  });

  it('needs the driver, and the library that the driver names', () => {
    const absent = join(folder, 'absent.json');
    expect(missingForSoftwareWebGpu(absent, PRESENT)).toBe(`${absent} with its library (apt-get install chromium)`);
    expect(missingForSoftwareWebGpu(manifest('./libabsent.so'), PRESENT)).toMatch(/apt-get install chromium/u);
  });

  it('is available where both can be loaded', () => {
    const { sharedObjects } = process.report.getReport() as { sharedObjects: readonly string[] };
    const loadable = sharedObjects.find((path) => path.includes(PRESENT))!;
    expect(missingForSoftwareWebGpu(manifest(loadable), PRESENT)).toBeNull();
  });
});
