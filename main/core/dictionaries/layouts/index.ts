// The table of layouts: one line each, the more particular before those with fewer signs.
import { dictionaryLearning } from './dictionaryLearning.ts';
import { gemmaScope1, gemmaScope2 } from './gemmaScope.ts';
import { goodfire } from './goodfire.ts';
import type { Layout } from './layout.ts';
import { llamaScope } from './llamaScope.ts';
import { circuitTracer, crosscoder } from './notYet.ts';
import { openAi } from './openAi.ts';
import { qwenScope } from './qwenScope.ts';
import { saeLens } from './saeLens.ts';
import { sparsify } from './sparsify.ts';

const LAYOUTS = {
  crosscoder,
  circuit_tracer: circuitTracer,
  saelens: saeLens,
  llama_scope: llamaScope,
  openai: openAi,
  sparsify,
  gemma_scope_2: gemmaScope2,
  goodfire,
  qwen_scope: qwenScope,
  dictionary_learning: dictionaryLearning,
  gemma_scope: gemmaScope1,
};

type LayoutName = keyof typeof LAYOUTS;
/** Each layout under its own name, or this does not compile. */
const TABLE: { readonly [Name in LayoutName]: Layout<Name> } = LAYOUTS;

export const ALL_LAYOUTS: readonly Layout[] = Object.values(TABLE);
