// Which architecture reads which `model_type` of config.json.
import type { ReadArchitecture } from '../architecture.ts';
import type { ConfigFields } from '../config.ts';
import { gemma } from './gemma.ts';
import { gemma2 } from './gemma2.ts';
import { gemma3, gemma3Text } from './gemma3.ts';
import { gpt2 } from './gpt2.ts';
import { gptNeo } from './gptNeo.ts';
import { gptNeox } from './gptNeox.ts';
import { gptOss } from './gptOss.ts';
import { granite } from './granite.ts';
import { llama } from './llama.ts';
import { mistral } from './mistral.ts';
import { mixtral } from './mixtral.ts';
import { olmo } from './olmo.ts';
import { olmo2 } from './olmo2.ts';
import { olmoe } from './olmoe.ts';
import { opt } from './opt.ts';
import { phi } from './phi.ts';
import { phi3 } from './phi3.ts';
import { qwen2 } from './qwen2.ts';
import { qwen2Moe } from './qwen2Moe.ts';
import { qwen3 } from './qwen3.ts';
import { qwen3Moe } from './qwen3Moe.ts';
import { stableLm } from './stablelm.ts';

const ARCHITECTURES: Readonly<Record<string, ReadArchitecture>> = {
  gpt2,
  gpt_neo: gptNeo,
  gpt_neox: gptNeox,
  llama,
  mistral,
  qwen2,
  qwen3,
  gemma,
  gemma2,
  gemma3: gemma3Text,
  gemma3_text: (fields, weights) => gemma3(fields, weights),
  opt,
  phi,
  phi3,
  olmo,
  olmo2,
  stablelm: stableLm,
  granite,
  mixtral,
  qwen2_moe: qwen2Moe,
  qwen3_moe: qwen3Moe,
  olmoe,
  gpt_oss: gptOss,
};

/** The `model_type`s that can be imported. */
export const MODEL_TYPES: readonly string[] = Object.keys(ARCHITECTURES);

/** @throws AppError `invalid-file` when config.json has no model_type, `unsupported` when it is one we do not know. */
export function architectureOf(fields: ConfigFields): ReadArchitecture {
  const modelType = fields.text('model_type');
  const read = Object.hasOwn(ARCHITECTURES, modelType) ? ARCHITECTURES[modelType] : undefined;
  if (read) return read;
  throw fields.error(
    'unsupported',
    `the model_type ${JSON.stringify(modelType.slice(0, 60))} is not supported (${MODEL_TYPES.join(', ')} are).`,
  );
}
