// JSON as MaskBench writes it: the scalars and the order of the source, ", " and ": " between values. Reading and
// writing by JSON would lose what a number looked like and the order of names that are numbers.
const TOKEN = /"(?:[^"\\]|\\.)*"|[-+.\w]+|[{}[\],:]/g;

/** The source with one space behind "," and ":" and none elsewhere. */
export function spaced(source) {
  const tokens = source.match(TOKEN) ?? [];
  return tokens.map((token) => (token === ',' || token === ':' ? `${token} ` : token)).join('');
}

/** The source without white space. */
export function compact(source) {
  return (source.match(TOKEN) ?? []).join('');
}

/** The sources of an object's members by name. */
export function members(source) {
  const parts = parted(source);
  const named = parts.map((part) => {
    const name = /^\s*("(?:[^"\\]|\\.)*")\s*:/.exec(part);
    return [JSON.parse(name[1]), part.slice(name[0].length)];
  });
  return Object.fromEntries(named);
}

/** The sources of a list's items, or of an object's "name": value pairs. */
export function parted(source) {
  const parts = [];
  let depth = 0;
  let start = -1;
  for (const { 0: token, index } of source.matchAll(TOKEN)) {
    if (start < 0) start = index + 1;
    const closes = token === ']' || token === '}';
    if ((token === ',' && depth === 1) || (closes && depth === 1)) {
      const part = source.slice(start, index).trim();
      if (part !== '') parts.push(part);
      start = index + 1;
    }
    if (token === '[' || token === '{') depth++;
    if (closes) depth--;
  }
  return parts;
}
