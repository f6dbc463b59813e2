/** What JSON.parse does not tell of a text: how deep it nests, and a key that is there twice (of which it keeps the last). */

/** Deeper values are no checkpoint's, and overflow the stack where they are printed. */
export const MAX_JSON_DEPTH = 64;

export interface JsonSurvey {
  depth: number;
  /** The first that the outermost object has twice, however it is escaped. */
  repeatedKey?: string;
}

/** @param text valid JSON */
export function surveyJson(text: string): JsonSurvey {
  const keys = new Set<string>();
  const survey: JsonSurvey = { depth: 0 };
  let depth = 0;
  for (let at = 0; at < text.length; at++) {
    const character = text[at];
    if (character === '{' || character === '[') survey.depth = Math.max(survey.depth, ++depth);
    else if (character === '}' || character === ']') depth--;
    else if (character === '"') {
      const start = at;
      at = endOfString(text, at);
      if (depth !== 1 || !isKey(text, at)) continue;
      const key: string = JSON.parse(text.slice(start, at + 1));
      if (keys.has(key)) survey.repeatedKey ??= key;
      keys.add(key);
    }
  }
  return survey;
}

/** Index of the closing quote. */
function endOfString(text: string, start: number): number {
  let at = start + 1;
  while (text[at] !== '"') at += text[at] === '\\' ? 2 : 1;
  return at;
}

function isKey(text: string, end: number): boolean {
  let at = end + 1;
  while (' \t\r\n'.includes(text[at] ?? ':')) at++;
  return text[at] === ':';
}
