// The table of layouts: one line each, the more particular first.
import { dictionaryLearning } from './dictionaryLearning.ts';
import type { Layout } from './layout.ts';

const LAYOUTS = { dictionary_learning: dictionaryLearning };

type LayoutName = keyof typeof LAYOUTS;
/** Each layout under its own name, or this does not compile. */
const TABLE: { readonly [Name in LayoutName]: Layout<Name> } = LAYOUTS;

export const ALL_LAYOUTS: readonly Layout[] = Object.values(TABLE);
