// One streamed chat, over a connection of its own (llama-server closes idle ones without a word): when it was asked, and when
// each piece of the answer came.
import { Agent, request } from 'node:http';

const agent = new Agent({ maxSockets: Number.POSITIVE_INFINITY });

/**
 * @param base "http://127.0.0.1:8080/v1"
 * @param options.answer { times: [] }, which fills as it comes: times in ms of each piece of text; sentAt, status, text, usage,
 *   endedAt, and `own`, which is what our server adds
 */
export async function chatStream(base, { body, headers = {}, answer = { times: [] } }) {
  const payload = JSON.stringify({
    ...body,
    stream: true,
    stream_options: { include_usage: true },
  });
  answer.sentAt = performance.now();
  const response = await send(`${base}/chat/completions`, payload, headers);
  answer.status = response.statusCode;
  answer.text = answer.status === 200 ? '' : await whole(response);
  if (answer.status !== 200) return answer;
  for await (const data of events(response)) if (data !== '[DONE]') take(JSON.parse(data), answer);
  answer.endedAt = performance.now();
  return answer;
}

function take(chunk, answer) {
  if (chunk.error) throw new Error(`the stream ended with ${JSON.stringify(chunk.error)}`);
  answer.usage = chunk.usage ?? answer.usage;
  answer.own = chunk.llava_onevision ?? answer.own;
  const piece = chunk.choices?.[0]?.delta?.content;
  if (!piece) return;
  answer.times.push(performance.now());
  answer.text += piece;
}

function send(url, payload, headers) {
  return new Promise((resolve, reject) => {
    const length = { 'content-length': Buffer.byteLength(payload) };
    const options = {
      method: 'POST',
      agent,
      headers: { 'content-type': 'application/json', ...length, ...headers },
    };
    request(url, options, resolve).on('error', reject).end(payload);
  });
}

async function whole(response) {
  const pieces = [];
  for await (const piece of response) pieces.push(piece);
  return Buffer.concat(pieces).toString();
}

/** What stands behind `data:` in each event. */
async function* events(response) {
  let rest = '';
  for await (const chunk of response.setEncoding('utf8')) {
    const lines = (rest + chunk).split('\n');
    rest = lines.pop();
    for (const line of lines) if (line.startsWith('data: ')) yield line.slice(6).trim();
  }
}

export function closeConnections() {
  agent.destroy();
}
