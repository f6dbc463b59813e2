#include "vision/siglip-graph.h"

#include <cmath>

#include "kernels/attention.h"
#include "vision/cpu-ops.h"

namespace llavaov {

using kernels::Finish;

SiglipGraph::SiglipGraph(const SiglipShape& shape, const SiglipWeights& weights,
                         const SiglipGraphOptions& options)
    : shape_(shape), weights_(weights), options_(options) {
  const size_t n_nodes = 64 * size_t(shape.n_layer + 1);
  context_.reset(
      ggml_init({ggml_tensor_overhead() * n_nodes + ggml_graph_overhead_custom(n_nodes, false),
                 nullptr, /*.no_alloc =*/true}));
  c_ = context_.get();
  graph_ = ggml_new_graph_custom(c_, n_nodes, false);
  patches_ = ggml_new_tensor_3d(c_, GGML_TYPE_F32, weights.widths().patch_values, shape.n_patches(),
                                options.n_tiles);
  ggml_set_input(patches_);

  ggml_tensor* x = Linear(weights.patch(), patches_);  // [n_embd, n_patches, n_tiles]
  x = ggml_add(c_, x, weights.position());
  for (const SiglipBlock& block : weights.blocks()) x = Block(block, x);
  // No norm after the last block: the reference takes the residual stream.
  x = ggml_gelu_erf(c_, Linear(weights.projector1(), x));
  rows_ = Linear(weights.projector2(), x);
  ggml_set_output(rows_);
  ggml_build_forward_expand(graph_, rows_);
}

ggml_tensor* SiglipGraph::Product(ggml_tensor* weight, ggml_tensor* x) {
  ggml_tensor* product = ggml_mul_mat(c_, weight, x);
  ggml_prec_set_acc(product, GGML_PREC_F32);  // CUDA would sum f16 products in f16
  return product;
}

ggml_tensor* SiglipGraph::Linear(const SiglipLinear& linear, ggml_tensor* x) {
  ggml_tensor* product = Product(linear.weight, x);
  if (Ends(product, Finish::kBias, linear.bias)) return product;
  return ggml_add(c_, product, linear.bias);
}

ggml_tensor* SiglipGraph::LinearGelu(const SiglipLinear& linear, ggml_tensor* x) {
  if (!options_.has_cpu_ops) return ggml_gelu(c_, Linear(linear, x));
  ggml_tensor* product = Product(linear.weight, x);
  if (Ends(product, Finish::kBiasGelu, linear.bias)) return product;
  return cpu_ops::BiasGelu(c_, product, linear.bias);
}

ggml_tensor* SiglipGraph::AddLinear(const SiglipLinear& linear, ggml_tensor* x,
                                    ggml_tensor* residual) {
  if (!options_.has_cpu_ops) return ggml_add(c_, residual, Linear(linear, x));
  ggml_tensor* product = Product(linear.weight, x);
  if (Ends(product, Finish::kBiasResidual, linear.bias, residual)) return product;
  return cpu_ops::BiasResidual(c_, product, linear.bias, residual);
}

// Whether our kernel computes the product and ends it so.
bool SiglipGraph::Ends(ggml_tensor* product, Finish finish, ggml_tensor* bias,
                       ggml_tensor* residual) {
  return options_.has_cpu_ops && kernels::FinishWith(product, finish, bias, residual);
}

ggml_tensor* SiglipGraph::Norm(const SiglipLinear& norm, ggml_tensor* x) {
  if (options_.has_cpu_ops) {
    return cpu_ops::LayerNorm(c_, x, norm.weight, norm.bias, &shape_.layer_norm_epsilon);
  }
  x = ggml_norm(c_, x, shape_.layer_norm_epsilon);
  return ggml_add(c_, ggml_mul(c_, x, norm.weight), norm.bias);
}

ggml_tensor* SiglipGraph::Block(const SiglipBlock& block, ggml_tensor* x) {
  ggml_tensor* attended = Attention(Linear(block.qkv, Norm(block.norm1, x)));
  x = AddLinear(block.out, attended, x);
  return AddLinear(block.down, LinearGelu(block.up, Norm(block.norm2, x)), x);
}

// [2 n_head head_qk + n_head head_v, n_patches, n_tiles] to [n_embd, n_patches, n_tiles].
ggml_tensor* SiglipGraph::Attention(ggml_tensor* qkv) {
  const SiglipWidths& widths = weights_.widths();
  const int64_t heads = shape_.n_head, patches = shape_.n_patches(), tiles = options_.n_tiles;
  const auto view = [&](int64_t dim, int64_t start) {
    ggml_tensor* part = ggml_view_4d(c_, qkv, dim, heads, patches, tiles, dim * sizeof(float),
                                     qkv->nb[1], qkv->nb[2], start * sizeof(float));
    return ggml_permute(c_, part, 0, 2, 1, 3);  // [dim, n_patches, n_head, n_tiles]
  };
  ggml_tensor* q = view(widths.head_qk, 0);
  ggml_tensor* k = view(widths.head_qk, heads * widths.head_qk);
  ggml_tensor* v = view(widths.head_v, heads * widths.head_qk * 2);
  // The real width's scale: padding adds nothing to the products.
  const float scale = 1.0f / std::sqrt(float(shape_.head_dim()));
  ggml_tensor* out;  // [head_v, n_head, n_patches, n_tiles]
  if (options_.has_flash_attention) {
    out = ggml_flash_attn_ext(c_, q, k, v, nullptr, scale, 0.0f, 0.0f);
    ggml_prec_set_acc(out, GGML_PREC_F32);
    const bool is_rounded = weights_.blocks().front().qkv.weight->type != GGML_TYPE_F32;
    if (options_.has_cpu_ops && is_rounded) kernels::SetRounded(out);
  } else {
    out = SoftmaxAttention(q, k, v, scale);
  }
  if (ggml_is_contiguous(out) && widths.head_v == shape_.head_dim()) {
    return ggml_reshape_3d(c_, out, shape_.n_embd, patches, tiles);
  }
  out = ggml_view_4d(c_, out, shape_.head_dim(), heads, patches, tiles, out->nb[1], out->nb[2],
                     out->nb[3], 0);
  return ggml_cont_3d(c_, out, shape_.n_embd, patches, tiles);
}

ggml_tensor* SiglipGraph::SoftmaxAttention(ggml_tensor* q, ggml_tensor* k, ggml_tensor* v,
                                           float scale) {
  // Contiguous, as Vulkan rounds to f16 whatever is not.
  q = ggml_cont(c_, q);
  k = ggml_cont(c_, k);
  ggml_tensor* scores = Product(k, q);  // [n_patches of k, n_patches of q, n_head, n_tiles]
  ggml_tensor* shares = ggml_soft_max_ext(c_, scores, nullptr, scale, 0.0f);
  ggml_tensor* values = ggml_cont(c_, ggml_permute(c_, v, 1, 0, 2, 3));  // [n_patches, dim, ...]
  return ggml_permute(c_, Product(values, shares), 0, 2, 1, 3);
}

}  // namespace llavaov
