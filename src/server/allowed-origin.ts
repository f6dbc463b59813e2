/** Which sites' pages may ask, as their browsers name them in the header Origin: one that is written otherwise would never match. */
import { invalidArgument } from '../errors.js';

/** @throws ERR_INVALID_ARGUMENT naming the option */
export function checkOrigin(name: string, value: unknown): void {
  if (typeof value === 'string' && isOrigin(value)) return;
  throw invalidArgument(
    name,
    "a site as browsers name it, 'https://example.org' or 'http://localhost:3000' without a slash or path behind it, or '*'",
    value,
  );
}

/** Pages of extensions have schemes of their own, those without a site "null". */
function isOrigin(text: string): boolean {
  if (text === '*' || text === 'null') return true;
  if (!/^[a-z][a-z\d+.-]*:\/\/[^/\s?#@*]+$/.test(text) || !URL.canParse(text)) return false;
  const { origin } = new URL(text);
  return origin === 'null' || origin === text;
}
