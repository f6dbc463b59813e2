/** The chosen frames side by side, drawn from the clip one after another. The slider above does all that a press here does. */
import { useEffect, useRef } from 'preact/hooks';

interface Props {
  url: string;
  frames: readonly number[];
  at: number;
  onChange: (at: number) => void;
}

const HEIGHT_PX = 112;

export function Strip({ url, frames, at, onChange }: Props) {
  const list = useRef<HTMLDivElement>(null);
  useEffect(() => {
    const leaving = new AbortController();
    const canvases = [...(list.current?.querySelectorAll('canvas') ?? [])];
    draw(url, frames, canvases, leaving.signal).catch(() => {});
    return () => leaving.abort();
  }, [url, frames]);
  useEffect(() => {
    const chosen = list.current?.children[at] as HTMLElement | undefined;
    if (!chosen || !list.current) return;
    list.current.scrollLeft = chosen.offsetLeft - list.current.clientWidth / 2;
  }, [at]);
  return (
    <div ref={list} class="strip" aria-hidden="true">
      {frames.map((time, index) => (
        <canvas
          key={time}
          height={HEIGHT_PX}
          width={HEIGHT_PX}
          class={index === at ? 'is-chosen' : undefined}
          onClick={() => onChange(index)}
        />
      ))}
    </div>
  );
}

/** @throws where the browser cannot play the clip, or when the signal aborts */
async function draw(
  url: string,
  frames: readonly number[],
  canvases: readonly HTMLCanvasElement[],
  signal: AbortSignal,
): Promise<void> {
  const video = document.createElement('video');
  video.muted = true;
  video.preload = 'auto';
  const loaded = next(video, 'loadeddata', signal);
  video.src = url;
  try {
    await loaded;
    for (const [index, time] of frames.entries()) {
      const seeked = next(video, 'seeked', signal);
      video.currentTime = Math.min(time, video.duration - 0.001);
      await seeked;
      copyFrame(video, canvases[index]);
    }
  } finally {
    video.removeAttribute('src');
    video.load();
  }
}

function copyFrame(video: HTMLVideoElement, canvas: HTMLCanvasElement | undefined): void {
  if (!canvas) return;
  canvas.width = Math.round((video.videoWidth / video.videoHeight) * HEIGHT_PX);
  canvas.getContext('2d')?.drawImage(video, 0, 0, canvas.width, HEIGHT_PX);
}

function next(video: HTMLVideoElement, event: string, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const once = { once: true, signal };
    video.addEventListener(event, () => resolve(), once);
    video.addEventListener('error', () => reject(video.error), once);
    signal.addEventListener('abort', () => reject(signal.reason), { once: true });
  });
}
