/**
 * Formulas as MathML, which needs no style that the page's policy would refuse, and no fonts. What is no formula stays the text that
 * it is. Loaded when the first one is met.
 */
import katex from 'katex';

/** Beyond this it is no formula, but work for nothing. */
const MAX_LENGTH = 5000;
const MAX_KEPT = 500;
/** A block that is written is drawn again and again. */
const drawn = new Map<string, Node | null>();

/** Undefined for what cannot be drawn. */
export function formula(tex: string, displayMode: boolean): Node | undefined {
  if (tex.length > MAX_LENGTH) return undefined;
  const key = `${displayMode} ${tex}`;
  if (!drawn.has(key)) {
    if (drawn.size >= MAX_KEPT) drawn.clear();
    drawn.set(key, draw(tex, displayMode));
  }
  return drawn.get(key)?.cloneNode(true);
}

function draw(tex: string, displayMode: boolean): Node | null {
  const place = document.createElement('span');
  const limits = { maxSize: 20, maxExpand: 200 };
  try {
    katex.render(tex, place, {
      ...{ displayMode, output: 'mathml', throwOnError: true, strict: 'ignore', ...limits },
      trust: false,
    });
    return place.firstChild;
  } catch {
    return null;
  }
}
