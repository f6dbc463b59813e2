/** An answer's Markdown as elements; while it is written, drawn at most once a frame. */
import { useLayoutEffect, useRef } from 'preact/hooks';
import { LiveText } from './live-text.js';
import './text.css';

export function Markdown({ text, isWriting }: { text: string; isWriting: boolean }) {
  const place = useRef<HTMLDivElement>(null);
  const live = useRef<LiveText>(undefined);
  const latest = useRef(text);
  const frame = useRef(0);
  latest.current = text;
  useLayoutEffect(() => {
    const isFirst = live.current === undefined;
    live.current ??= new LiveText(place.current!);
    if (isWriting && !isFirst) {
      frame.current ||= requestAnimationFrame(() => {
        frame.current = 0;
        live.current?.show(latest.current, true);
      });
      return;
    }
    cancelAnimationFrame(frame.current);
    frame.current = 0;
    live.current.show(text, isWriting);
  }, [text, isWriting]);
  useLayoutEffect(() => () => cancelAnimationFrame(frame.current), []);
  return <div class="markdown" ref={place} />;
}
