/** What will be sent, in its order: moved by dragging or with Alt and the arrow keys, removed by its button or Delete. */
import { useId, useRef } from 'preact/hooks';
import type { Draft } from '../model/draft.js';
import type { Id } from '../model/types.js';
import { words } from '../words/words.js';
import { Button } from './button.js';
import { Close } from './icons.js';
import { MediaThumb } from './media-thumb.js';

export function Attachments({ draft }: { draft: Draft }) {
  const dragged = useRef<Id>(null);
  const list = useRef<HTMLUListElement>(null);
  const help = useId();
  const t = words();
  const media = draft.media.value;
  if (media.length === 0) return null;
  const focus = (at: number) =>
    requestAnimationFrame(() => {
      const items = list.current?.querySelectorAll<HTMLElement>('li');
      items?.[Math.min(at, items.length - 1)]?.focus();
    });
  const onKeyDown = (event: KeyboardEvent, id: Id, at: number) => {
    if (event.target !== event.currentTarget) return;
    const step = { ArrowLeft: -1, ArrowUp: -1, ArrowRight: 1, ArrowDown: 1 }[event.key];
    const isRemoval = event.key === 'Delete' || event.key === 'Backspace';
    if (step === undefined && !isRemoval) return;
    event.preventDefault();
    if (isRemoval) draft.remove(id);
    else if (event.altKey) draft.move(id, at + step!);
    focus(isRemoval ? at : Math.max(0, at + step!));
  };
  return (
    <>
      <span id={help} hidden>
        {t.attachmentHelp}
      </span>
      <ul ref={list} class="attachments" aria-label={t.attachments}>
        {media.map((one, at) => (
          <li
            key={one.id}
            class="attachment"
            // biome-ignore lint/a11y/noNoninteractiveTabindex: moved and removed by keys
            tabIndex={0}
            aria-label={one.name}
            aria-describedby={help}
            draggable
            onKeyDown={(event) => onKeyDown(event, one.id, at)}
            onDragStart={(event) => {
              dragged.current = one.id;
              event.dataTransfer?.setData('text/plain', one.name);
            }}
            onDragEnd={() => {
              dragged.current = null;
            }}
            onDragEnter={() => dragged.current && draft.move(dragged.current, at)}
            onDragOver={(event) => dragged.current && event.preventDefault()}
          >
            <MediaThumb media={one} />
            <Button
              name={t.removeFile(one.name)}
              icon={Close}
              look="attachment-remove"
              onClick={() => draft.remove(one.id)}
            />
          </li>
        ))}
      </ul>
    </>
  );
}
