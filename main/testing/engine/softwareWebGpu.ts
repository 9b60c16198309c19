// Whether WebGPU can be computed in software here, for tests: Debian's chromium brings a Vulkan driver that computes on the
// CPU (SwiftShader), slow but a real adapter, and ONNX Runtime reaches it through the Vulkan loader of libvulkan1. Either
// alone gives no adapter, so both are loaded, in a process that does nothing else.
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';

/** What VK_ICD_FILENAMES is to name. */
export const SOFTWARE_DRIVER = '/usr/lib/chromium/vk_swiftshader_icd.json';
const LOADER = 'libvulkan.so.1';

/** @returns what is missing, with the Debian package that has it; null: software WebGPU is available. */
export function missingForSoftwareWebGpu(driver = SOFTWARE_DRIVER, loader = LOADER): string | null {
  if (!loads(loader)) return `${loader} (apt-get install libvulkan1)`;
  const library = libraryOf(driver);
  return library !== null && loads(library) ? null : `${driver} with its library (apt-get install chromium)`;
}

/** The library that a driver's manifest names, relative to the manifest. */
function libraryOf(driver: string): string | null {
  try {
    const { ICD } = JSON.parse(readFileSync(driver, 'utf8')) as { ICD: { library_path: string } };
    return resolve(dirname(driver), ICD.library_path);
  } catch {
    return null;
  }
}

/** Shows if the system's loader finds a library and all that it needs. Node then complains only that it is not an addon. */
function loads(library: string): boolean {
  const script = `try { process.dlopen({ exports: {} }, process.argv[1]); }
    catch (thrown) { process.exitCode = thrown.message.startsWith('Module did not self-register') ? 0 : 1; }`;
  return spawnSync(process.execPath, ['-e', script, library], { stdio: 'ignore' }).status === 0;
}
