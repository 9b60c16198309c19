// Amounts that are too large for float32, made to show.
import { MAX_FLOAT32 } from '../../contract/base/float32.ts';
import type { Patch } from '../models/variant.ts';
import * as op from '../onnx/ops.ts';

/**
 * The same patch, with NaN where the activation's square is beyond float32. A normalisation after the site would divide by an
 * infinity, and hide behind a 0 that the edit's amount makes no sense.
 */
export function withoutOverflow(patch: Patch): Patch {
  return {
    ...patch,
    apply: (x) => {
      const patched = patch.apply(x);
      const inner = [...x.shape.keys()].slice(2);
      const isFinite = op.lessOrEqual(op.reduceL2(patched, inner), MAX_FLOAT32);
      return op.where(isFinite, patched, NaN);
    },
  };
}
