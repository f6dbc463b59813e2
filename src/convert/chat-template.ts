/**
 * ChatML as LLaVA-OneVision was trained on it (conversation "qwen_1_5"), for tools that render `tokenizer.chat_template`
 * themselves; src/prompt/ renders prompts without it.
 * @see LLaVA-NeXT llava/conversation.py (commit df17966)
 */
export const CHAT_TEMPLATE =
  "{% for message in messages %}{% if loop.first and message['role'] != 'system' %}" +
  "{{ '<|im_start|>system\\nYou are a helpful assistant.<|im_end|>\\n' }}{% endif %}" +
  "{{ '<|im_start|>' + message['role'] + '\\n' + message['content'] + '<|im_end|>\\n' }}{% endfor %}" +
  "{% if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}{% endif %}";
