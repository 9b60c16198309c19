import { usualSize } from '../../../../main/contract/domain/trainingSettings.ts';
import { describe, expect, it } from 'vitest';
import { captureName, defaultSite, freeName } from './runDefaults.ts';

describe('what a form begins with', () => {
  it('is a power of two of features, eight per number of the activation', () => {
    expect([1, 64, 768, 2304, 8192].map(usualSize)).toEqual([256, 512, 8192, 16384, 32768]);
  });

  it('is a name that is free and that names a folder', () => {
    expect(freeName('a', [])).toBe('a');
    expect(freeName('a', ['a', 'a-2'])).toBe('a-3');
    expect(freeName('../ä b', [])).toBe('b');
    expect(freeName('…', [])).toBe('unnamed');
  });

  it('names activations by their site, and by their model too where there are several', () => {
    expect(captureName('sample', 'blocks.1.hook_resid_post', 1)).toBe('blocks.1.hook_resid_post');
    expect(captureName('sample', 'blocks.1.hook_resid_post', 2)).toBe('sample.blocks.1.hook_resid_post');
  });

  it('is the residual stream in the middle of the model', () => {
    const sites = [0, 1, 2, 3].map((block) => ({ name: `blocks.${block}.hook_resid_post`, block }));
    expect(defaultSite(sites)).toBe('blocks.1.hook_resid_post');
    expect(defaultSite([{ name: 'hook_embed', block: null }])).toBe('hook_embed');
    expect(defaultSite([])).toBeUndefined();
  });
});
