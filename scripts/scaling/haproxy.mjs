/** Two replicas behind examples/haproxy/haproxy.cfg: a picture keeps its replica, and a replica that dies takes its own streams alone. */
import assert from 'node:assert/strict';
import path from 'node:path';
import sharp from 'sharp';
import { answers, freePort, ROOT, start, startReplica } from './programs.mjs';

const PICTURES = 8;
/** Without these ids no answer of the demo model ends by itself. */
const ENDLESS = { logit_bias: { 1256: -100, 1258: -100 }, max_tokens: 1500, stream: true };

export async function haproxyTrial(files, haproxy) {
  const replicas = [await startReplica(files), await startReplica(files)];
  const listen = `127.0.0.1:${await freePort()}`;
  const [REPLICA_A, REPLICA_B] = replicas.map(({ address }) => address);
  const config = path.join(ROOT, 'examples/haproxy/haproxy.cfg');
  const env = { LISTEN: listen, REPLICA_A, REPLICA_B };
  const proxy = start(haproxy, ['-db', '-f', config], env);
  await answers(`http://${listen}/ready`, proxy);
  const base = `http://${listen}/v1/chat/completions`;
  await samePlace(base);
  await oneDies(base, replicas);
}

async function samePlace(base) {
  const places = new Map();
  for (let i = 0; i < PICTURES; i++) {
    const url = await picture(i);
    const asked = ['What is shown?', 'Which colour?', 'How many?'].map((text, place) =>
      ask(base, { messages: pictured(url, text, place), max_tokens: 2 }),
    );
    const found = await Promise.all(asked.map(async (reply) => (await reply).replica));
    assert.equal(new Set(found).size, 1, `a picture went to ${found}`);
    places.set(i, found[0]);
  }
  assert.deepEqual([...new Set(places.values())].sort(), ['a', 'b'], 'one replica has it all');
}

async function oneDies(base, replicas) {
  const streams = await Promise.all(
    Array.from({ length: 6 }, (_, i) =>
      ask(base, { messages: [{ role: 'user', content: `Story ${i}` }], ...ENDLESS }),
    ),
  );
  const onA = streams.filter(({ replica }) => replica === 'a');
  assert.ok(onA.length > 0 && onA.length < streams.length, 'the texts went to one replica');
  const ends = streams.map(async ({ response, replica }) => ({
    replica,
    isWhole: await response.text().then(
      (text) => text.endsWith('data: [DONE]\n\n'),
      () => false,
    ),
  }));
  replicas[0].child.kill('SIGKILL');
  for (const { replica, isWhole } of await Promise.all(ends))
    assert.equal(isWhole, replica === 'b', `a stream of replica ${replica}`);
  for (let i = 0; i < PICTURES; i++) {
    const { status, replica } = await ask(base, {
      messages: pictured(await picture(i), 'What is shown?', 0),
      max_tokens: 2,
    });
    assert.deepEqual({ status, replica }, { status: 200, replica: 'b' });
  }
}

async function ask(base, body) {
  const response = await fetch(base, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ model: 'demo', temperature: 0, ...body }),
  });
  const replica = response.headers.get('x-replica');
  const text = body.stream ? '' : await response.text();
  assert.equal(response.status, 200, text);
  return { response, replica, status: response.status };
}

/** The picture first, behind the text, behind a system message. */
function pictured(url, text, place) {
  const parts = [
    { type: 'image_url', image_url: { url } },
    { type: 'text', text },
  ];
  const user = { role: 'user', content: place === 1 ? parts.reverse() : parts };
  return place === 2 ? [{ role: 'system', content: 'Be brief.' }, user] : [user];
}

/** A photo's size, so that it is larger than a proxy's usual buffer. */
async function picture(seed) {
  const data = Buffer.alloc(64 * 48 * 3).map((_, i) => (i * (seed + 3) * 7919) >> 4);
  const jpeg = await sharp(data, { raw: { width: 64, height: 48, channels: 3 } })
    .resize(640, 480, { kernel: 'nearest' })
    .jpeg({ quality: 90 })
    .toBuffer();
  return `data:image/jpeg;base64,${jpeg.toString('base64')}`;
}
