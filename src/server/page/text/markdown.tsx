/** An answer's Markdown as elements. */
import { marked } from 'marked';
import { useLayoutEffect, useRef } from 'preact/hooks';
import { safeFragment } from './safe-html.js';

export function Markdown({ text }: { text: string; isWriting: boolean }) {
  const place = useRef<HTMLDivElement>(null);
  useLayoutEffect(() => {
    place.current?.replaceChildren(safeFragment(marked.parse(text, { async: false, gfm: true })));
  }, [text]);
  return <div class="markdown" dir="auto" ref={place} />;
}
