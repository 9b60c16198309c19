// The content hash of a dictionary, by which edits and statistics name it, and what a dictionary is refused for.
import { describe, expect, it } from 'vitest';
import { randomDictionary } from '../../testing/dictionaries/randomDictionary.ts';
import { Random } from '../numerics/random.ts';
import { checkDictionary, hashDictionary, type Dictionary } from './dictionary.ts';
import { DICTIONARY_KINDS, kindOf, type DictionaryKind } from './kinds/index.ts';

const small = (architecture: DictionaryKind) => randomDictionary(new Random(7), architecture, { d: 3, size: 5, k: 2 });

/** With one number of an array changed. */
function changed(array: Float32Array): Float32Array {
  return array.map((value, index) => (index === 1 ? value + 1 : value));
}

describe('the hash of a dictionary', () => {
  it.each([
    ['relu', '23901dbc8463157306dfc7324394fd0b88aae53e18943d5ccbc1ebb4ed82c931'],
    ['topk', '3fa013127071706e3d65012d586be962cb9830a2737e73882dfff7ab41c3007e'],
    ['batchtopk', '5284169d6e7a6f94abf56206f4f9e26dc333f5c4cc6a41e494b5ed4b39f8346d'],
    ['jumprelu', '4ef9a0c827367f4fe1b23dcd3074bd95ed09298a051fc7c56d3ca501af91bc73'],
  ] as const)('of a %s one is what earlier releases made it', (architecture, hash) => {
    expect(hashDictionary(small(architecture))).toBe(hash);
  });

  it.each(DICTIONARY_KINDS)(
    'of a %s one changes with every array and fact that decides what it computes',
    (architecture) => {
      const dictionary = small(architecture);
      const { encoder, encoderBias, decoder, decoderBias, centre, perFeature } = dictionary;
      const others: Dictionary[] = [
        { ...dictionary, encoder: changed(encoder) },
        { ...dictionary, encoderBias: changed(encoderBias) },
        { ...dictionary, decoder: changed(decoder) },
        { ...dictionary, decoderBias: changed(decoderBias) },
        { ...dictionary, centre: changed(centre) },
        { ...dictionary, k: 3 },
        { ...dictionary, site: 'blocks.1.hook_resid_post' },
        { ...dictionary, modelHash: '1'.repeat(64) },
        ...Object.entries(perFeature).map(([name, array]) => ({
          ...dictionary,
          perFeature: { ...perFeature, [name]: changed(array) },
        })),
      ];
      const hashes = [dictionary, ...others].map(hashDictionary);
      expect(new Set(hashes).size).toBe(9 + kindOf(dictionary).perFeature.length);
    },
  );
});

describe.each(DICTIONARY_KINDS)('a %s dictionary', (architecture) => {
  const dictionary = small(architecture);
  const { perFeature, competes } = kindOf(dictionary);

  it('is accepted whole, and refused without an array that its kind selects by', () => {
    expect(checkDictionary(dictionary, 'file')).toBe(dictionary);
    for (const name of perFeature) {
      const { [name]: _, ...rest } = dictionary.perFeature;
      expect(() => checkDictionary({ ...dictionary, perFeature: rest }, 'file')).toThrow(`needs a ${name}`);
      const short = { ...dictionary.perFeature, [name]: new Float32Array(4) };
      expect(() => checkDictionary({ ...dictionary, perFeature: short }, 'file')).toThrow('has 4 values, not 5');
      const broken = { ...dictionary.perFeature, [name]: new Float32Array(5).fill(NaN) };
      expect(() => checkDictionary({ ...dictionary, perFeature: broken }, 'file')).toThrow('not a finite number');
    }
  });

  it('needs a k from 1 to its size where features compete, and none elsewhere', () => {
    for (const k of [null, 0, 6]) {
      const check = () => checkDictionary({ ...dictionary, k }, 'file');
      if (competes) expect(check).toThrow(`a ${architecture} dictionary of 5 features cannot keep`);
      else expect(check).not.toThrow();
    }
  });
});
