// The files beside the weights: a tokenizer of the published size and pattern, and the configs of a layout.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';

export const TOWER = { width: 1152, ffn: 4304, layers: 26, heads: 16, image: 384, patch: 14 };
const BASE_VOCABULARY = 151643;
const SPECIAL = ['<|endoftext|>', '<|im_start|>', '<|im_end|>', '<image>'];
/** Ids that would end an answer. */
export const SPECIAL_IDS = SPECIAL.map((_, i) => BASE_VOCABULARY + i);
// spec: the published tokenizer's pattern, by which converters recognise it
const QWEN2_SPLIT =
  "(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+";

/** GPT-2's byte to character table: printable bytes stand for themselves. */
function byteCharacters() {
  const printable = (b) =>
    (b >= 33 && b <= 126) || (b >= 161 && b <= 172) || (b >= 174 && b <= 255);
  let next = 256;
  return Array.from({ length: 256 }, (_, b) => String.fromCharCode(printable(b) ? b : next++));
}

/** As many entries as the published vocabulary has: bytes, then pairs, then triples. */
export function writeTokenizer(dir) {
  const bytes = byteCharacters();
  const vocab = Object.fromEntries(bytes.map((c, i) => [c, i]));
  const merges = [];
  const add = (left, right) => {
    if (256 + merges.length >= BASE_VOCABULARY) return;
    vocab[left + right] = 256 + merges.length;
    merges.push(`${left} ${right}`);
  };
  for (const a of bytes) for (const b of bytes) add(a, b);
  outer: for (const a of bytes) {
    for (const b of bytes) {
      for (const c of bytes) add(a + b, c);
      if (256 + merges.length >= BASE_VOCABULARY) break outer;
    }
  }
  const added_tokens = SPECIAL.map((content, i) => ({
    id: SPECIAL_IDS[i],
    content,
    special: true,
  }));
  writeFileSync(
    join(dir, 'tokenizer.json'),
    JSON.stringify({
      version: '1.0',
      added_tokens,
      pre_tokenizer: {
        type: 'Sequence',
        pretokenizers: [
          {
            type: 'Split',
            pattern: { Regex: QWEN2_SPLIT },
            behavior: 'Isolated',
            invert: false,
          },
          { type: 'ByteLevel', add_prefix_space: false, trim_offsets: false, use_regex: false },
        ],
      },
      decoder: {
        type: 'ByteLevel',
        add_prefix_space: false,
        trim_offsets: false,
        use_regex: false,
      },
      model: { type: 'BPE', vocab, merges },
    }),
  );
}

const [BOS, , EOS] = SPECIAL_IDS;

function textConfig(size) {
  return {
    hidden_size: size.hidden,
    intermediate_size: size.ffn,
    num_hidden_layers: size.layers,
    num_attention_heads: size.heads,
    num_key_value_heads: size.kvHeads,
    hidden_act: 'silu',
    rms_norm_eps: 1e-6,
    max_position_embeddings: 32768,
    rope_theta: 1000000,
    vocab_size: size.rows,
    tie_word_embeddings: size.tied,
    bos_token_id: BOS,
    eos_token_id: EOS,
  };
}

const pinpoints = [1, 2, 3, 4, 5, 6].flatMap((a) =>
  [1, 2, 3, 4, 5, 6].map((b) => [TOWER.image * a, TOWER.image * b]),
);

function lmmsConfig(size) {
  return {
    architectures: ['LlavaQwenForCausalLM'],
    model_type: 'llava',
    ...textConfig(size),
    image_aspect_ratio: 'anyres_max_9',
    image_grid_pinpoints: pinpoints,
    mm_hidden_size: TOWER.width,
    mm_patch_merge_type: 'spatial_unpad',
    mm_newline_position: 'one_token',
    mm_spatial_pool_mode: 'bilinear',
    mm_projector_type: 'mlp2x_gelu',
    mm_vision_tower: 'google/siglip-so400m-patch14-384',
  };
}

function transformersConfig(size) {
  return {
    architectures: ['LlavaOnevisionForConditionalGeneration'],
    model_type: 'llava_onevision',
    image_grid_pinpoints: pinpoints,
    tie_word_embeddings: size.tied,
    vision_aspect_ratio: 'anyres_max_9',
    vision_feature_layer: -1,
    vision_feature_select_strategy: 'full',
    text_config: { model_type: 'qwen2', ...textConfig(size) },
    vision_config: {
      model_type: 'siglip_vision_model',
      hidden_size: TOWER.width,
      intermediate_size: TOWER.ffn,
      num_hidden_layers: TOWER.layers,
      num_attention_heads: TOWER.heads,
      image_size: TOWER.image,
      patch_size: TOWER.patch,
      vision_use_head: false,
    },
  };
}

const qwen2Config = (size) => ({
  architectures: ['Qwen2ForCausalLM'],
  model_type: 'qwen2',
  ...textConfig(size),
});

const configs = {
  'lmms-lab': lmmsConfig,
  'llava-hf': transformersConfig,
  'in-memory': transformersConfig,
  qwen2: qwen2Config,
};

/** @param dtype as config.json names it */
export function writeConfigs(dir, { size, layout, dtype }) {
  const write = (name, value) => writeFileSync(join(dir, name), JSON.stringify(value, null, 2));
  write('config.json', { ...configs[layout](size), torch_dtype: dtype });
  write('generation_config.json', { eos_token_id: [EOS, BOS], pad_token_id: BOS });
  write('tokenizer_config.json', { tokenizer_class: 'Qwen2Tokenizer', eos_token: '<|im_end|>' });
  if (layout === 'qwen2') return;
  write('preprocessor_config.json', {
    image_processor_type: 'SiglipImageProcessor',
    size: { height: TOWER.image, width: TOWER.image },
    image_mean: [0.5, 0.5, 0.5],
    image_std: [0.5, 0.5, 0.5],
    resample: 3,
  });
}
