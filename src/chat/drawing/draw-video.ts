/** A clip as the model sees it: the chosen frames in their order, each squashed to a tile, by number. */
import { pictureUrl } from '../../media/drawing.js';
import { rowsPerFrame } from '../../vision/video-plan.js';
import type { PlannedVideo } from '../planned-media.js';
import { type Drawn, picture, text } from './svg.js';

const SIDE = 104;
const GAP = 8;
const LINE = 18;
const COLS = 8;

/** @throws ERR_VIDEO_DECODE, signal.reason */
export async function drawVideo(
  { video, plan }: PlannedVideo,
  signal: AbortSignal,
): Promise<Drawn> {
  const different = [...new Set(plan.frames)];
  const urls = new Map<number, string>();
  let i = 0;
  for await (const frame of video.frames(different, signal))
    urls.set(different[i++]!, await pictureUrl(frame, { width: 2 * SIDE, height: 2 * SIDE }));
  const drawn = plan.frames.map((frame, place) => {
    const x = (place % COLS) * (SIDE + GAP);
    const y = Math.floor(place / COLS) * (SIDE + LINE + GAP);
    const box = { x, y, width: SIDE, height: SIDE };
    return picture(box, urls.get(frame) ?? '') + text(x, y + SIDE + LINE - 4, `frame ${frame}`);
  });
  const { frames, pooledSide, rows, newlineMode } = plan;
  const height = Math.ceil(frames.length / COLS) * (SIDE + LINE + GAP);
  const newlines = newlineMode === 'no_token' ? '' : `, newlines: ${newlineMode}`;
  const said =
    `${frames.length} frames, each squashed to a tile and pooled to ${pooledSide}×${pooledSide} ` +
    `(${rowsPerFrame(plan)} rows each${newlines}): ${rows} rows`;
  return {
    svg: [...drawn, text(0, height + LINE, said)].join(''),
    width: COLS * (SIDE + GAP),
    height: height + LINE,
  };
}
