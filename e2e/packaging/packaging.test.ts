// The desktop package: electron-builder itself, with our configuration, over a stand-in for Electron's own files. What it
// packs is then taken out again and run: a file that is missing shows. Installers are made from the same folder.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative, sep } from 'node:path';
import { extractAll, listPackage } from '@electron/asar';
import { FuseV1Options, getCurrentFuseWire } from '@electron/fuses';
import { FileMatcher } from 'app-builder-lib/out/fileMatcher.js';
import { getConfig, validateConfiguration } from 'app-builder-lib/out/util/config/config.js';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { writeStandIn } from './standInElectron.ts';

const root = join(import.meta.dirname, '../..');
const CONFIGURATION = 'electron-builder.yml';
const target = process.platform === 'linux' && ['x64', 'arm64'].includes(process.arch);

type Configuration = Awaited<ReturnType<typeof getConfig>>;
let folder: string;
let configuration: Configuration;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'errata-packaging-'));
  configuration = await getConfig(root, CONFIGURATION, null);
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe('the configuration', () => {
  it('is one that electron-builder knows every word of', async () => {
    const logger = { add: () => undefined, isEnabled: false } as unknown as Parameters<typeof validateConfiguration>[1];
    await validateConfiguration(configuration, logger);
    const wrong = { ...configuration, asarUnpacked: [] } as Configuration;
    await expect(validateConfiguration(wrong, logger)).rejects.toThrow('asarUnpacked');
  });

  it('makes AppImage and deb, dmg, and nsis; publishes nothing and asks nowhere for updates', () => {
    expect([configuration.linux?.target, configuration.mac?.target, configuration.win?.target]).toEqual([
      ['AppImage', 'deb'],
      ['dmg'],
      ['nsis'],
    ]);
    expect(configuration.publish).toBeNull();
    const { dependencies } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as {
      dependencies: Record<string, string>;
    };
    expect(Object.keys(dependencies)).not.toContain('electron-updater');
  });

  it.each([
    ['linux', 'x64', 'linux'],
    ['linux', 'arm64', 'linux'],
    ['darwin', 'arm64', 'mac'],
    ['win32', 'x64', 'win'],
    ['win32', 'arm64', 'win'],
  ])('takes the native files of %s on %s, and of nothing else', (platform, arch) => {
    const macros = (pattern: string) => pattern.replaceAll('${platform}', platform).replaceAll('${arch}', arch);
    const patterns = (configuration.files as (string | { filter: string[] })[]).flatMap((each) =>
      typeof each === 'string' ? [each] : each.filter,
    );
    const isTaken = new FileMatcher(root, folder, macros, ['**/*', ...patterns]).createFilter();
    const native = ['onnxruntime-node', 'better-sqlite3'].flatMap((name) =>
      filesBelow(join(root, 'node_modules', name))
        .filter((path) => /\.(node|dll|dylib|so(\.\d+)*)$/u.test(path) && isTaken(path, statSync(path)))
        .map((path) => relative(join(root, 'node_modules'), path).split(sep).join('/')),
    );
    expect(native).toContain(`better-sqlite3/prebuilds/${platform}-${arch}.node`);
    expect(native).toContain(`onnxruntime-node/bin/napi-v6/${platform}/${arch}/onnxruntime_binding.node`);
    const strangers = native.filter(
      (path) => !path.includes(`/${platform}/${arch}/`) && !path.includes(`${platform}-${arch}.node`),
    );
    expect(strangers).toEqual([]);
  });
});

