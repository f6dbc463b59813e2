// What the clients ask: texts of one length that share no beginning, and photos of which no two are alike.
import sharp from 'sharp';
import { SPECIAL_IDS } from '../make-shape-true.mjs';

/**
 * Answers of one length, whatever a model would say: the ids that end a turn are banned. `ignore_eos` is llama-server's word.
 * @param ids by default those of Qwen2
 */
const endless = (ids = SPECIAL_IDS) => ({
  temperature: 0,
  ignore_eos: true,
  logit_bias: Object.fromEntries(ids.map((id) => [id, -100])),
});

let last = 0;

/** @param words of the prompt, about two tokens each */
export function textRequest({ words, maxTokens, endIds }) {
  const start = 7919 * ++last;
  const content = Array.from({ length: words }, (_, i) => String((start + i * 104_729) % 1000));
  const messages = [{ role: 'user', content: content.join(' ') }];
  return {
    kind: 'text',
    body: { model: 'bench', messages, max_tokens: maxTokens, ...endless(endIds) },
  };
}

export function pictureRequest(url, { maxTokens, endIds }) {
  const content = [
    { type: 'image_url', image_url: { url } },
    { type: 'text', text: 'What is shown?' },
  ];
  const messages = [{ role: 'user', content }];
  return {
    kind: 'picture',
    body: { model: 'bench', messages, max_tokens: maxTokens, ...endless(endIds) },
  };
}

/** A JPEG of 1024 × 768 as a data: URL: soft shapes of many colours, different for each seed. */
export async function photo(seed) {
  const [width, height] = [32, 24];
  const data = Buffer.alloc(width * height * 3);
  for (let i = 0, state = seed * 2654435761 + 1; i < data.length; i++) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    data[i] = state >>> 24;
  }
  const jpeg = await sharp(data, { raw: { width, height, channels: 3 } })
    .resize(1024, 768, { kernel: 'cubic' })
    .jpeg({ quality: 85 })
    .toBuffer();
  return `data:image/jpeg;base64,${jpeg.toString('base64')}`;
}
