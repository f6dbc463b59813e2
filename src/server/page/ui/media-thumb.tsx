/** A picture or the first moment of a clip, small. Its bytes are read when it comes near the window and let go when it is far. */
import { useEffect, useRef, useState } from 'preact/hooks';
import { releaseUrl, urlOf } from '../model/media.js';
import type { Id, Media } from '../model/types.js';
import { words } from '../words/words.js';
import { Play } from './icons.js';
import { useNear } from './near.js';

/** Undefined until it is read; null where it is not kept any more. */
export function useMediaUrl(id: Id, isWanted: boolean): string | null | undefined {
  const [url, setUrl] = useState<string | null>();
  useEffect(() => {
    if (!isWanted) return;
    let isHere = true;
    urlOf(id)
      .then((found) => isHere && setUrl(found ?? null))
      .catch(() => isHere && setUrl(null));
    return () => {
      isHere = false;
      setUrl(undefined);
      releaseUrl(id);
    };
  }, [id, isWanted]);
  return url;
}

export function MediaThumb({ media }: { media: Media }) {
  const place = useRef<HTMLSpanElement>(null);
  const isNear = useNear(place);
  const url = useMediaUrl(media.id, isNear);
  return (
    <span ref={place} class="thumb" data-kind={media.kind}>
      {url === null && <span class="thumb-gone">{words().noPicture}</span>}
      {url && media.kind === 'image' && (
        <img src={url} alt={media.name} decoding="async" draggable={false} />
      )}
      {url && media.kind === 'video' && (
        <>
          <video
            // Phones show no frame unless one is named.
            src={`${url}#t=0.001`}
            muted
            playsInline
            preload="metadata"
            aria-label={media.name}
            tabIndex={-1}
          />
          <span class="thumb-play">
            <Play />
          </span>
        </>
      )}
    </span>
  );
}
