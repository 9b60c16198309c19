// A model of a size that people use, with random weights and the sample's tokenizer: its speed is that of a trained one, and its
// texts seldom end.
import { copyFile, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { writeSafetensors } from '../../main/core/formats/safetensors.ts';
import { Random } from '../../main/core/numerics/random.ts';

const SAMPLE = join(import.meta.dirname, '../../resources/sample/model');

export interface RandomModelSize {
  readonly layers: number;
  readonly hidden: number;
  readonly heads: number;
  readonly feedForward: number;
  readonly vocabulary: number;
  readonly context: number;
}

/** A Llama in `folder`, which is made. */
export async function writeRandomModel(folder: string, size: RandomModelSize): Promise<void> {
  const { layers, hidden, heads, feedForward, vocabulary, context } = size;
  await mkdir(folder, { recursive: true });
  const config = {
    ...{ model_type: 'llama', vocab_size: vocabulary, hidden_size: hidden, intermediate_size: feedForward },
    ...{ num_hidden_layers: layers, num_attention_heads: heads, max_position_embeddings: context },
    ...{ rms_norm_eps: 1e-5, rope_theta: 10_000, tie_word_embeddings: true, bos_token_id: 0, eos_token_id: 0 },
  };
  await writeFile(join(folder, 'config.json'), JSON.stringify(config));
  for (const file of ['tokenizer.json', 'tokenizer_config.json'])
    await copyFile(join(SAMPLE, file), join(folder, file));
  const random = new Random(1);
  const matrix = (name: string, ...shape: number[]) => ({
    ...{ name, dtype: 'F32' as const, shape },
    data: Float32Array.from(
      { length: shape.reduce((product, axis) => product * axis, 1) },
      shape.length === 1 ? () => 1 : () => (random.uniform() - 0.5) * (3 / Math.sqrt(shape.at(-1)!)),
    ),
  });
  const blocks = Array.from({ length: layers }, (_, layer) => {
    const name = (part: string) => `model.layers.${layer}.${part}.weight`;
    return [
      ...['input_layernorm', 'post_attention_layernorm'].map((norm) => matrix(name(norm), hidden)),
      ...['q', 'k', 'v', 'o'].map((part) => matrix(name(`self_attn.${part}_proj`), hidden, hidden)),
      ...['gate', 'up'].map((part) => matrix(name(`mlp.${part}_proj`), feedForward, hidden)),
      matrix(name('mlp.down_proj'), hidden, feedForward),
    ];
  });
  await writeSafetensors(join(folder, 'model.safetensors'), [
    matrix('model.embed_tokens.weight', vocabulary, hidden),
    ...blocks.flat(),
    matrix('model.norm.weight', hidden),
  ]);
}
