// What of an export's state is shown.
import { worstBadge, type Badge } from '../../../../main/contract/domain/exportForms.ts';
import type { Exported } from '../../api/types.ts';

export const badgeTone = (badge: Badge) => (badge === 'exact' ? 'good' : 'plain');

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
export function badgeOf({ exactness }: NonNullable<Exported['artifact']>): Badge {
  return worstBadge(exactness.map(({ badge }) => badge));
}

/** Small differences as powers of ten; nothing at all as 0. */
export function differenceText(value: number): string {
  return value === 0 ? '0' : value >= 0.01 ? Number(value.toPrecision(3)).toString() : value.toExponential(1);
}
