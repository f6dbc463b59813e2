// A server under load: ours and, told where it is, llama-server, in turns in one run on the same decoder file. Texts alone by
// many clients; texts with photos among them; one picture asked about by all. Times depend on the machine: read the ratios.
//
//   npm run bench:serve -- [--model FILE --mmproj FILE] [--llama-server FILE [--llama-flags='--no-repack']]
//                          [--clients 16] [--requests 48]
//                          [--tokens 32] [--end-ids 151645,151643] [--threads N] [--only text,mixed,same] [--url BASE]... [--json]
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { closeConnections } from './serve/chat-stream.mjs';
import { load, summary } from './serve/load.mjs';
import { photo, pictureRequest, textRequest } from './serve/requests.mjs';
import { startLlama, startOurs } from './serve/servers.mjs';

const ROOT = join(import.meta.dirname, '..');
const { values: options } = parseArgs({
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
const note = (text) => process.stderr.write(`${text}\n`);
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

/** How long ours takes for a tile, by its own timings of a first photo; NaN for others. */
async function tileMs(server) {
  const requests = [pictureRequest(await photo(7), { maxTokens: 2, endIds })];
  const { answers } = await load(server.base, { requests, clients: 1 });
  const { timings, media } = answers[0].own ?? {};
  const grid = media?.[0]?.grid;
  const tiles = grid ? grid.cols * grid.rows + 1 : Number.NaN;
  return (timings?.encode_ms ?? Number.NaN) / tiles;
}

async function measure(server, name, round) {
  note(`${server.name}: ${name}`);
  const result = await load(server.base, { requests: await LOADS[name](round), clients });
  const kinds = name === 'mixed' ? ['text', 'picture'] : [undefined];
  const cached = result.answers.filter(({ own }) => own?.media?.[0]?.cached).length;
  const rows = kinds.map((kind) => ({
    server: server.name,
    load: name,
    kind,
    ...summary(result, kind),
  }));
  return name === 'same' && server.name === 'ours' ? [{ ...rows[0], cached }] : rows;
}

const ms = (values) => values.map((value) => value.toFixed(0).padStart(6)).join(' ');

function table(rows, tile) {
  const head = `${'server'.padEnd(14)}${'load'.padEnd(16)}${'req/s'.padStart(7)}${'tok/s'.padStart(8)}`;
  const lines = rows.map((row) =>
    [
      row.server.padEnd(14) + `${row.load}${row.kind ? `, ${row.kind}` : ''}`.padEnd(16),
      row.perSecond.toFixed(2).padStart(7) + row.tokensPerSecond.toFixed(1).padStart(8),
      ` ${ms(row.ttft)}  ${ms(row.between)} ${row.longest.toFixed(0).padStart(6)}`,
      row.cached === undefined ? '' : ` ${row.cached} of ${row.requests} from the cache`,
    ].join(''),
  );
  const columns = '   first token, ms p50 p95 p99; between tokens, ms p50 p95 p99 max';
  const tiles = Number.isFinite(tile) ? `one tile: ${tile.toFixed(0)} ms (ours)\n` : '';
  return `${head}${columns}\n${lines.join('\n')}\n${tiles}`;
}

try {
  await startServers();
  // A photo first, so that all are warm; texts alone need none.
  let tile = Number.NaN;
  if (options.only !== 'text')
    for (const server of running.toReversed()) tile = await tileMs(server);
  const rows = [];
  for (const [round, name] of options.only.split(',').entries())
    for (const server of running) rows.push(...(await measure(server, name, round + 1)));
  process.stdout.write(
    options.json ? `${JSON.stringify({ tileMs: tile, rows })}\n` : table(rows, tile),
  );
} finally {
  for (const { stop } of running) await stop();
  closeConnections();
}
