// The template that converted files carry, rendered here by hand, against the prompts that we make.
import { expect, it } from 'vitest';
import { chatTemplate } from '../../../src/convert/chat-template.js';
import { DIALECTS, type Dialect } from '../../../src/dialect.js';
import { promptText, renderPrompt } from '../../../src/prompt/chatml.js';
import type { Message } from '../../../src/prompt/messages.js';

/** The little of Jinja that it uses. */
function render(template: string, messages: readonly Message[]): string {
  const [, body, end] = /^\{% for message in messages %\}(.*)\{% endfor %\}(.*)$/.exec(template)!;
  const values = (text: string, message?: Message) =>
    Array.from(
      text.matchAll(/'((?:[^'\\]|\\n)*)'(?!\])|message\['(\w+)'\]/g),
      ([, literal, key]) => (key ? message![key as 'role'] : literal!.replaceAll('\\n', '\n')),
    ).join('');
  const [, defaulted = '', each] =
    /^(?:\{% if loop\.first and message\['role'\] != 'system' %\}\{\{(.*?)\}\}\{% endif %\})?\{\{(.*)\}\}$/.exec(
      body!,
    )!;
  const turns = messages.map(
    (message, i) =>
      (i === 0 && message.role !== 'system' ? values(defaulted) : '') + values(each!, message),
  );
  const [, opened] = /^\{% if add_generation_prompt %\}\{\{(.*)\}\}\{% endif %\}$/.exec(end!)!;
  return turns.join('') + values(opened!);
}

const conversations: Message[][] = [
  [{ role: 'user', content: 'What?' }],
  [
    { role: 'system', content: 'Short.' },
    { role: 'user', content: 'Why?' },
    { role: 'assistant', content: 'So.' },
    { role: 'user', content: 'It’s?' },
  ],
];

const cases = DIALECTS.flatMap((dialect) =>
  conversations.map((messages): [Dialect, Message[]] => [dialect, messages]),
);

it.each(cases)('%s: %j', (dialect, messages) => {
  const expected = promptText(renderPrompt(messages, dialect));
  expect(render(chatTemplate(dialect), messages)).toBe(expected);
});

it('is that of the original checkpoints for llava-next', () => {
  expect(chatTemplate('llava-next')).toBe(
    "{% for message in messages %}{% if loop.first and message['role'] != 'system' %}" +
      "{{ '<|im_start|>system\\nYou are a helpful assistant.<|im_end|>\\n' }}{% endif %}" +
      "{{ '<|im_start|>' + message['role'] + '\\n' + message['content'] + '<|im_end|>\\n' }}{% endfor %}" +
      "{% if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}{% endif %}",
  );
});
