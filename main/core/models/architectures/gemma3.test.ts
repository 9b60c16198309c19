// The language model of google/gemma-3-4b-it: its config.json says only what differs from what is usual.
import { expect, it } from 'vitest';
import { ConfigFields } from '../config.ts';
import { Weights } from '../weights.ts';
import { gemma3Text } from './gemma3.ts';

const EMBEDDING = 'language_model.model.embed_tokens.weight';
const CONFIG = {
  architectures: ['Gemma3ForConditionalGeneration'],
  eos_token_id: [1, 106],
  model_type: 'gemma3',
  text_config: {
    ...{ hidden_size: 2560, intermediate_size: 10240, model_type: 'gemma3_text', num_hidden_layers: 34 },
    ...{ rope_scaling: { factor: 8, rope_type: 'linear' }, sliding_window: 1024 },
  },
  vision_config: { hidden_size: 1152, model_type: 'siglip_vision_model' },
};

function weightsWith(name: string): Weights {
  const tensor = { file: '/model.safetensors', dtype: 'BF16', shape: [2, 2], fileOffset: 0, byteLength: 8 } as const;
  return new Weights('/', new Map([[name, tensor]]), new Map());
}

it('is read with what its config.json leaves out', () => {
  const { config, modules } = gemma3Text(new ConfigFields('config.json', CONFIG), weightsWith(EMBEDDING));
  expect(config).toMatchObject({
    ...{ modelType: 'gemma3_text', vocabularySize: 262_208, hiddenSize: 2560, layers: 34, intermediateSize: 10_240 },
    ...{ heads: 8, keyValueHeads: 4, headDim: 256, contextLength: 131_072, eosTokenIds: [1, 106] },
  });
  expect(modules.blocks).toBe('model.language_model.layers');
});

it('is found under the names of newer checkpoints, too, and refused without its part of config.json', () => {
  const newer = weightsWith('model.language_model.embed_tokens.weight');
  expect(gemma3Text(new ConfigFields('config.json', CONFIG), newer).writers.prefix.here).toBe('model.language_model.');
  const { text_config: _, ...rest } = CONFIG;
  expect(() => gemma3Text(new ConfigFields('config.json', rest), newer)).toThrow('"text_config" is missing');
});
