// Artifacts of every form, as an earlier version wrote them (main/testing/export/artifacts): they open and verify for good.
import { cp, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { runtime } from '../../testing/models/runVariant.ts';
import { temporaryFolder } from '../../testing/models/temporaryFolder.ts';
import { contentId } from '../edits/canonical.ts';
import { EXPORT_FORM_NAMES, findForm } from './forms/index.ts';
import { readManifest } from './manifest.ts';
import { verifyArtifact } from './verifyArtifact.ts';

const ARTIFACTS = fileURLToPath(new URL('../../testing/export/artifacts', import.meta.url));
const recorded = await readdir(ARTIFACTS);

describe('an artifact that was written before', () => {
  it('is there for every form that there was', () => {
    expect(recorded.sort()).toEqual(['bias', 'embedded', 'huggingface', 'referenced', 'weights']);
    expect(EXPORT_FORM_NAMES).toEqual(expect.arrayContaining(recorded));
  });

  it.each(recorded)('in the form %s verifies, and has code that loads it', async (name) => {
    const folder = join(ARTIFACTS, name);
    const { manifest, equivalence, unlisted } = await verifyArtifact({ runtime, folder });
    expect(manifest.form).toBe(name);
    expect(equivalence.logits.positions).toBeGreaterThan(50);
    expect(equivalence.logits.maxAbsLogitDiff).toBeLessThanOrEqual(equivalence.tolerance.maxAbsLogitDiff);
    expect(unlisted).toEqual([]);
    const readme = await readFile(join(folder, 'README.md'), 'utf8');
    for (const { code } of findForm(manifest.form).loadingCode(manifest)) expect(readme).toContain(code);
  });

  it('in a form that this version does not have is refused by that form’s name', async () => {
    const folder = join(await temporaryFolder(), 'newer');
    await cp(join(ARTIFACTS, 'bias'), folder, { recursive: true });
    const { id: _id, ...content } = { ...(await readManifest(folder)), form: 'hologram' };
    await writeFile(join(folder, 'manifest.json'), JSON.stringify({ ...content, id: contentId(content) }));
    const verifying = verifyArtifact({ runtime, folder });
    await expect(verifying).rejects.toMatchObject({ code: 'unsupported', details: { form: 'hologram' } });
  });
});
