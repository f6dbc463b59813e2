// Clips in chat completions, in every form that clients send them, and gone from the disk when their chat is.
import { readdirSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { abused } from '../../support/bystander.js';
import { eventually } from '../../support/eventually.js';
import { gate } from '../../support/fake-model.js';
import { dataUrl } from '../../support/refused-media.js';
import { listening, open, post, serving } from '../../support/serving.js';
import { skipUnless } from '../../support/skip-unless.js';
import { clipFolder, hasFfmpeg, makeClip } from '../drawn-clip.js';

const { file, remove } = clipFolder();
let bytes: Buffer;
beforeAll(async () => {
  if (!hasFfmpeg) return;
  await makeClip(file('clip.mp4'), '-c:v mpeg4', { frames: 12, width: 16, height: 16 });
  bytes = readFileSync(file('clip.mp4'));
});
afterAll(remove);

const asked = (part: object) => [
  { role: 'user', content: [part, { type: 'text', text: 'What happens?' }] },
];
const video = () => dataUrl(bytes, 'video/mp4');
const copies = () => readdirSync(tmpdir()).filter((name) => /^llava-onevision-\w{6}$/.test(name));

describe('Clips in a chat', skipUnless(hasFfmpeg, 'needs ffmpeg'), () => {
  it.each<[string, () => object]>([
    ['video_url', () => ({ type: 'video_url', video_url: { url: video() } })],
    ['input_video with a url', () => ({ type: 'input_video', input_video: { url: video() } })],
    [
      'input_video with data',
      () => ({ type: 'input_video', input_video: { data: bytes.toString('base64') } }),
    ],
    ['file', () => ({ type: 'file', file: { file_data: video(), filename: 'clip.mp4' } })],
  ])('%s, as many frames as are asked for', async (_, part) => {
    const { app } = await abused();
    const media_io_kwargs = { video: { num_frames: 3 } };
    const { status, json } = await post(app, { messages: asked(part()), media_io_kwargs });
    expect(status).toBe(200);
    expect(json.llava_onevision.media).toMatchObject([{ kind: 'video', cached: false }]);
    expect(json.llava_onevision.media[0].frames).toHaveLength(3);
  });

  it('what is no clip is 400 by its field', async () => {
    const { app } = await abused();
    const url = dataUrl(Buffer.from('<html></html>'), 'video/mp4');
    const messages = asked({ type: 'video_url', video_url: { url } });
    const { status, json } = await post(app, { messages, stream: true });
    expect([status, json.error.param]).toEqual([400, 'messages[0].content[0].video_url']);
  });

  it('44 a client that leaves while its clip is looked at leaves no copy', async () => {
    const before = copies();
    const { opened, open: letGo } = gate();
    let nEncoded = 0;
    const onEncode = () => (++nEncoded === 1 ? opened : undefined);
    const { app, model } = await serving({ fake: { onEncode } });
    const { port } = await listening(app);
    const messages = asked({ type: 'video_url', video_url: { url: video() } });
    const { request } = open(port, { messages });
    await eventually(() => expect(nEncoded).toBe(1));
    request.destroy();
    letGo();
    await eventually(() => expect(model.stats().running).toBe(0));
    await eventually(() => expect(copies().filter((name) => !before.includes(name))).toEqual([]));
    expect(nEncoded).toBeLessThan(12);
  });
});
