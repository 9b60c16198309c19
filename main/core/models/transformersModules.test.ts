// The modules that each architecture names, against transformersPlaces.txt: a list of where transformers 5.18 really has the
// values of every site, recorded by comparing them (transformersPlaces.py) and read through by hand. Where this Python has
// transformers, the list is recorded again and compared; `vitest -u` then writes it, for a new architecture.
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { floats, runVariant, tokens } from '../../testing/models/runVariant.ts';
import { openTinyModel } from '../../testing/models/temporaryFolder.ts';
import { randomTokens, TINY_NAMES, type TinyName } from '../../testing/models/tinyModels.ts';
import { writeSafetensors } from '../formats/safetensors.ts';
import { placeOfSite } from './transformersModules.ts';

const LIST = fileURLToPath(new URL('../../testing/models/transformersPlaces.txt', import.meta.url));
const RECORDER = fileURLToPath(new URL('../../testing/models/transformersPlaces.py', import.meta.url));

const python = process.env['ERRATA_PYTHON'] ?? 'python3';
const hasTransformers = spawnSync(python, ['-c', 'import torch, transformers, safetensors']).status === 0;
if (!hasTransformers) console.log('skipped: recording where transformers has its sites: this Python does not have it');

/** By tiny model and site, every place where transformers has the value. */
function recordedPlaces(): ReadonlyMap<string, ReadonlyMap<string, readonly string[]>> {
  const models = new Map<string, Map<string, string[]>>();
  let sites = new Map<string, string[]>();
  for (const line of readFileSync(LIST, 'utf8').trimEnd().split('\n')) {
    if (!line.startsWith('  ')) {
      sites = new Map();
      models.set(line, sites);
      continue;
    }
    const [site = '', places = ''] = line.trim().split(': ');
    sites.set(site, places === 'nowhere' ? [] : places.split(', '));
  }
  return models;
}

/** Sites that we refuse: because modules of some versions alone hold them, or because changing them there changes less. */
const REFUSED: readonly (readonly [TinyName, string])[] = [
  // Before transformers 5, Gemma scaled the embedding outside of any module.
  ['gemma', 'hook_embed'],
  ['gemma2', 'hook_embed'],
  ['gemma3', 'hook_embed'],
  ['gemma3 that sees', 'hook_embed'],
  // Only checkpoints with a narrow embedding have project_in.
  ['opt post-norm, narrow embedding', 'hook_embed'],
  // Norms have weights in all other architectures, so that no module holds what is normalised.
  ['olmo', 'blocks.0.ln2.hook_normalized'],
  ['olmo', 'blocks.1.ln2.hook_normalized'],
  // Granite scales the embedding, and what each half adds, outside of any module.
  ['granite', 'hook_embed'],
  ...[0, 1].flatMap((block) =>
    ['hook_attn_out', 'hook_resid_mid', 'hook_mlp_out'].map((part) => ['granite', `blocks.${block}.${part}`] as const),
  ),
];

describe('the modules of transformers', () => {
  const recorded = recordedPlaces();

  it('are recorded for every tiny model', () => {
    expect([...recorded.keys()].sort()).toEqual([...TINY_NAMES].sort());
  });

  it.each(TINY_NAMES)('that a %s names hold the values of its sites', async (name) => {
    const { modules, sites } = await openTinyModel(name);
    const places = recorded.get(name);
    expect([...(places?.keys() ?? [])].sort()).toEqual(sites.map((site) => site.name).sort());
    for (const [site, known] of places ?? []) {
      const place = placeOfSite(modules, site);
      if (REFUSED.some(([model, refused]) => model === name && refused === site)) {
        expect(place, site).toBeNull();
      } else if (place === null) {
        expect(known, site).toEqual([]);
        expect(site).toMatch(/hook_normalized$/u);
      } else if (place.plusInputOf === null) {
        expect(known, site).toContain(`${place.at} of ${place.module}`);
      } else {
        // What the attention gives, and the block's input, which are added outside of any module.
        const [input, attention] = ['hook_resid_pre', 'hook_attn_out'].map((part) =>
          site.replace('hook_resid_mid', part),
        );
        expect(site).toMatch(/hook_resid_mid$/u);
        expect(known.filter((where) => where.startsWith('output of'))).toEqual([]);
        expect(places?.get(input ?? '')).toContain(`input of ${place.plusInputOf}`);
        expect(places?.get(attention ?? '')).toContain(`${place.at} of ${place.module}`);
      }
    }
  });

  it.skipIf(!hasTransformers)(
    'are where the recorded list says',
    async () => {
      const folders: Record<string, string> = {};
      for (const name of TINY_NAMES) {
        const model = await openTinyModel(name);
        const ids = randomTokens(12, 5);
        const values = await runVariant(
          model,
          { taps: model.sites.map((site) => site.name) },
          { input_ids: tokens(ids) },
        );
        const tensors = model.sites.map((site) => ({
          name: site.name,
          dtype: 'F32' as const,
          shape: [ids.length, site.width],
          data: floats(values[site.name]),
        }));
        await writeSafetensors(join(model.folder, 'sites.safetensors'), tensors, {});
        await writeFile(join(model.folder, 'tokens.json'), JSON.stringify(ids));
        folders[name] = model.folder;
      }
      const { status, stdout, stderr } = spawnSync(python, ['-B', RECORDER], {
        input: JSON.stringify(folders),
        encoding: 'utf8',
      });
      expect(status, stderr).toBe(0);
      await expect(stdout).toMatchFileSnapshot(LIST);
    },
    240_000,
  );
});
