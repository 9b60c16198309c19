// Which files of a repository are meant by a pattern, as --include of Python's `hf download` has it (fnmatch): `*` stands for
// any text, `/` included, `?` for one character. Linear in the name but for one star, so no pattern of a stranger takes long.

export function matchesPattern(name: string, pattern: string): boolean {
  let [at, of] = [0, 0];
  let star = -1;
  let after = 0;
  while (at < name.length) {
    if (of < pattern.length && pattern[of] === '*') {
      star = of++;
      after = at;
    } else if (of < pattern.length && (pattern[of] === '?' || pattern[of] === name[at])) {
      at++;
      of++;
    } else if (star >= 0) {
      of = star + 1;
      at = ++after;
    } else return false;
  }
  while (pattern[of] === '*') of++;
  return of === pattern.length;
}
