// Load options reach pictures and the frames of clips; what a model cannot take is said in words that help.

import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import sharp from 'sharp';
import { expect, it } from 'vitest';
import type { Message, Part } from '../../../src/index.js';
import { fakeFiles, fakeModel } from '../../support/fake-model.js';

const ask = (part: Part): Message[] => [{ role: 'user', content: [part] }];

it('autoOrient is that of pictures and of frames given as pictures', async () => {
  const turned = await sharp({ create: { width: 40, height: 20, channels: 3, background: 'red' } })
    .withMetadata({ orientation: 6 })
    .png()
    .toBuffer();
  for (const [autoOrient, size] of [
    [true, [20, 40]],
    [false, [40, 20]],
  ] as const) {
    const { model, binding } = await fakeModel({}, { autoOrient });
    const sizes: number[][] = [];
    const { resizeBicubic } = binding;
    binding.resizeBicubic = (...args) => {
      sizes.push([args[1], args[2]]);
      return resizeBicubic(...args);
    };
    await model.embed(ask({ type: 'image', image: turned }));
    await model.embed(ask({ type: 'video', video: [turned] }));
    expect(sizes.length).toBeGreaterThan(1);
    for (const one of sizes) expect(one).toEqual(size);
    await model.dispose();
  }
});

it('mediaTimeoutMs ends the wait for a silent server', async () => {
  const server = createServer(() => {});
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
  const image = `http://127.0.0.1:${(server.address() as AddressInfo).port}/a.png`;
  const { model } = await fakeModel({}, { mediaTimeoutMs: 50 });
  const silent = { code: 'ERR_IMAGE_DECODE', message: expect.stringContaining('0.05 s') };
  await expect(model.chat(ask({ type: 'image', image })).result).rejects.toMatchObject(silent);
  await using session = model.session();
  await expect(session.chat([{ type: 'image', image }]).result).rejects.toMatchObject(silent);
  server.closeAllConnections();
  server.close();
  await model.dispose();
});

it('a model that cannot pool frames says so', async () => {
  const vision = { ...fakeFiles().vision, poolMode: 'average' as const };
  const { model } = await fakeModel({}, { files: { vision } });
  const video = [{ width: 1, height: 1, data: new Uint8Array(3) }];
  await expect(model.chat(ask({ type: 'video', video })).result).rejects.toMatchObject({
    code: 'ERR_INVALID_ARGUMENT',
    message: expect.stringMatching(
      /^Expected messages without video, because mmproj\.gguf pools frames by 'average'.*pass frames as pictures/,
    ),
  });
  await model.dispose();
});
