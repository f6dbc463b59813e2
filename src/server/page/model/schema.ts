/** Whether what was typed may be a schema. What of it can be kept, the server says. */
import { words } from '../words/words.js';

/** For people; undefined for a good one and for none. */
export function schemaProblem(typed: string): string | undefined {
  if (typed.trim() === '') return undefined;
  try {
    const value: unknown = JSON.parse(typed);
    const isSchema =
      typeof value === 'boolean' ||
      (typeof value === 'object' && value !== null && !Array.isArray(value));
    return isSchema ? undefined : words().schemaNotObject;
  } catch (error) {
    return words().schemaBad((error as SyntaxError).message);
  }
}
