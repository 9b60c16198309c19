// The forms of an export in words, and what of an export's state is shown.
import type { Exported, ExportForm, Ladder } from '../../api/types.ts';

interface FormText {
  readonly title: string;
  /** What is in the folder, and what runs it. */
  readonly what: string;
}

export const FORM_TEXTS: Record<ExportForm, FormText> = {
  embedded: {
    title: 'ONNX, weights inside',
    what: 'Runs with ONNX Runtime in any language; nothing else is needed.',
  },
  referenced: {
    title: 'ONNX, weights linked',
    what: 'Runs with ONNX Runtime; the weights are the model’s own files as hard links, and take no space.',
  },
  bias: {
    title: 'Checkpoint, steer in a bias',
    what: 'A plain Hugging Face checkpoint of the same architecture: whatever loads the original loads it.',
  },
  weights: {
    title: 'Checkpoint, projection in the weights',
    what: 'A plain Hugging Face checkpoint whose every writer to the residual stream is projected.',
  },
  huggingface: {
    title: 'Checkpoint with a hook',
    what: 'The original checkpoint, linked, and a small Python file that applies the edit in transformers.',
  },
};

export const BADGE_TEXTS: Record<NonNullable<Ladder['rungs'][number]['badge']>, string> = {
  exact: 'It computes what the edit’s definition says, up to rounding in float32.',
  calibrated: 'Topk features fire above thresholds of their own instead of in competition.',
  approximate: 'It is compiled so that it differs from the edit; by how much is measured and reported.',
};

export const badgeTone = (badge: keyof typeof BADGE_TEXTS) => (badge === 'exact' ? 'good' : 'plain');

/** Bytes that an export takes on the disk by itself: links take none. */
export function ownBytes({ files }: NonNullable<Exported['artifact']>): number {
  return files.reduce((sum, { bytes, storage }) => sum + (storage === 'link' ? 0 : bytes), 0);
}

/** The version that it is of, if it was exported from one. */
export function versionOf({ provenance }: NonNullable<Exported['artifact']>): { id: string; message: string } | null {
  const { version, message } = provenance;
  if (typeof version !== 'string') return null;
  return { id: version, message: typeof message === 'string' ? (message.split('\n')[0] ?? '') : '' };
}

/** The worst of an edit's operations. */
export function badgeOf({ exactness }: NonNullable<Exported['artifact']>): keyof typeof BADGE_TEXTS {
  const badges = exactness.map(({ badge }) => badge);
  return (['approximate', 'calibrated'] as const).find((badge) => badges.includes(badge)) ?? 'exact';
}

/** Small differences as powers of ten; nothing at all as 0. */
export function differenceText(value: number): string {
  return value === 0 ? '0' : value >= 0.01 ? Number(value.toPrecision(3)).toString() : value.toExponential(1);
}
