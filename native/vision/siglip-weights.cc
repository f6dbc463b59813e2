#include "vision/siglip-weights.h"

#include <ggml-cpu.h>

#include <string>

#include "vision/weight-loader.h"

namespace llavaov {
namespace {

constexpr int64_t RoundUp(int64_t value, int64_t multiple) {
  return (value + multiple - 1) / multiple * multiple;
}

bool IsFloat(ggml_type type) {
  return type == GGML_TYPE_F32 || type == GGML_TYPE_F16 || type == GGML_TYPE_BF16;
}

WeightLoader::Part Rows(const std::string& name, int64_t rows, int64_t padded_rows) {
  return {name, 1, rows, padded_rows};
}

class Declaration {
 public:
  Declaration(const SiglipShape& shape, const SiglipWidths& widths, WeightLoader* loader)
      : shape_(shape), widths_(widths), loader_(loader) {}

  SiglipLinear Linear(const std::string& name, int64_t in, int64_t out) {
    return {loader_->Matrix({Rows(name + ".weight", out, out)}, in, in),
            loader_->Vector({Rows(name + ".bias", out, out)})};
  }

  SiglipLinear Norm(const std::string& name) {
    const int64_t n = shape_.n_embd;
    return {loader_->Vector({Rows(name + ".weight", n, n)}),
            loader_->Vector({Rows(name + ".bias", n, n)})};
  }

  SiglipBlock Block(const std::string& block, const std::string& up, const std::string& down) {
    const int64_t n = shape_.n_embd, ffn = shape_.n_ffn, padded_ffn = widths_.ffn;
    SiglipBlock b;
    b.norm1 = Norm(block + "ln1");
    b.qkv = {loader_->Matrix(Heads(block, ".weight"), n, n),
             loader_->Vector(Heads(block, ".bias"))};
    b.out = Linear(block + "attn_out", n, n);
    b.norm2 = Norm(block + "ln2");
    b.up = {loader_->Matrix({Rows(up + ".weight", ffn, padded_ffn)}, n, n),
            loader_->Vector({Rows(up + ".bias", ffn, padded_ffn)})};
    b.down = {loader_->Matrix({Rows(down + ".weight", n, n)}, ffn, padded_ffn),
              loader_->Vector({Rows(down + ".bias", n, n)})};
    return b;
  }

 private:
  // Only rows grow here: attn_out would need columns inside quantised blocks, so the graph drops
  // the padding of v before it instead.
  std::vector<WeightLoader::Part> Heads(const std::string& block, const char* kind) const {
    const int64_t heads = shape_.n_head, dim = shape_.head_dim();
    return {{block + "attn_q" + kind, heads, dim, widths_.head_qk},
            {block + "attn_k" + kind, heads, dim, widths_.head_qk},
            {block + "attn_v" + kind, heads, dim, widths_.head_v}};
  }

  const SiglipShape& shape_;
  const SiglipWidths& widths_;
  WeightLoader* loader_;
};

std::string BlockName(int64_t i) { return "v.blk." + std::to_string(i) + "."; }

// Old converters exchanged the names of the two; clip.cpp tells by the same shape.
bool HasSwappedFfn(const GgufTensors& file, const std::string& block, int64_t n_embd) {
  const auto down = file.Find(block + "ffn_down.weight");
  return down && down->shape[0] == n_embd;
}

SiglipWidths ChooseWidths(const SiglipShape& shape, const GgufTensors& file, bool is_cpu) {
  SiglipWidths widths;
  widths.patch_values = RoundUp(shape.patch_values(), 16);
  if (is_cpu) {
    // ggml's tiled CPU attention wants whole vectors of v only. Eight floats is AVX2's and a
    // multiple of NEON's.
    const bool has_wide = ggml_cpu_has_avx512() || ggml_cpu_has_sve();
    widths.head_qk = shape.head_dim();
    widths.head_v = RoundUp(shape.head_dim(), has_wide ? 16 : 8);
  } else {
    // CUDA's tensor-core attention takes 80 but not 72.
    widths.head_qk = widths.head_v = RoundUp(shape.head_dim(), 16);
  }
  // 32 is what bf16 kernels step by; quantised matrices come padded from the converter.
  widths.ffn = shape.n_ffn;
  for (int64_t i = 0; i < shape.n_layer; ++i) {
    const bool is_swapped = HasSwappedFfn(file, BlockName(i), shape.n_embd);
    const auto down = file.Find(BlockName(i) + (is_swapped ? "ffn_up" : "ffn_down") + ".weight");
    if (down && !IsFloat(down->type)) return widths;
  }
  widths.ffn = RoundUp(shape.n_ffn, 32);
  return widths;
}

}  // namespace

SiglipWeights::SiglipWeights(const SiglipShape& shape, const GgufTensors& file,
                             ggml_backend_t backend, const CancelFlag* cancel)
    : widths_(ChooseWidths(shape, file, ggml_backend_is_cpu(backend))) {
  WeightLoader loader(file, backend, size_t(shape.n_layer) * 12 + 7);
  Declaration declare(shape, widths_, &loader);
  const int64_t n = shape.n_embd, patch = shape.patch_size;
  const auto conv = file.Require("v.patch_embd.weight", {patch, patch, 3, n});
  patch_ = {loader.Floats(conv, shape.patch_values(), widths_.patch_values),
            loader.Vector({Rows("v.patch_embd.bias", n, n)})};
  position_ = loader.Floats(file.Require("v.position_embd.weight", {n, shape.n_patches()}), n, n);
  for (int64_t i = 0; i < shape.n_layer; ++i) {
    const std::string name = BlockName(i);
    const bool is_swapped = HasSwappedFfn(file, name, n);
    blocks_.push_back(declare.Block(name, name + (is_swapped ? "ffn_down" : "ffn_up"),
                                    name + (is_swapped ? "ffn_up" : "ffn_down")));
    const SiglipBlock& block = blocks_.back();
    for (const SiglipLinear& linear : {block.qkv, block.out, block.up, block.down}) {
      is_f32_ = is_f32_ && linear.weight->type == GGML_TYPE_F32;
    }
  }
  mm0_ = declare.Linear("mm.0", n, shape.n_projection);
  mm2_ = declare.Linear("mm.2", shape.n_projection, shape.n_projection);
  loader.Load(cancel);
  contexts_ = loader.TakeContexts();
  buffers_ = loader.TakeBuffers();
}

size_t SiglipWeights::bytes() const {
  size_t bytes = 0;
  for (const auto& buffer : buffers_) bytes += ggml_backend_buffer_get_size(buffer.get());
  return bytes;
}

}  // namespace llavaov
