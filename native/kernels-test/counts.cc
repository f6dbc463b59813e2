// The nodes of one layer, computed once by our kernels on one thread, for counting instructions,
// which no neighbour changes (bench/counts.mjs): `kernels-counts tile|prefill|token TYPE`. Widths
// are the tower's and the 0.5B's; of a tile and of a prompt there are kRows rows, as counting takes
// a hundred times as long.
#include <cstdio>
#include <string>

#include "kernels-test/graph.h"

namespace llavaov::kernels::test {
namespace {

constexpr int kRows = 32;

struct Layer {
  const char* name;
  int rows;
  std::vector<std::pair<int, int>> products;  // columns in, columns out
  int dim, heads, kv_heads, keys;
  ggml_type cache;
};

const std::vector<Layer> kLayers = {
    {"tile",
     kRows,
     {{1152, 3456}, {1152, 1152}, {1152, 4320}, {4320, 1152}},
     72,
     16,
     16,
     729,
     GGML_TYPE_F32},
    {"prefill",
     kRows,
     {{1024, 1152}, {1024, 1024}, {1024, 4864}, {1024, 4864}, {4864, 1024}},
     64,
     14,
     2,
     512,
     GGML_TYPE_F16},
    {"token",
     1,
     {{1024, 1152}, {1024, 1024}, {1024, 4864}, {1024, 4864}, {4864, 1024}},
     64,
     14,
     2,
     1024,
     GGML_TYPE_F16},
};

ggml_tensor* Filled(ggml_context* context, ggml_type type, int64_t width, int64_t rows) {
  std::vector<float> values(size_t(width) * rows);
  for (size_t i = 0; i < values.size(); ++i)
    values[i] = float(int(i * 2654435761u >> 20)) / 4096.0f - 0.5f;
  ggml_tensor* x = ggml_new_tensor_2d(context, type, width, rows);
  if (type == GGML_TYPE_F32) {
    std::memcpy(x->data, values.data(), ggml_nbytes(x));
  } else {
    ggml_quantize_chunk(type, values.data(), x->data, 0, rows, width, nullptr);
  }
  return x;
}

bool Product(ggml_type type, int rows, int in, int out, Pools& pools) {
  const ggml_context_ptr context =
      NewContext((size_t(in) * out + size_t(rows) * (in + out)) * 4 + (size_t(16) << 20));
  ggml_tensor* weights = Filled(context.get(), type, in, out);
  ggml_tensor* node =
      ggml_mul_mat(context.get(), weights, Filled(context.get(), GGML_TYPE_F32, in, rows));
  return Compute(context.get(), node, pools, 1, true).is_ours;
}

bool Attention(const Layer& l, Pools& pools) {
  const size_t values = size_t(l.dim) * (2 * l.kv_heads * l.keys + 2 * l.heads * l.rows);
  const ggml_context_ptr context = NewContext(values * 4 + (size_t(16) << 20));
  ggml_context* c = context.get();
  const auto heads = [&](ggml_type type, int n_heads, int n) {
    ggml_tensor* x = Filled(c, type, l.dim, int64_t(n_heads) * n);
    return ggml_permute(c, ggml_reshape_3d(c, x, l.dim, n_heads, n), 0, 2, 1, 3);
  };
  ggml_tensor* node = ggml_flash_attn_ext(
      c, heads(GGML_TYPE_F32, l.heads, l.rows), heads(l.cache, l.kv_heads, l.keys),
      heads(l.cache, l.kv_heads, l.keys), nullptr, 0.125f, 0.0f, 0.0f);
  return Compute(c, node, pools, 1, true).is_ours;
}

int Main(int argc, char** argv) {
  if (!CpuRuns()) return kCannotRun;
  Register();
  Pools pools;
  for (const Layer& layer : kLayers) {
    if (argc < 3 || layer.name != std::string(argv[1])) continue;
    for (int type = 0; type < GGML_TYPE_COUNT; ++type) {
      if (ggml_type_name(ggml_type(type)) != std::string(argv[2])) continue;
      bool is_ours = Attention(layer, pools);
      for (const auto& [in, out] : layer.products) {
        is_ours = Product(ggml_type(type), layer.rows, in, out, pools) && is_ours;
      }
      return is_ours ? 0 : 1;
    }
  }
  std::fprintf(stderr, "usage: kernels-counts tile|prefill|token TYPE\n");
  return 2;
}

}  // namespace
}  // namespace llavaov::kernels::test

int main(int argc, char** argv) { return llavaov::kernels::test::Main(argc, argv); }
