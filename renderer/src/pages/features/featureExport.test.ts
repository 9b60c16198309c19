import { describe, expect, it } from 'vitest';
import * as v from 'valibot';
import type { Dictionary, FeaturePage, Label } from '../../api/types.ts';
import { featureJson, featureMarkdown, neuronpediaUpload } from './featureExport.ts';
import { featurePicture } from './featurePicture.ts';

const dictionary = {
  ...{ name: 'first', state: 'finished', architecture: 'topk', competes: true, d: 4, size: 8, k: 2, steps: 1 },
  ...{ site: 'blocks.0.hook_resid_post', model: { name: 'tiny', hash: 'b'.repeat(64) } },
} as unknown as Dictionary;
const label = { text: '<b>bold</b> | ‮x‬', state: 'labelled', tags: ['a'], notes: '' } as unknown as Label;
const example = {
  ...{ context: 0, firstPosition: 0, contextLength: 4, special: [] },
  ...{ tokens: ['How', ' <do>', '\n', '&日本'], activations: [0, 2, 0.5, 0], peak: 1, value: 2 },
};
const page = {
  ...{ feature: 3, tokens: 100, firings: 2, rate: 0.02, mean: 1.5, deviation: 0.5, max: 2, documentEnds: 0 },
  ...{ lastFirings: 0, lastRate: null, lastMean: null, histogram: { binWidth: 0.5, counts: [1, 0, 0, 1] } },
  ...{ top: [example], groups: [{ from: 0.8, to: 1, examples: [example] }], decoderNeighbours: [], cofiring: [] },
  logits: { top: [{ id: 1, token: ' a`b', effect: 0.5 }], bottom: [], entropy: 1, vocabularySize: 9 },
  map: [0, 0],
} as unknown as FeaturePage;
const shown = { dictionary, page, label };

/** As Neuronpedia describes the body of its upload. */
const upload = v.strictObject({
  modelId: v.string(),
  source: v.string(),
  features: v.pipe(
    v.array(
      v.strictObject({
        index: v.number(),
        density: v.optional(v.number()),
        topLogits: v.optional(
          v.pipe(v.array(v.strictObject({ token: v.string(), value: v.number() })), v.maxLength(20)),
        ),
        bottomLogits: v.optional(v.array(v.strictObject({ token: v.string(), value: v.number() }))),
        explanations: v.optional(v.array(v.strictObject({ text: v.pipe(v.string(), v.maxLength(512)) }))),
        activations: v.pipe(
          v.array(
            v.strictObject({
              tokens: v.array(v.string()),
              values: v.array(v.number()),
              quantileMin: v.optional(v.number()),
              quantileMax: v.optional(v.number()),
            }),
          ),
          v.minLength(1),
        ),
      }),
    ),
    v.maxLength(128),
  ),
});

describe('a feature to take along', () => {
  it('is Markdown in which nothing that was said becomes markup', () => {
    const text = featureMarkdown(shown, 'http://localhost/#/features/first?feature=3');
    expect(text).toContain('## Feature 3 of first: \\<b\\>bold\\</b\\> \\|');
    expect(text).toContain('- 2: …How**␣\\<do\\>**↵&日本…');
    expect(text).toContain("`␣a'b` 0.5");
  });

  it('is JSON with all that is known', () => {
    const parsed = JSON.parse(featureJson(shown)) as FeaturePage & { label: Label };
    expect(parsed).toMatchObject({ feature: 3, label: { text: label.text }, top: [{ value: 2 }] });
  });

  it('is a body that Neuronpedia’s upload takes', () => {
    const long = { ...label, text: 'x'.repeat(2000) };
    const body = v.parse(upload, JSON.parse(neuronpediaUpload({ ...shown, label: long })));
    expect(body.features[0]?.activations).toHaveLength(2);
    expect(body.features[0]?.activations[1]).toMatchObject({ quantileMin: 0.8, quantileMax: 1 });
    expect(body.features[0]?.topLogits).toEqual([{ token: ' a`b', value: 0.5 }]);
  });

  it('is a picture in which text stays text', () => {
    const palette = { surface: '#fff', ink: '#000', soft: '#444', line: '#888', activation: '#fa0', bar: '#00f' };
    const { text, height } = featurePicture(shown, palette);
    expect(text).toContain('&lt;b&gt;bold&lt;/b&gt;');
    expect(text).not.toMatch(/<b>|&日/u);
    expect(text.match(/fill="#fa0"/gu)).toHaveLength(2);
    expect(height).toBeLessThan(400);
  });
});
