/** 'b, a,, b' → ['a', 'b'] */
export function splitTags(joined: string): string[] {
  const tags = joined
    .split(',')
    .map((tag) => tag.trim())
    .filter((tag) => tag !== '');
  return [...new Set(tags)].sort();
}
