/** What the model will see of a conversation's pictures and clips, as one drawing for people. Decodes, encodes nothing. */
import type { Conversation } from '../conversation.js';
import type { Engine } from '../engine.js';
import { drawImage } from './draw-image.js';
import { drawVideo } from './draw-video.js';
import { type Drawn, page, text } from './svg.js';

const MARGIN = 20;
const LINE = 18;
const WIDTH = 560;

/** @returns SVG @throws ERR_IMAGE_DECODE, ERR_VIDEO_DECODE, signal.reason */
export async function drawConversation(
  { media, rows }: Conversation,
  { tower }: Engine,
  signal: AbortSignal,
): Promise<string> {
  const visual = media.reduce((sum, { plan }) => sum + plan.rows, 0);
  const said = `${rows} positions of the prompt, ${visual} of them visual`;
  const parts: Drawn[] = [];
  for (const planned of media) {
    signal.throwIfAborted();
    parts.push(
      planned.kind === 'image'
        ? await drawImage(planned, tower!.config)
        : await drawVideo(planned, signal),
    );
  }
  return page([...parts, { svg: text(0, LINE, said), width: WIDTH, height: LINE }], MARGIN);
}
