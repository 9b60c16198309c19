// What a training run can be asked to do. What a setting means to training is said in core/dictionaries.
import * as v from 'valibot';
import { real, setting, whole, wholeFrom } from '../base/setting.ts';
import { TRAINED_KIND_NAMES, TRAINED_KINDS } from './dictionaryKinds.ts';

/** With 1 a moment would never learn anything. */
const decay = v.pipe(v.number('expected a number'), v.minValue(0, 'at least 0'), v.ltValue(1, 'less than 1'));

/** Features where nothing is said: eight for each number of an activation, as a power of two. */
export function usualSize(width: number): number {
  const wanted = 2 ** Math.round(Math.log2(Math.max(1, width) * 8));
  return Math.max(256, Math.min(32768, wanted));
}

/** What the configuration of a run holds, besides the width of its site. */
export const trainingSettings = {
  architecture: setting(v.picklist(TRAINED_KIND_NAMES), {
    label: 'Architecture',
    hint: 'Which features fire on a token.',
    option: 'architecture',
    choices: TRAINED_KINDS,
    usual: 'batchtopk',
  }),
  size: setting(whole(1, 1 << 22), {
    label: 'Features',
    hint: 'How many features the dictionary has. More features give finer concepts and cost more.',
    option: 'features',
    computed: 'eight for each number of an activation, as a power of two from 256 to 32,768',
    usual: 1024,
  }),
  k: setting(whole(1, 1 << 16), {
    label: 'k',
    hint: 'Features that fire on a token, exactly or on average: see the architecture.',
    option: 'k',
    short: 'k',
    usual: 32,
  }),
  batchSize: setting(whole(1, 1 << 20), {
    label: 'Tokens per step',
    hint: 'Tokens that each training step learns from.',
    option: 'batch-size',
    usual: 2048,
  }),
  steps: setting(whole(1, 1_000_000_000), {
    label: 'Steps',
    hint: 'Training steps.',
    option: 'steps',
    usual: 4000,
  }),
  learningRate: v.exactOptional(
    setting(v.pipe(v.number('expected a number'), v.gtValue(0, 'more than 0'), v.maxValue(1, 'at most 1')), {
      label: 'Learning rate',
      hint: 'The peak, after warm-up.',
      option: 'learning-rate',
      computed: '0.02 · √(1024 / features) · √(64 / width of the site)',
    }),
  ),
  warmupSteps: v.exactOptional(
    setting(wholeFrom(0), {
      label: 'Warm-up steps',
      hint: 'Steps over which the learning rate rises from 0.',
      option: 'warmup-steps',
      computed: 'a twentieth of the steps, 1000 at most',
    }),
  ),
  decayFraction: v.optional(
    setting(real(0, 1), {
      label: 'Decay',
      hint: 'Share of the steps, at the end, over which the learning rate falls to 0.',
      option: 'decay',
    }),
    0.2,
  ),
  beta1: v.optional(
    setting(decay, {
      label: 'Beta 1',
      hint: 'Decay of Adam’s mean of the gradients.',
      option: 'beta1',
    }),
    0.9,
  ),
  beta2: v.optional(
    setting(decay, {
      label: 'Beta 2',
      hint: 'Decay of Adam’s mean of the squared gradients.',
      option: 'beta2',
    }),
    0.999,
  ),
  epsilon: v.optional(
    setting(v.pipe(v.number('expected a number'), v.finite('expected a finite number'), v.gtValue(0, 'more than 0')), {
      label: 'Epsilon',
      hint: 'What Adam adds to the root of the squared gradients.',
      option: 'epsilon',
    }),
    1e-8,
  ),
  deadAfterTokens: v.exactOptional(
    setting(whole(1, 1_000_000_000_000), {
      label: 'Dead after',
      hint: 'Tokens without firing after which a feature counts as dead.',
      option: 'dead-after',
      unit: 'tokens',
      computed: 'a thirtieth of the run, 50 steps at least, 10 million at most',
    }),
  ),
  auxK: v.exactOptional(
    setting(whole(0, 1 << 16), {
      label: 'Auxiliary k',
      hint: 'Dead features that learn from the error of a token; 0 for none.',
      option: 'aux-k',
      computed: '2k, half the width of the site at most',
    }),
  ),
  seed: v.optional(
    setting(v.pipe(v.number('expected a number'), v.safeInteger('expected a whole number')), {
      label: 'Seed',
      hint: 'The same seed gives the same dictionary, bit for bit, on the CPU.',
      option: 'seed',
    }),
    0,
  ),
};

/** The share of a store's contexts, its last ones, that training does not see and that quality is measured on. */
export const heldOutSetting = setting(
  v.pipe(v.number('expected a number'), v.gtValue(0, 'more than 0'), v.ltValue(1, 'less than 1')),
  {
    label: 'Held out',
    hint: 'Share of the contexts kept for the quality figures.',
    option: 'held-out',
  },
);
export const DEFAULT_HELD_OUT = 0.1;

/** All that a run can be asked, and a measurement of what came out. */
export const runSettings = { ...trainingSettings, heldOutFraction: v.optional(heldOutSetting, DEFAULT_HELD_OUT) };
export const measurementSettings = {
  heldOutFraction: v.exactOptional(v.pipe(heldOutSetting, v.metadata({ computed: 'that of its training' }))),
};
