import { type Dialect, dialectRules } from '../dialect.js';

/** A dialect's ChatML in Jinja, of texts alone: for tools that render `tokenizer.chat_template` themselves; src/prompt/ renders
 *  prompts without it. */
export function chatTemplate(dialect: Dialect): string {
  const { afterRole, afterEnd, mediaFirst, defaultSystem } = dialectRules(dialect).template;
  const text = (value: string) => `'${value.replaceAll('\n', '\\n')}'`;
  const system = `<|im_start|>system${afterRole}${defaultSystem}<|im_end|>${afterEnd}`;
  const defaulted =
    defaultSystem === null
      ? ''
      : `{% if loop.first and message['role'] != 'system' %}{{ ${text(system)} }}{% endif %}`;
  const before = text(`${afterRole}${mediaFirst ? '\n' : ''}`);
  const after = text(`<|im_end|>${afterEnd}`);
  return (
    `{% for message in messages %}${defaulted}` +
    `{{ '<|im_start|>' + message['role'] + ${before} + message['content'] + ${after} }}{% endfor %}` +
    `{% if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}{% endif %}`
  );
}
