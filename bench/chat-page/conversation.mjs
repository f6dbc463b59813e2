// A long conversation as the chat page exports it: questions with pictures of their own, answers in Markdown.
import sharp from 'sharp';

const SIDE = 640;
const SETTINGS = {
  ...{ model: '', system: '', schema: '', stop: [], seed: null, temperature: 0, maxTokens: 1024 },
  ...{ topP: null, topK: null, repetitionPenalty: null, frames: 16 },
};

/** Different for each, and of the size of a photo. */
async function picture(index) {
  const pixels = Buffer.alloc(SIDE * SIDE * 3);
  for (let i = 0; i < pixels.length; i++) pixels[i] = (i * (index + 3) + (i >> 9) * 7) & 255;
  const raw = { width: SIDE, height: SIDE, channels: 3 };
  return sharp(pixels, { raw }).blur(2).jpeg({ quality: 85 }).toBuffer();
}

export function answerText(index) {
  return [
    `## Answer ${index}`,
    'The picture shows **several things** beside each other, of which the first is the largest. '.repeat(
      3,
    ),
    '- one of them, with `code` in it\n- another\n- a third, [with a link](https://example.org)',
    '```js\nconst seen = pictures.filter(({ rows }) => rows > 100);\nconsole.log(seen.length);\n```',
    '| what | how many |\n|---|---|\n| circles | 3 |\n| squares | 4 |',
    'And then it goes on for a while, as answers do. '.repeat(8),
  ].join('\n\n');
}

/** The text of a file to import. @param turns a question and an answer are two */
export async function longConversation({ turns, pictures }) {
  const media = {};
  const list = [];
  for (let i = 0; i < turns; i++) {
    const isQuestion = i % 2 === 0;
    const turn = {
      id: `t${i}`,
      parent: i === 0 ? null : `t${i - 1}`,
      created: 1e12 + i,
      media: [],
    };
    if (isQuestion && i / 2 < pictures) {
      const bytes = await picture(i / 2);
      const id = `m${i}`;
      media[id] = bytes.toString('base64');
      const facts = { kind: 'image', name: `photo-${i / 2}.jpg`, type: 'image/jpeg' };
      turn.media.push({ id, ...facts, bytes: bytes.length });
    }
    const said = isQuestion
      ? { role: 'user', text: `What is in picture ${i / 2 + 1}?` }
      : { role: 'assistant', text: answerText(i), state: 'done', model: 'bench' };
    list.push({ ...turn, ...said });
  }
  const conversation = {
    ...{ id: 'c', title: 'A long one', created: 1e12, changed: 1e12, leaf: `t${turns - 1}` },
    ...{ settings: SETTINGS, turns: list },
  };
  const file = {
    format: 'llava-onevision-conversations',
    version: 1,
    conversations: [conversation],
    media,
  };
  return JSON.stringify(file);
}
