import { describe, expect, it } from 'vitest';
import type { Exported } from '../../api/types.ts';
import { badgeOf, differenceText, ownBytes, versionOf } from './exportForms.ts';

type Artifact = NonNullable<Exported['artifact']>;
const artifact = (parts: Partial<Artifact>) => parts as Artifact;
const file = (bytes: number, storage: 'own' | 'copy' | 'link') => ({ path: 'a', bytes, sha256: '', storage });

describe('an export in words', () => {
  it('counts only what it takes on the disk', () => {
    expect(ownBytes(artifact({ files: [file(10, 'own'), file(1000, 'link'), file(5, 'copy')] }))).toBe(15);
  });

  it('is as exact as its least exact operation', () => {
    const exactness = (...badges: Artifact['exactness'][number]['badge'][]) =>
      artifact({ exactness: badges.map((badge) => ({ badge, reason: '' })) });
    expect(badgeOf(exactness('exact', 'exact'))).toBe('exact');
    expect(badgeOf(exactness('exact', 'calibrated'))).toBe('calibrated');
    expect(badgeOf(exactness('calibrated', 'approximate', 'exact'))).toBe('approximate');
  });

  it('names its version by the first line of the message', () => {
    expect(versionOf(artifact({ provenance: { version: 'abc', message: 'Quiet\n\nmore' } }))).toEqual({
      id: 'abc',
      message: 'Quiet',
    });
    expect(versionOf(artifact({ provenance: { model: 'sample' } }))).toBeNull();
  });

  it('shows differences so that small ones can be told apart', () => {
    expect([0, 2.345e-6, 0.0123456, 3.14159].map(differenceText)).toEqual(['0', '2.3e-6', '0.0123', '3.14']);
  });
});
