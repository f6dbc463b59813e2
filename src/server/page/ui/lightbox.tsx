/** A question's pictures and clips in full size, one at a time; arrow keys go from one to the next. */
import { useState } from 'preact/hooks';
import type { Media } from '../model/types.js';
import { words } from '../words/words.js';
import { Button } from './button.js';
import { Dialog } from './dialog.js';
import { Left, Right } from './icons.js';
import { useMediaUrl } from './media-thumb.js';

interface Props {
  media: readonly Media[];
  first: number;
  onClose: () => void;
}

export function Lightbox({ media, first, onClose }: Props) {
  const [at, setAt] = useState(first);
  const t = words();
  const one = media[at]!;
  const go = (step: number) => setAt((at + step + media.length) % media.length);
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.target instanceof HTMLVideoElement) return;
    if (event.key === 'ArrowLeft') go(-1);
    if (event.key === 'ArrowRight') go(1);
  };
  return (
    <Dialog title={one.name} onClose={onClose} look="is-lightbox">
      {/* biome-ignore lint/a11y/noStaticElementInteractions: keys of the buttons within */}
      <div class="lightbox" onKeyDown={onKeyDown}>
        <Full key={one.id} media={one} />
        {media.length > 1 && (
          <div class="dialog-row">
            <Button name={t.previous} icon={Left} onClick={() => go(-1)} />
            <span aria-live="polite">{t.pictureOf(at + 1, media.length)}</span>
            <Button name={t.next} icon={Right} onClick={() => go(1)} />
          </div>
        )}
      </div>
    </Dialog>
  );
}

function Full({ media }: { media: Media }) {
  const url = useMediaUrl(media.id, true);
  if (url === null) return <p>{words().noPicture}</p>;
  if (!url) return <div class="lightbox-wait" />;
  if (media.kind === 'image') return <img src={url} alt={media.name} />;
  // biome-ignore lint/a11y/useMediaCaption: the reader's own clip
  return <video src={url} controls playsInline aria-label={media.name} />;
}
