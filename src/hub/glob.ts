/** File patterns as huggingface_hub reads them (Python's fnmatch): `*` and `?` also match slashes; `folder/` is all in it. */

/** @returns whether any of the patterns matches a whole path */
export function matchesAny(path: string, patterns: readonly string[]): boolean {
  return patterns.some((pattern) => expression(pattern).test(path));
}

function expression(pattern: string): RegExp {
  const glob = pattern.endsWith('/') ? `${pattern}*` : pattern;
  const source = glob.replace(/\[(!?)([^\]]+)\]|[\s\S]/g, (part, not, set) => {
    if (part === '*') return '.*';
    if (part === '?') return '.';
    if (set !== undefined) return `[${not ? '^' : ''}${set.replace(/[\\^[]/g, '\\$&')}]`;
    return part.replace(/[\\^$.|+()[\]{}/]/g, '\\$&');
  });
  return new RegExp(`^${source}$`, 's');
}
