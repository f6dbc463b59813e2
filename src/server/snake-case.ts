/** Names of the library's options as the API writes them. */

/** 'messages[0].toolCallId' becomes 'messages[0].tool_call_id'. */
export function snakeCase(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}

/** The names in a message of the library's; other words have no capitals inside. */
export function snakeCased(message: string): string {
  return message.replace(/\b[a-z]+(?:[A-Z][a-z]+)+\b/g, snakeCase);
}

/** The names of an object's own fields. */
export function snakeCaseKeys(value: object): object {
  return Object.fromEntries(Object.entries(value).map(([name, own]) => [snakeCase(name), own]));
}
