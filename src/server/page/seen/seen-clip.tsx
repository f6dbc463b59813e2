/** A clip's chosen frames on its time line. One is shown large; the slider, or a mark under the pointer, says which. */
import { useEffect, useRef, useState } from 'preact/hooks';
import type { Media, SeenVideo } from '../model/types.js';
import { useMediaUrl } from '../ui/media-thumb.js';
import { words } from '../words/words.js';
import { Caption } from './caption.js';
import { Strip } from './strip.js';
import { clock } from './units.js';

export function SeenClip({ media, seen }: { media: Media; seen: SeenVideo }) {
  const url = useMediaUrl(media.id, true);
  const [at, setAt] = useState(0);
  const [canPlay, setCanPlay] = useState(true);
  const t = words();
  const facts = [t.framesOf(seen.frames.length), t.rows(seen.rows), seen.cached ? t.cached : ''];
  return (
    <figure class="seen-clip">
      {url && canPlay && (
        <Frame url={url} time={seen.frames[at] ?? 0} onError={() => setCanPlay(false)} />
      )}
      {!canPlay && <p>{t.clipUnplayable}</p>}
      {url === null && <p>{t.noPicture}</p>}
      {seen.frames.length > 0 && <TimeLine seen={seen} at={at} onChange={setAt} />}
      {url && canPlay && <Strip url={url} frames={seen.frames} at={at} onChange={setAt} />}
      <Caption media={media} facts={facts} />
    </figure>
  );
}

function Frame({ url, time, onError }: { url: string; time: number; onError: () => void }) {
  const video = useRef<HTMLVideoElement>(null);
  const [isReady, setReady] = useState(false);
  useEffect(() => {
    const element = video.current;
    // Beyond its end a browser shows nothing.
    if (element && isReady) element.currentTime = Math.min(time, element.duration - 0.001);
  }, [time, isReady]);
  return (
    <video
      ref={video}
      class="seen-frame"
      src={url}
      muted
      playsInline
      preload="auto"
      tabIndex={-1}
      aria-hidden="true"
      onLoadedMetadata={() => setReady(true)}
      onError={onError}
    />
  );
}

interface LineProps {
  seen: SeenVideo;
  at: number;
  onChange: (at: number) => void;
}

function TimeLine({ seen, at, onChange }: LineProps) {
  const t = words();
  const { frames } = seen;
  const end = Math.max(seen.seconds ?? 0, frames.at(-1) ?? 0, 0.001);
  const said = t.frameAt(at + 1, frames.length, clock(frames[at] ?? 0));
  return (
    <div class="time-line">
      <svg viewBox="0 0 1000 24" preserveAspectRatio="none" aria-hidden="true">
        <path class="time-axis" d="M0 12H1000" />
        {frames.map((time, index) => (
          <g key={time} onPointerEnter={() => onChange(index)}>
            <path class="time-catch" d={`M${(time / end) * 1000} 0V24`} />
            <path
              class={index === at ? 'time-mark is-chosen' : 'time-mark'}
              d={`M${(time / end) * 1000} 3V21`}
            />
          </g>
        ))}
      </svg>
      <input
        type="range"
        min={0}
        max={frames.length - 1}
        value={at}
        aria-label={t.frameSlider}
        aria-valuetext={said}
        onInput={(event) => onChange(event.currentTarget.valueAsNumber)}
      />
      <div class="time-words">
        <span>{said}</span>
        <span>{clock(end)}</span>
      </div>
    </div>
  );
}
