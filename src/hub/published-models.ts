/** Short names of the eight published checkpoints, in the authors' own layout. */
export const publishedModels: Readonly<Record<string, string>> = {
  '0.5b-si': 'lmms-lab/llava-onevision-qwen2-0.5b-si',
  '0.5b-ov': 'lmms-lab/llava-onevision-qwen2-0.5b-ov',
  '7b-si': 'lmms-lab/llava-onevision-qwen2-7b-si',
  '7b-ov': 'lmms-lab/llava-onevision-qwen2-7b-ov',
  '7b-ov-chat': 'lmms-lab/llava-onevision-qwen2-7b-ov-chat',
  '72b-si': 'lmms-lab/llava-onevision-qwen2-72b-si',
  '72b-ov': 'lmms-lab/llava-onevision-qwen2-72b-ov-sft',
  '72b-ov-chat': 'lmms-lab/llava-onevision-qwen2-72b-ov-chat',
};
