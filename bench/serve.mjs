// A server under load: ours and, told where it is, llama-server, in turns in one run on the same decoder file. Texts alone by
// many clients; texts with photos among them; one picture asked about by all. Each line comes when it is known; Ctrl-C or SIGTERM
// tell what the load under way has seen. Times depend on the machine: read the ratios.
//
//   npm run bench:serve -- [--model FILE --mmproj FILE] [--llama-server FILE [--llama-flags='--no-repack']]
//                          [--clients 16] [--requests 48] [--tokens 32] [--end-ids 151645,151643] [--threads N]
//                          [--only text,mixed,same] [--url BASE]... [--json]
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { scriptArgs } from '../scripts/script-args.mjs';
import { closeConnections } from './serve/chat-stream.mjs';
import { startLoad, summary } from './serve/load.mjs';
import { HEAD, line, teller } from './serve/report.mjs';
import { photo, pictureRequest, textRequest } from './serve/requests.mjs';
import { startLlama, startOurs } from './serve/servers.mjs';
import { tilesEncoded, tilesOfPhoto } from './serve/tiles.mjs';

const ROOT = join(import.meta.dirname, '..');
const { values: options } = scriptArgs(import.meta.filename, {
  options: {
    model: { type: 'string', default: join(ROOT, 'models/bench/shape-true-q8_0.gguf') },
    mmproj: { type: 'string', default: join(ROOT, 'models/bench/mmproj-shape-true-q8_0.gguf') },
    'llama-server': { type: 'string' },
    'llama-flags': { type: 'string', default: '' },
    clients: { type: 'string', default: '16' },
    requests: { type: 'string', default: '48' },
    tokens: { type: 'string', default: '32' },
    'end-ids': { type: 'string' },
    threads: { type: 'string' },
    only: { type: 'string', default: 'text,mixed,same' },
    url: { type: 'string', multiple: true, default: [] },
    json: { type: 'boolean', default: false },
  },
});
const clients = Number(options.clients);
const count = Number(options.requests);
const maxTokens = Number(options.tokens);
const endIds = options['end-ids']?.split(',').map(Number);
const WORDS = 64;
/** Positions that a photo and its question may take. */
const ROOM = 8192;
/** One in so many requests carries a photo. */
const PHOTO_EVERY = 4;

/** Each with its own requests, none of which was asked before. */
const LOADS = {
  text: async () =>
    Array.from({ length: count }, () => textRequest({ words: WORDS, maxTokens, endIds })),
  mixed: async (round) =>
    Promise.all(
      Array.from({ length: count }, async (_, i) =>
        i % PHOTO_EVERY === 1
          ? pictureRequest(await photo(round * 1000 + i), { maxTokens, endIds })
          : textRequest({ words: WORDS, maxTokens, endIds }),
      ),
    ),
  same: async (round) => {
    const url = await photo(round * 1000 + 999);
    return Array.from({ length: clients }, () => pictureRequest(url, { maxTokens: 4, endIds }));
  },
};

const running = options.url.map((base) => ({ name: base, base, stop: async () => {} }));

async function startServers() {
  if (running.length > 0) return;
  if (!existsSync(options.model))
    throw new Error(
      `${options.model} is not there: \`npm run bench\` makes it, or give --model and --mmproj`,
    );
  const threads = options.threads ? ['--threads', options.threads] : [];
  const files = { model: options.model, mmproj: options.mmproj };
  const size = String(clients * ROOM);
  const flags = options['llama-flags'].split(' ').filter(Boolean);
  running.push(
    await startOurs(files, [
      '--alias',
      'bench',
      '--slots',
      clients,
      '--context-size',
      size,
      '--log-level',
      'silent',
      ...threads,
    ]),
  );
  if (options['llama-server'])
    running.push(
      await startLlama(options['llama-server'], files, [
        '-np',
        clients,
        '-c',
        size,
        ...threads,
        ...flags,
      ]),
    );
}

let tile;
/** What the load under way has seen so far. */
let soFar = () => [];

async function measure(server, name, round) {
  const requests = await LOADS[name](round);
  const before = await tilesEncoded(server.base);
  const onAnswer = teller(`${server.name}, ${name}`, requests.length);
  const { answers, ended } = startLoad(server.base, { requests, clients, onAnswer });
  const rows = () => {
    const kinds = name === 'mixed' ? ['text', 'picture'] : [undefined];
    return kinds.map((kind) => ({ ...facts(server, name, kind), ...summary(answers, kind) }));
  };
  soFar = rows;
  await ended;
  soFar = () => [];
  const encoded = await tilesEncoded(server.base);
  for (const row of rows())
    write(
      name === 'same' && encoded !== undefined ? { ...row, tilesEncoded: encoded - before } : row,
    );
}

const facts = (server, name, kind) => ({ server: server.name, load: name, ...(kind && { kind }) });

function write(row) {
  const whole = { ...row, ...(tile && { tileMs: tile.ms, tiles: tile.count }) };
  if (tile && row.kind === 'text') whole.inTiles = row.between[1] / tile.ms;
  process.stdout.write(`${options.json ? JSON.stringify(whole) : line(whole)}\n`);
}

async function stopAll() {
  await Promise.all(running.map(({ stop }) => stop()));
  closeConnections();
}

for (const signal of ['SIGINT', 'SIGTERM'])
  process.once(signal, async () => {
    for (const row of soFar()) write(row);
    await stopAll();
    process.exit(1);
  });

try {
  await startServers();
  // Texts alone need none, and of others none is asked: they may take minutes for a photo.
  if (options.only !== 'text') tile = await tilesOfPhoto(running[0].base, { endIds });
  if (tile)
    process.stderr.write(`one tile takes ${tile.ms.toFixed(0)} ms, a photo has ${tile.count}\n`);
  if (!options.json) process.stdout.write(`${HEAD}\n`);
  for (const [round, name] of options.only.split(',').entries())
    for (const server of running) await measure(server, name, round + 1);
} finally {
  await stopAll();
}