describe.runIf(target)('the package', () => {
  let unpacked: string;
  let content: string;

  beforeAll(() => {
    const { devDependencies } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as {
      devDependencies: Record<string, string>;
    };
    writeStandIn(join(folder, 'electron'), devDependencies['electron'] ?? '');
    const words = ['--dir', '--linux', `--${process.arch}`, '--publish', 'never'];
    const { status, stdout, stderr } = spawnSync(
      process.execPath,
      [
        join(root, 'node_modules/electron-builder/cli.js'),
        ...words,
        `-c.electronDist=${join(folder, 'electron')}`,
        `-c.directories.output=${join(folder, 'dist')}`,
      ],
      { cwd: root, encoding: 'utf8', timeout: 280_000 },
    );
    if (status !== 0) throw new Error(`electron-builder failed: ${stdout}${stderr}`);
    unpacked = join(folder, 'dist', process.arch === 'x64' ? 'linux-unpacked' : `linux-${process.arch}-unpacked`);
    content = join(folder, 'content');
    extractAll(join(unpacked, 'resources/app.asar'), content);
  });

  it('has the built program, its packages and the sample; no sources, no tools, no maps', () => {
    const files = listPackage(join(unpacked, 'resources/app.asar'), { isPack: false });
    for (const each of [
      'main/index.js',
      'main/engine.js',
      'main/storage.js',
      'preload/index.cjs',
      'renderer/index.html',
    ])
      expect(files).toContain(`/out/${each}`);
    expect(
      files.filter((path) => /\.(map|ts|svelte)$/u.test(path) || /^\/(main|renderer|bench|e2e)\b/u.test(path)),
    ).toEqual([]);
    const packages = new Set(files.flatMap((path) => /^\/node_modules\/((?:@[^/]+\/)?[^/]+)/u.exec(path)?.[1] ?? []));
    for (const tool of ['electron', 'electron-builder', 'vite', 'vitest', 'typescript', '@playwright/test', 'svelte'])
      expect(packages.has(tool), tool).toBe(false);
    expect(existsSync(join(unpacked, 'resources/sample/model/model.safetensors'))).toBe(true);
    expect(existsSync(join(unpacked, 'resources/sample/recipe'))).toBe(false);
  });

  it('carries the licences of what is bundled into the pages, fonts among it, and its own', () => {
    const text = (name: string) => readFileSync(join(content, name), 'utf8');
    expect(text('LICENSE')).toContain('MIT License');
    for (const bundled of ['svelte', 'd3-scale', '@lucide/svelte', 'tinykeys'])
      expect(text('out/renderer/THIRD_PARTY_NOTICES.md')).toContain(`## ${bundled} - `);
    for (const font of ['@fontsource-variable/ibm-plex-sans', '@fontsource/ibm-plex-mono'])
      expect(text('out/renderer/THIRD_PARTY_FONTS.md')).toContain(`## ${font}`);
  });

  it('has native libraries beside the archive, where the system can load them', () => {
    const beside = filesBelow(join(unpacked, 'resources/app.asar.unpacked'));
    for (const end of ['onnxruntime_binding.node', 'libonnxruntime.so.1', `linux-${process.arch}.node`])
      expect(
        beside.some((path) => path.endsWith(end)),
        end,
      ).toBe(true);
  });

  it('has its fuses set as the configuration says', async () => {
    const fuses = await getCurrentFuseWire(join(unpacked, 'errata'));
    const on = [
      FuseV1Options.EnableCookieEncryption,
      FuseV1Options.EnableEmbeddedAsarIntegrityValidation,
      FuseV1Options.OnlyLoadAppFromAsar,
    ];
    const off = [
      FuseV1Options.RunAsNode,
      FuseV1Options.EnableNodeOptionsEnvironmentVariable,
      FuseV1Options.EnableNodeCliInspectArguments,
      FuseV1Options.GrantFileProtocolExtraPrivileges,
    ];
    const states = (each: readonly FuseV1Options[]) =>
      each.map((fuse) => String.fromCharCode(Number(fuses[fuse]))).join('');
    expect([states(on), states(off)]).toEqual(['111', '0000']);
  });

  it('is complete: taken out of its archive, it makes a project and computes', () => {
    const errata = (...words: string[]) =>
      spawnSync(process.execPath, [join(content, 'out/main/cli.js'), ...words], {
        cwd: folder,
        env: { ...process.env, ERRATA_HOME: join(folder, 'home') },
        encoding: 'utf8',
        timeout: 120_000,
      });
    expect(errata('project', 'new', 'work').stderr).not.toMatch(/error/iu);
    const work = ['--project', join(folder, 'work')];
    expect(errata('model', 'add', join(unpacked, 'resources/sample/model'), '--name', 'sample', ...work).status).toBe(
      0,
    );
    const { stdout, status } = errata('generate', 'sample', '--prompt', 'The', '--device', 'cpu', ...work);
    expect([status, stdout.length > 10]).toEqual([0, true]);
  });
});

function filesBelow(path: string): string[] {
  return readdirSync(path, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name));
}
