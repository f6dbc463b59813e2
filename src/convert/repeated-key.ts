/** JSON.parse keeps the last of equal keys without a word; a file that has two is broken. */

/** The first key that an object has twice, however it is escaped; keys of nested objects do not count.
 *  @param text valid JSON of the object */
export function findRepeatedKey(text: string): string | undefined {
  const seen = new Set<string>();
  let depth = 0;
  for (let at = 0; at < text.length; at++) {
    const character = text[at];
    if (character === '{' || character === '[') depth++;
    else if (character === '}' || character === ']') depth--;
    else if (character === '"') {
      const start = at;
      at = endOfString(text, at);
      if (depth !== 1 || !isKey(text, at)) continue;
      const key: string = JSON.parse(text.slice(start, at + 1));
      if (seen.has(key)) return key;
      seen.add(key);
    }
  }
  return undefined;
}

/** Of the closing quote. */
function endOfString(text: string, start: number): number {
  let at = start + 1;
  while (text[at] !== '"') at += text[at] === '\\' ? 2 : 1;
  return at;
}

function isKey(text: string, end: number): boolean {
  let at = end + 1;
  while (' \t\r\n'.includes(text[at]!)) at++;
  return text[at] === ':';
}
