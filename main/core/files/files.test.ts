import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, readFile, readdir, rm, symlink, truncate, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { buildFolderAtomic, removeLeftovers, writeFileAtomic, writeFileAtomicWith } from './atomicWrite.ts';
import { openBytes, openFile } from './byteSource.ts';
import { hashBytes, hashFile } from './hash.ts';
import { pathInside, realPathInside } from './insideFolder.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'errata-files-'));
});
afterEach(async () => {
  await rm(folder, { recursive: true, force: true });
});

describe('atomic writes', () => {
  it('replace a file whole', async () => {
    const path = join(folder, 'a.json');
    await writeFileAtomic(path, 'old');
    await writeFileAtomic(path, 'new');
    expect(await readFile(path, 'utf8')).toBe('new');
    expect(await readdir(folder)).toEqual(['a.json']);
  });

  it('leave the old file and nothing else when the writer fails', async () => {
    const path = join(folder, 'a.json');
    await writeFileAtomic(path, 'old');
    const failing = writeFileAtomicWith(path, async (file) => {
      await file.write('half');
      throw new Error('stop');
    });
    await expect(failing).rejects.toThrow('stop');
    expect(await readFile(path, 'utf8')).toBe('old');
    expect(await readdir(folder)).toEqual(['a.json']);
  });

  it('name the final path when the folder is missing', async () => {
    const path = join(folder, 'missing', 'a.json');
    await expect(writeFileAtomic(path, '')).rejects.toMatchObject({ code: 'not-found', details: { path } });
  });

  it('name the final path when the disk is full, and leave nothing', async () => {
    const path = join(folder, 'big');
    // ulimit -f counts blocks of 512 or 1024 bytes, by shell: at most 64 KB may be written, 1 MB is tried. The file
    // size signal is ignored so that the process sees the error that a full disk gives.
    const script = `
      process.on('SIGXFSZ', () => {});
      const { writeFileAtomic } = await import(${JSON.stringify(new URL('./atomicWrite.ts', import.meta.url).href)});
      await writeFileAtomic(${JSON.stringify(path)}, new Uint8Array(1 << 20)).catch((error) => console.log(error.code, error.details.path));
    `;
    const child = spawn('sh', ['-c', 'ulimit -f 64; exec "$0" --input-type=module -e "$1"', process.execPath, script], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    let output = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => (output += text));
    await once(child, 'close');
    expect(output.trim()).toBe(`disk-full ${path}`);
    expect(await readdir(folder)).toEqual([]);
  });

  it('build a folder whole or not at all', async () => {
    const path = join(folder, 'export');
    await expect(
      buildFolderAtomic(path, async (partial) => {
        await writeFile(join(partial, 'a'), 'half');
        expect(await readdir(folder)).not.toContain('export');
        throw new Error('stop');
      }),
    ).rejects.toThrow('stop');
    expect(await readdir(folder)).toEqual([]);

    const result = await buildFolderAtomic(path, async (partial) => {
      await mkdir(join(partial, 'inner'));
      await writeFile(join(partial, 'inner', 'a'), 'whole');
      return 7;
    });
    expect(result).toBe(7);
    expect(await readFile(join(path, 'inner', 'a'), 'utf8')).toBe('whole');
    await expect(buildFolderAtomic(path, async () => undefined)).rejects.toMatchObject({ code: 'exists' });
    expect(await readdir(folder)).toEqual(['export']);
  });

  it('leave partials of killed processes, which are found and removed; those under way stay', async () => {
    const script = `
      const { buildFolderAtomic } = await import(${JSON.stringify(new URL('./atomicWrite.ts', import.meta.url).href)});
      await buildFolderAtomic(${JSON.stringify(join(folder, 'killed'))}, async () => {
        console.log('building');
        await new Promise((resolve) => setTimeout(resolve, 60_000));
      });`;
    const child = spawn(process.execPath, ['--input-type=module', '-e', script], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    await once(child.stdout, 'data');
    expect(await removeLeftovers(folder)).toEqual([]); // alive
    child.kill('SIGKILL');
    await once(child, 'close');
    await buildFolderAtomic(join(folder, 'mine'), async () => {
      expect(await removeLeftovers(folder)).toHaveLength(1);
    });
    expect(await readdir(folder)).toEqual(['mine']);
  });

  it('leave partials of other machines and of earlier versions, until nothing in them has changed for a day', async () => {
    const elsewhere = `.tokens.partial-${2 ** 30}-00000000-0123456789ab`;
    const earlier = `.report.partial-${2 ** 30}-0123456789ab`;
    await mkdir(join(folder, elsewhere));
    await writeFile(join(folder, elsewhere, 'tokens.safetensors'), 'half');
    await writeFile(join(folder, earlier), 'half');
    expect(await removeLeftovers(folder)).toEqual([]);
    const longAgo = new Date(Date.now() - 25 * 60 * 60 * 1000);
    await utimes(join(folder, elsewhere), longAgo, longAgo);
    await utimes(join(folder, earlier), longAgo, longAgo);
    expect(await removeLeftovers(folder)).toEqual([earlier]); // a file in the other one is new
    await utimes(join(folder, elsewhere, 'tokens.safetensors'), longAgo, longAgo);
    expect(await removeLeftovers(folder)).toEqual([elsewhere]);
  });

  it('are not mistaken for leftovers by a process of another machine or container that shares the folder', async (context) => {
    const unshare = ['--fork', '--pid', '--mount-proc', '--uts', process.execPath, '--input-type=module', '-e'];
    const leftovers = `
      const { removeLeftovers } = await import(${JSON.stringify(new URL('./atomicWrite.ts', import.meta.url).href)});
      console.log(JSON.stringify(await removeLeftovers(${JSON.stringify(folder)})));`;
    if (spawnSync('unshare', [...unshare, '0']).status !== 0) context.skip('This user cannot make namespaces.');
    await buildFolderAtomic(join(folder, 'mine'), async () => {
      const { stdout } = spawnSync('unshare', [...unshare, leftovers], { encoding: 'utf8' });
      expect(stdout.trim()).toBe('[]');
    });
    expect(await readdir(folder)).toEqual(['mine']);
  });
});

describe('byte sources', () => {
  it('give the same bytes from a file and from memory, each read in its own buffer', async () => {
    const bytes = Uint8Array.from({ length: 1000 }, (_, i) => i % 251);
    const path = join(folder, 'bytes');
    await writeFile(path, bytes);
    for (const source of [await openFile(path), openBytes('memory', bytes)]) {
      expect(source.size).toBe(1000);
      const part = await source.read(13, 64);
      expect(part).toEqual(bytes.slice(13, 77));
      expect(part.byteOffset).toBe(0);
      expect(part.buffer.byteLength).toBe(64);
      const target = new Uint8Array(10);
      await source.readInto(target.subarray(2, 8), 994);
      expect([...target]).toEqual([0, 0, ...bytes.slice(994), 0, 0]);
      for (const [offset, length] of [
        [994, 7],
        [-1, 1],
        [0, -1],
        [0.5, 1],
        [0, NaN],
        [1e300, 1],
        [0, 2 ** 53],
      ] as const) {
        await expect(source.read(offset, length)).rejects.toMatchObject({ code: 'invalid-file' });
      }
      await source.close();
    }
  });

  it('say so when the file shrinks under them', async () => {
    const path = join(folder, 'bytes');
    await writeFile(path, new Uint8Array(100));
    const source = await openFile(path);
    await truncate(path, 50);
    await expect(source.read(0, 100)).rejects.toMatchObject({ code: 'invalid-file', details: { path } });
    await source.close();
  });

  it('refuse what is no file', async () => {
    await expect(openFile(folder)).rejects.toMatchObject({ code: 'invalid-file' });
    await expect(openFile(join(folder, 'none'))).rejects.toMatchObject({ code: 'not-found' });
  });
});

describe('hashes', () => {
  it('are SHA-256 of the content, streamed or not', async () => {
    // The FIPS 180 example.
    expect(hashBytes('abc')).toBe('ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad');
    const path = join(folder, 'large');
    const bytes = new Uint8Array(3_000_001).fill(7);
    await writeFile(path, bytes);
    expect(await hashFile(path)).toBe(hashBytes(bytes));
    await expect(hashFile(join(folder, 'none'))).rejects.toMatchObject({ code: 'not-found' });
    await expect(hashFile(path, AbortSignal.abort())).rejects.toMatchObject({ code: 'cancelled' });
  });
});

describe('names from strangers', () => {
  it('stay inside the folder', async () => {
    expect(pathInside('/models/a', 'x/y.safetensors', 'index.json')).toBe(join('/models/a', 'x', 'y.safetensors'));
    for (const name of [
      '',
      '.',
      '..',
      '../x',
      'x/../../y',
      '/etc/passwd',
      'x//y',
      'x/',
      'a\\b',
      'C:x',
      'a\0b',
      './x',
    ]) {
      expect(() => pathInside('/models/a', name, 'index.json'), JSON.stringify(name)).toThrow(/index\.json/);
    }
  });

  it('do not leave it through links when the real path is asked for', async () => {
    const outside = await mkdtemp(join(tmpdir(), 'errata-outside-'));
    await writeFile(join(outside, 'secret'), '');
    await writeFile(join(folder, 'good'), '');
    await symlink(join(outside, 'secret'), join(folder, 'file'));
    await symlink(outside, join(folder, 'out'));
    await symlink('good', join(folder, 'alias'));
    expect(await realPathInside(folder, 'alias', 'm')).toBe(await realPathInside(folder, 'good', 'm'));
    await expect(realPathInside(folder, 'file', 'm')).rejects.toMatchObject({ code: 'invalid-file' });
    await expect(realPathInside(folder, 'out/secret', 'm')).rejects.toMatchObject({ code: 'invalid-file' });
    await expect(realPathInside(folder, 'none', 'm')).rejects.toMatchObject({ code: 'not-found' });
    await rm(outside, { recursive: true });
  });
});
