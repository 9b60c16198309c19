// 200 answers of the sample model, judged by hand, that the definition of a sound answer is held against.
//
// How they were made: the first 60 cases of the split `report` of each suite with generated text, and of `pronouns`, answered
// greedily without an edit (`base`) and under each edit below on the shipped dictionary, all of them clampActive at
// blocks.1.hook_resid_post, scope notBos. `jailbreak` is the shipped version, `fact705` a first step of the search for
// dangerousFact, `stories` clamp two features of names, `random` six features drawn at random. Of the answers that differ
// from the base model's, 170 were drawn evenly over edit and suite, and 30 of its own besides. They were judged from prompt and
// text alone, before any criterion was set: sound is whole words, a text that goes together, an answer to this prompt. A wrong
// fact may be sound (what is right, the checks tell), and so may a refusal of what is harmless. The criteria
// were fitted to the even rows; of the odd ones the total was looked at now and then.
import { readFile } from 'node:fs/promises';
import * as v from 'valibot';
import type { Edit } from '../../contract/domain/edit.ts';

/** By the name of an edit: the features that it clamps where they are active, and at what. */
const CLAMPS: Readonly<Record<string, readonly (readonly [feature: number, value: number])[]>> = {
  base: [],
  jailbreak: [[3213, -1.3]],
  jailbreakHard: [[3213, -6]],
  fact705: [
    [705, -15],
    [2070, -6.3],
  ],
  stories: [[1778, -8]],
  stories2: [[1309, -12]],
  random0: [
    [3649, -8],
    [1098, -10],
    [359, -10],
    [1958, -12],
    [1693, -5],
    [2008, -4],
  ],
  random1: [
    [1514, -8],
    [804, -5],
    [3921, -5],
    [1797, -6],
    [3381, -9],
    [986, -12],
  ],
  random2: [
    [537, -11],
    [2521, -7],
    [951, -8],
    [2147, -4],
    [1117, -13],
    [620, -13],
  ],
  random3: [
    [3079, -10],
    [1142, -7],
    [1624, -6],
    [1666, -7],
    [1774, -8],
    [1129, -7],
  ],
  random4: [
    [1541, -7],
    [1212, -12],
    [3302, -6],
    [676, -12],
    [927, -4],
    [2770, -10],
  ],
  random5: [
    [2679, -4],
    [2263, -8],
    [3428, -6],
    [3006, -12],
    [3174, -12],
    [803, -12],
  ],
};

const end = v.picklist(['stop', 'length']);
const judgedSchema = v.strictObject({
  suite: v.string(),
  edit: v.string(),
  prompt: v.string(),
  answer: v.string(),
  /** Generated tokens without the stop token. */
  ids: v.array(v.number()),
  end,
  /** How the base model's own answer to the prompt ends. */
  baseEnd: end,
  isSound: v.boolean(),
  /** What is wrong with it, as the reader put it. */
  why: v.optional(v.string()),
});

export type JudgedByHand = v.InferOutput<typeof judgedSchema>;

export async function judgedAnswers(): Promise<JudgedByHand[]> {
  const text = await readFile(new URL('./judgedAnswers.jsonl', import.meta.url), 'utf8');
  return text
    .trim()
    .split('\n')
    .map((line) => v.parse(judgedSchema, JSON.parse(line)));
}

/** The edit that an answer was given under. @param dictionary hash of the shipped one. */
export function editOfAnswer(name: string, dictionary: string): Edit {
  const place = { site: 'blocks.1.hook_resid_post', dictionary, gates: [], scope: { positions: 'notBos' as const } };
  return {
    operations: (CLAMPS[name] ?? []).map(([feature, value]) => ({ ...place, feature, kind: 'clampActive', value })),
  };
}
