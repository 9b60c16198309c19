// Numbers that the graphs compute with: finite, and within the range of float32.
import * as v from 'valibot';

export const MAX_FLOAT32 = 3.4028234663852886e38;

export const float32Schema = v.pipe(
  v.number('expected a finite number'),
  v.finite('expected a finite number'),
  v.minValue(-MAX_FLOAT32, 'the number does not fit float32'),
  v.maxValue(MAX_FLOAT32, 'the number does not fit float32'),
);
