// What our server tells of its tower: how long a tile takes, and how many it has encoded. Of other servers neither is known.
import { startLoad } from './load.mjs';
import { photo, pictureRequest } from './requests.mjs';

/** Of a first photo, which also makes the server warm. @returns { ms, count } of its tiles; undefined for servers of others */
export async function tilesOfPhoto(base, { endIds }) {
  const requests = [pictureRequest(await photo(7), { maxTokens: 2, endIds })];
  const { answers, ended } = startLoad(base, { requests, clients: 1 });
  await ended;
  const { timings, media } = answers[0].own ?? {};
  const grid = media?.[0]?.grid;
  if (!grid) return undefined;
  const count = grid.cols * grid.rows + 1;
  return { count, ms: timings.encode_ms / count };
}

/** Since the server began; undefined for servers of others. */
export async function tilesEncoded(base) {
  const response = await fetch(new URL('/metrics', base));
  const [, value] =
    /^llava_onevision_tiles_encoded_total\{.*\} (\d+)$/m.exec(await response.text()) ?? [];
  return value === undefined ? undefined : Number(value);
}
