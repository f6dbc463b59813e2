// The user turn around a task's text.
import { expect, it } from 'vitest';
import { questionContent } from '../../../src/eval/question.js';
import { promptText, renderPrompt } from '../../../src/prompt/chatml.js';

const SYSTEM = '<|im_start|>system\nYou are a helpful assistant.<|im_end|>\n';
const turn = (text: string, media: Partial<Parameters<typeof questionContent>[1]>) => {
  const content = questionContent(text, { images: [], frames: [], ...media });
  return promptText(renderPrompt([{ role: 'user', content }], 'llava-next'));
};
const around = (text: string) =>
  `${SYSTEM}<|im_start|>user\n${text}<|im_end|>\n<|im_start|>assistant\n`;

it.each([
  ['text alone', 'What?', {}, 'What?'],
  ['a mark without pictures', 'In <image>?', {}, 'In <image>?'],
  ['one picture', 'What?', { images: ['a.png'] }, '<image>\nWhat?'],
  ['several', 'What?', { images: ['a.png', 'b.png', 'c.png'] }, '<image> <image> <image>\nWhat?'],
  ['a clip', 'What?', { video: 'a.mp4' }, '<image>\nWhat?'],
  ['frames', 'What?', { frames: ['1.png', '2.png'] }, '<image>\nWhat?'],
  ['a text that begins with a line feed', '\nWhat?', { video: 'a.mp4' }, '<image>\n\nWhat?'],
  ["MMMU's own mark", 'In <image 1>?', { images: ['a.png'] }, '<image>\nIn <image 1>?'],
  [
    'places in the text',
    '<image>\n<image>\nWhat?',
    { images: ['a.png', 'b.png'] },
    '<image>\n<image>\nWhat?',
  ],
])('%s', (_, text, media, expected) => {
  expect(turn(text, media)).toBe(around(expected));
});

it('looks at 32 frames of a file, and at all of a list', () => {
  expect(questionContent('?', { images: [], video: 'a.mp4', frames: [] })[0]).toMatchObject({
    frames: 32,
  });
  expect(questionContent('?', { images: [], frames: ['1.png'] })[0]).toEqual({
    type: 'video',
    video: ['1.png'],
  });
});

it('wants as many pictures as places', () => {
  const code = expect.objectContaining({ code: 'ERR_EVAL_DATA' });
  expect(() => turn('<image> and <image>?', { images: ['a.png'] })).toThrow(code);
});
