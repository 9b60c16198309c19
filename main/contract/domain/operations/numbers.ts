// Numbers that more than one kind of operation takes.
import type { OperationNumber } from './operation.ts';

const IN_ACTIVATIONS = 'In units of the feature’s activation.';

type Shared<Name extends string> = Pick<OperationNumber<Name>, 'name' | 'hint' | 'preposition' | 'first' | 'range'>;

export const FACTOR: Shared<'factor'> = {
  name: 'factor',
  hint: '1 leaves everything as it is.',
  preposition: 'by',
  first: () => 0,
  range: () => [-4, 4],
};

/** What a feature is held at. */
export const HELD_VALUE: Shared<'value'> = {
  name: 'value',
  hint: `${IN_ACTIVATIONS} The slider reaches four times its largest one.`,
  preposition: 'to',
  first: () => 0,
  range: (largest) => [-4 * largest, 4 * largest],
};

/** What a feature does not pass. */
export const LIMIT: Shared<'value'> = {
  name: 'value',
  hint: `${IN_ACTIVATIONS} The slider reaches twice its largest one.`,
  preposition: 'at',
  first: (largest) => largest / 2,
  range: (largest) => [0, 2 * largest],
};

export const AMOUNT: Shared<'amount'> = {
  name: 'amount',
  hint: `${IN_ACTIVATIONS} The slider reaches four times its largest one.`,
  preposition: 'by',
  first: (largest) => largest,
  range: (largest) => [-4 * largest, 4 * largest],
};
