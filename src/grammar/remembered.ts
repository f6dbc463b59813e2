/** What was made of a caller's object, to be used again: schemas, tools and grammars are usually asked for more than once. */
const made = new WeakMap<object, { source: string; grammar: string }>();

/** @param content all that the grammar depends on: objects may change between chats, and what counts is what they say now */
export function remembered(key: object, content: unknown, make: () => string): string {
  const source = sourceOf(content);
  const known = made.get(key);
  if (known && known.source === source) return known.grammar;
  const grammar = make();
  if (source !== undefined) made.set(key, { source, grammar });
  return grammar;
}

/** Undefined for objects that contain themselves: those are read, or refused, again each time. */
function sourceOf(content: unknown): string | undefined {
  try {
    return JSON.stringify(content);
  } catch {
    return undefined;
  }
}
