/** A turn of the reader: pictures, clips, text. It can be asked otherwise, which begins a branch. */
import { useEffect, useRef, useState } from 'preact/hooks';
import { askInstead } from '../model/asking.js';
import { Draft } from '../model/draft.js';
import type { Media, Turn } from '../model/types.js';
import { words } from '../words/words.js';
import { Button } from './button.js';
import { Composer } from './composer.js';
import { Pen } from './icons.js';
import { focusMessage } from './layout.js';
import { Lightbox } from './lightbox.js';
import { MediaThumb } from './media-thumb.js';
import { CopyButton, TurnActions } from './turn-actions.js';
import type { TurnProps } from './turn-props.js';

export function Question({ turn, at, of }: TurnProps) {
  const place = useRef<HTMLElement>(null);
  const [draft, setDraft] = useState<Draft | null>(null);
  const t = words();
  // What was added to it and not asked; also where the reader goes elsewhere.
  useEffect(() => () => draft?.discard(), [draft]);
  const send = (changed: Draft) => {
    setDraft(null);
    focusMessage();
    void askInstead(turn, changed);
  };
  const cancel = () => {
    setDraft(null);
    place.current?.focus();
  };
  return (
    <article ref={place} class="turn question" aria-label={t.you} tabIndex={-1}>
      {draft ? (
        <Composer draft={draft} onSend={send} onCancel={cancel} />
      ) : (
        <>
          <MediaRow media={turn.media} />
          <Said turn={turn} />
          <TurnActions turn={turn} at={at} of={of}>
            <CopyButton text={turn.text} />
            <Button name={t.edit} icon={Pen} onClick={() => setDraft(Draft.of(turn))} />
          </TurnActions>
        </>
      )}
    </article>
  );
}

const Said = ({ turn }: { turn: Turn }) =>
  turn.text === '' ? null : <p class="said">{turn.text}</p>;

function MediaRow({ media }: { media: readonly Media[] }) {
  const [open, setOpen] = useState<number | null>(null);
  if (media.length === 0) return null;
  return (
    <>
      <ul class="media-row" data-count={Math.min(media.length, 4)}>
        {media.map((one, index) => (
          <li key={one.id}>
            <button
              type="button"
              class="media-open"
              aria-label={words().enlarge(one.name)}
              onClick={() => setOpen(index)}
            >
              <MediaThumb media={one} />
            </button>
          </li>
        ))}
      </ul>
      {open !== null && <Lightbox media={media} first={open} onClose={() => setOpen(null)} />}
    </>
  );
}
