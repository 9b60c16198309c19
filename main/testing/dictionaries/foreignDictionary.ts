// A dictionary of ours written as dictionary_learning's BatchTopKSAE: its keys and orders, in a safetensors file, which its
// reader takes as well as a .pt. For tests that need a large or a good one; small .pt files of PyTorch itself are in layouts/.
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Dictionary } from '../../core/dictionaries/dictionary.ts';
import { transposed } from '../../core/dictionaries/saeLens.ts';
import { writeSafetensors } from '../../core/formats/safetensors.ts';

export interface ForeignOptions {
  /** Left out: config.json does not name a site. */
  readonly submodule?: string;
  readonly k?: number;
}

/** @returns the path of the file. */
export async function writeForeignDictionary(
  folder: string,
  dictionary: Dictionary,
  { submodule, k = 16 }: ForeignOptions = {},
): Promise<string> {
  const { d, size, encoder, encoderBias, decoder, decoderBias, perFeature } = dictionary;
  const path = join(folder, 'ae.safetensors');
  await mkdir(folder, { recursive: true });
  const threshold = Float32Array.of(perFeature['threshold']?.[0] ?? 0);
  await writeSafetensors(path, [
    { name: 'encoder.weight', dtype: 'F32', shape: [size, d], data: encoder },
    { name: 'encoder.bias', dtype: 'F32', shape: [size], data: encoderBias },
    { name: 'decoder.weight', dtype: 'F32', shape: [d, size], data: transposed(decoder, size, d) },
    { name: 'b_dec', dtype: 'F32', shape: [d], data: decoderBias },
    { name: 'k', dtype: 'I32', shape: [], data: Int32Array.of(k) },
    { name: 'threshold', dtype: 'F32', shape: [], data: threshold },
  ]);
  const trainer = {
    ...{ dict_class: 'BatchTopKSAE', activation_dim: d, dict_size: size, k },
    ...(submodule === undefined ? {} : { submodule_name: submodule }),
  };
  await writeFile(join(folder, 'config.json'), JSON.stringify({ trainer }));
  return path;
}
