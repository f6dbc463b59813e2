// Every malformed conversation is refused with the path of the value that is wrong.
import { describe, expect, it } from 'vitest';
import { mediaParts, validateMessages } from '../../../src/prompt/messages.js';

const user = (content: unknown) => [{ role: 'user', content }];
const image = { type: 'image', image: 'a.png' };

describe('validateMessages', () => {
  it.each<[string, unknown, string]>([
    ['no array', 'hello', 'messages'],
    ['an empty array', [], 'messages'],
    ['only a system message', [{ role: 'system', content: 'x' }], 'messages'],
    ['a message that is none', [null], 'messages[0]'],
    ['an unknown role', [{ role: 'function', content: 'x' }], 'messages[0].role'],
    ['a role that is missing', [{ content: 'x' }], 'messages[0].role'],
    [
      'a system message later on',
      [...user('x'), { role: 'system', content: 'y' }],
      'messages[1].role',
    ],
    ['content that is missing', [{ role: 'user' }], 'messages[0].content'],
    ['content without parts', user([]), 'messages[0].content'],
    ['a part that is none', user(['x']), 'messages[0].content[0]'],
    [
      'an unknown part type',
      user([{ type: 'text', text: '' }, { type: 'image_url' }]),
      'messages[0].content[1].type',
    ],
    ['a video that is missing', user([{ type: 'video' }]), 'messages[0].content[0].video'],
    ['a video of no frames', user([{ type: 'video', video: [] }]), 'messages[0].content[0].video'],
    [
      'a frame that is none',
      user([{ type: 'video', video: ['a.png', 5] }]),
      'messages[0].content[0].video[1]',
    ],
    ...[0, 1.5, 4097, '32', null].map((frames): [string, unknown, string] => [
      `${JSON.stringify(frames)} frames`,
      user([{ type: 'video', video: 'a.mp4', frames }]),
      'messages[0].content[0].frames',
    ]),
    [
      'a video in an answer',
      [...user('x'), { role: 'assistant', content: [{ type: 'video', video: 'a.mp4' }] }],
      'messages[1].content[0].type',
    ],
    ['text that is none', user([{ type: 'text', text: 5 }]), 'messages[0].content[0].text'],
    ['an image that is missing', user([{ type: 'image' }]), 'messages[0].content[0].image'],
    [
      'an image that is empty',
      user([{ type: 'image', image: '' }]),
      'messages[0].content[0].image',
    ],
    [
      'pixels that do not fit',
      [
        ...user('x'),
        ...user([{ type: 'image', image: { width: 2, height: 2, data: new Uint8Array(16) } }]),
      ],
      'messages[1].content[0].image.data.length',
    ],
    [
      'a fractional width',
      user([{ type: 'image', image: { width: 1.5, height: 2, data: new Uint8Array(9) } }]),
      'messages[0].content[0].image.width',
    ],
    [
      'an image in an answer',
      [...user('x'), { role: 'assistant', content: [image] }],
      'messages[1].content[0].type',
    ],
  ])('refuses %s', (_, messages, argument) => {
    expect(() => validateMessages(messages)).toThrow(
      expect.objectContaining({ code: 'ERR_INVALID_ARGUMENT', argument }),
    );
    expect(() => validateMessages(messages)).toThrow(argument);
  });

  it('copies, so that later changes of the caller have no effect', () => {
    const messages = user([image, { type: 'text', text: 'a' }]) as never[];
    const checked = validateMessages(messages);
    expect(checked).toEqual(messages);
    messages.length = 0;
    expect(checked).toHaveLength(1);
  });

  it('takes a video as path, URL, bytes, frames and stream of frames', () => {
    async function* stream() {
      yield 'a.png';
    }
    const sources = ['a.mp4', new URL('file:///a.mp4'), new Uint8Array(9), ['a.png'], stream()];
    for (const video of sources) {
      const messages = user([{ type: 'video', video, frames: 8 }]);
      expect(validateMessages(messages)).toEqual(messages);
    }
  });

  it("copies a video's list of frames", () => {
    const frames = ['a.png', 'b.png'];
    const checked = validateMessages(user([{ type: 'video', video: frames }]));
    frames.length = 0;
    expect(checked).toEqual(user([{ type: 'video', video: ['a.png', 'b.png'] }]));
  });

  it('keeps no key it does not know', () => {
    expect(validateMessages([{ role: 'user', content: 'x', name: 'y' }])).toEqual(user('x'));
  });
});

describe('mediaParts', () => {
  it('lists media of all messages in order', () => {
    const parts = ['a', 'b', 'c'].map((name) => ({ type: 'image' as const, image: name }));
    const text = { type: 'text' as const, text: 'x' };
    expect(
      mediaParts([
        { role: 'user', content: [parts[0]!, text, parts[1]!] },
        { role: 'assistant', content: 'x' },
        { role: 'user', content: [parts[2]!] },
      ]),
    ).toEqual(parts);
  });
});
