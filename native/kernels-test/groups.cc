// A token's layers with runs of nodes computed in one go (kernels/token-group.h) and one by one:
// one line of JSON a case, of whether all that comes out is the same bit by bit at any number of
// threads. `llava-onevision-kernels-groups`, for test/kernels/groups.test.ts; `brief` a part of the
// cases, for emulators. Memory is given out as llama.cpp has it done, so results share it.
#include <ggml-alloc.h>
#include <ggml-backend.h>

#include <cstdio>
#include <string>

#include "kernels-test/graph.h"

namespace llavaov::kernels::test {
namespace {

// What of a layer's graph is not as a Qwen2's.
enum class Twist {
  kNone,
  kNoBias,
  kNoNorm,       // products of a row that is there
  kNormIsKept,   // as embeddings are
  kQueryIsKept,  // before its bias
  kGateIsKept,
  kUpIsUsed,      // by a node of its own
  kGateIsViewed,  // likewise, by way of a view
  kBroadBias,     // a single value
  kBatch,         // two rows
  kGeglu,
  kSharedWeights,  // up and gate are one product
};
const char* const kTwists[] = {"none",        "noBias",     "noNorm",   "normIsKept",
                               "queryIsKept", "gateIsKept", "upIsUsed", "gateIsViewed",
                               "broadBias",   "batch",      "geglu",    "sharedWeights"};

struct Case {
  ggml_type type, other;  // of most weights; of values, and of what leads down
  int width, heads, kv_heads, dim, inner;
  Twist twist = Twist::kNone;
  int layers = 2, words = 330;
};

constexpr int kCells = 40, kCell = 7;

class Token {
 public:
  explicit Token(const Case& c)
      : c_(c),
        rows_(c.twist == Twist::kBatch ? 2 : 1),
        weights_(NewContext(size_t(c.layers) * 100 << 20)),
        nodes_(ggml_init({size_t(4) << 20, nullptr, true})),
        graph_(ggml_new_graph(nodes_.get())),
        allocator_(ggml_gallocr_new(ggml_backend_cpu_buffer_type())) {
    pos_ = ggml_new_tensor_1d(weights_.get(), GGML_TYPE_I32, rows_);
    cell_ = ggml_new_tensor_1d(weights_.get(), GGML_TYPE_I64, rows_);
    for (int i = 0; i < rows_; ++i) {
      static_cast<int32_t*>(pos_->data)[i] = 11 + i;
      static_cast<int64_t*>(cell_->data)[i] = kCell + i;
    }
    ggml_tensor* x = Filled(GGML_TYPE_F32, c.width, rows_, 1.0f);
    x = ggml_scale(nodes_.get(), x, 0.7f);
    for (int i = 0; i < c.layers; ++i) x = Layer(x);
    x = ggml_mul_mat(nodes_.get(), Weights(c.type, c.width, c.words), Norm(x));
    Keep(x);
    ggml_build_forward_expand(graph_, x);
    ggml_gallocr_alloc_graph(allocator_.get(), graph_);
  }

  int nodes() const {
    int n = 0;
    for (int i = 0; i < ggml_graph_n_nodes(graph_); ++i) {
      const ggml_op op = ggml_graph_node(graph_, i)->op;
      n += op != GGML_OP_VIEW && op != GGML_OP_RESHAPE && op != GGML_OP_PERMUTE;
    }
    return n;
  }

  // All that is kept, and the caches.
  std::vector<float> Compute(Pools& pools, int threads, bool in_groups,
                             ggml_abort_callback abort = nullptr, void* data = nullptr) {
    SetGroups(in_groups);
    for (ggml_tensor* cache : caches_) std::memset(cache->data, 0, ggml_nbytes(cache));
    ggml_cplan plan = ggml_graph_plan(graph_, threads, pools.Of(threads));
    std::vector<uint8_t> work(plan.work_size);
    plan.work_data = work.data();
    plan.abort_callback = abort;
    plan.abort_callback_data = data;
    const ggml_status status = ggml_graph_compute(graph_, &plan);
    SetGroups(true);
    if (status != GGML_STATUS_SUCCESS) return {};
    std::vector<float> all;
    for (const auto& list : {kept_, caches_}) {
      for (const ggml_tensor* x : list) {
        const size_t floats = ggml_nbytes(x) / sizeof(float), before = all.size();
        all.resize(before + floats);
        std::memcpy(all.data() + before, x->data, floats * sizeof(float));
      }
    }
    return all;
  }

 private:
  bool Is(Twist twist) const { return c_.twist == twist; }

  ggml_tensor* Keep(ggml_tensor* x) {
    ggml_set_output(x);
    kept_.push_back(x);
    return x;
  }

  ggml_tensor* Filled(ggml_type type, int64_t width, int64_t rows, float size) {
    std::vector<float> values(size_t(width) * std::min<int64_t>(rows, 512));
    std::normal_distribution<float> normal(0.0f, size);
    for (float& x : values) x = normal(random_);
    ggml_tensor* x = ggml_new_tensor_2d(weights_.get(), type, width, rows);
    if (type == GGML_TYPE_F32) {
      std::memcpy(x->data, values.data(), ggml_nbytes(x));
    } else {
      for (int64_t row = 0; row < rows; row += 512) {
        ggml_quantize_chunk(type, values.data(), static_cast<char*>(x->data) + row * x->nb[1], 0,
                            std::min<int64_t>(rows - row, 512), width, nullptr);
      }
    }
    return x;
  }

  ggml_tensor* Weights(ggml_type type, int in, int out) { return Filled(type, in, out, 0.05f); }

  ggml_tensor* Norm(ggml_tensor* x) {
    if (Is(Twist::kNoNorm)) return x;
    x = ggml_rms_norm(nodes_.get(), x, 1e-6f);
    x = ggml_mul(nodes_.get(), x, Filled(GGML_TYPE_F32, c_.width, 1, 1.0f));
    return Is(Twist::kNormIsKept) ? Keep(x) : x;
  }

  ggml_tensor* Product(ggml_tensor* x, ggml_type type, int out, bool is_query = false) {
    ggml_tensor* y = ggml_mul_mat(nodes_.get(), Weights(type, c_.width, out), x);
    if (is_query && Is(Twist::kQueryIsKept)) Keep(y);
    if (Is(Twist::kNoBias)) return y;
    const int width = is_query && Is(Twist::kBroadBias) ? 1 : out;
    return ggml_add(nodes_.get(), y, Filled(GGML_TYPE_F32, width, 1, 0.3f));
  }

  ggml_tensor* Rope(ggml_tensor* x, int heads) {
    x = ggml_reshape_3d(nodes_.get(), x, c_.dim, heads, rows_);
    return ggml_rope_ext(nodes_.get(), x, pos_, nullptr, c_.dim, GGML_ROPE_TYPE_NEOX, 0, 1e6f, 1.0f,
                         0.0f, 1.0f, 0.0f, 0.0f);
  }

  // Writes rows into a new cache, and gives all of it by heads.
  ggml_tensor* Cached(ggml_tensor* x) {
    ggml_tensor* cache =
        ggml_new_tensor_2d(weights_.get(), GGML_TYPE_F16, c_.kv_heads * c_.dim, kCells);
    caches_.push_back(cache);
    x = ggml_reshape_2d(nodes_.get(), x, c_.kv_heads * c_.dim, rows_);
    ggml_build_forward_expand(graph_, ggml_set_rows(nodes_.get(), cache, x, cell_));
    cache = ggml_reshape_3d(nodes_.get(), cache, c_.dim, c_.kv_heads, kCells);
    return ggml_permute(nodes_.get(), cache, 0, 2, 1, 3);
  }

  // In llama.cpp's order of nodes.
  ggml_tensor* Attention(ggml_tensor* x) {
    ggml_context* n = nodes_.get();
    ggml_tensor* row = Norm(x);
    ggml_tensor* q = Rope(Product(row, c_.type, c_.heads * c_.dim, true), c_.heads);
    ggml_tensor* k = Rope(Product(row, c_.type, c_.kv_heads * c_.dim), c_.kv_heads);
    ggml_tensor* v = Product(row, c_.other, c_.kv_heads * c_.dim);
    for (ggml_tensor* node : {q, v, k}) ggml_build_forward_expand(graph_, node);
    k = Cached(k);
    v = Cached(v);
    q = ggml_permute(n, q, 0, 2, 1, 3);
    ggml_tensor* y = ggml_flash_attn_ext(n, q, k, v, nullptr, 0.125f, 0.0f, 0.0f);
    y = ggml_reshape_2d(n, y, c_.heads * c_.dim, rows_);
    return ggml_add(n, ggml_mul_mat(n, Weights(c_.type, c_.heads * c_.dim, c_.width), y), x);
  }

  ggml_tensor* Inner(ggml_tensor* x) {
    ggml_context* n = nodes_.get();
    ggml_tensor* row = Norm(x);
    ggml_tensor* gate = ggml_mul_mat(n, Weights(c_.type, c_.width, c_.inner), row);
    if (Is(Twist::kGateIsKept)) Keep(gate);
    ggml_tensor* up = Is(Twist::kSharedWeights)
                          ? gate
                          : ggml_mul_mat(n, Weights(c_.type, c_.width, c_.inner), row);
    ggml_tensor* y =
        Is(Twist::kGeglu) ? ggml_geglu_split(n, gate, up) : ggml_swiglu_split(n, gate, up);
    if (Is(Twist::kUpIsUsed)) y = ggml_add(n, y, up);
    if (Is(Twist::kGateIsViewed)) {
      y = ggml_add(n, y, ggml_view_1d(n, gate, c_.inner, 0));
    }
    y = ggml_mul_mat(n, Weights(c_.other, c_.inner, c_.width), y);
    return ggml_add(n, y, x);
  }

  ggml_tensor* Layer(ggml_tensor* x) { return Inner(Attention(x)); }

  const Case c_;
  const int rows_;
  std::mt19937 random_{7};
  const ggml_context_ptr weights_, nodes_;
  ggml_cgraph* graph_;
  const ggml_gallocr_ptr allocator_;
  ggml_tensor *pos_, *cell_;
  std::vector<ggml_tensor*> kept_, caches_;
};

// Whether a graph that is aborted at any of its nodes ends so, and computes as before afterwards.
bool EndsWhenAborted(Token& token, Pools& pools, const std::vector<float>& expected) {
  for (int at = 0; at < 12; ++at) {
    int left = at;
    const auto abort = [](void* data) { return (*static_cast<int*>(data))-- == 0; };
    if (!token.Compute(pools, 2, true, abort, &left).empty()) return false;
    if (left != -1) return false;  // a node after that one
  }
  return SameBits(token.Compute(pools, 2, true), expected);
}

void Check(const Case& c, Pools& pools) {
  Token token(c);
  const std::vector<float> expected = token.Compute(pools, 1, false);
  bool is_equal = SameBits(token.Compute(pools, 3, false), expected);
  const uint64_t before = CountNodes().grouped;
  token.Compute(pools, 1, true);
  const uint64_t grouped = CountNodes().grouped - before;
  for (int threads : {1, 2, 3, 5, 8, 16}) {
    is_equal = is_equal && SameBits(token.Compute(pools, threads, true), expected);
  }
  const bool ends = EndsWhenAborted(token, pools, expected);
  std::printf(
      "{\"set\":\"%s\",\"type\":\"%s\",\"other\":\"%s\",\"width\":%d,\"inner\":%d,\"twist\":\"%s\","
      "\"nodes\":%d,\"grouped\":%d,\"values\":%d,\"isEqual\":%s,\"endsWhenAborted\":%s}\n",
      InstructionSet(), ggml_type_name(c.type), ggml_type_name(c.other), c.width, c.inner,
      kTwists[int(c.twist)], token.nodes(), int(grouped), int(expected.size()),
      is_equal ? "true" : "false", ends ? "true" : "false");
}

std::vector<Case> Cases(bool is_brief) {
  std::vector<Case> cases = {
      {GGML_TYPE_F16, GGML_TYPE_F16, 896, 14, 2, 64, 4864},
      {GGML_TYPE_F32, GGML_TYPE_BF16, 144, 6, 3, 24, 200},  // SwiGLU is ggml's
      {GGML_TYPE_Q8_0, GGML_TYPE_Q8_0, 896, 14, 2, 64, 4864},
      {GGML_TYPE_Q5_0, GGML_TYPE_Q8_0, 896, 14, 2, 64, 512},
      {GGML_TYPE_Q4_K, GGML_TYPE_Q6_K, 512, 4, 2, 128, 768},
      {GGML_TYPE_Q4_1, GGML_TYPE_Q5_K, 256, 4, 4, 64, 9216},  // packed by all threads
      {GGML_TYPE_IQ4_NL, GGML_TYPE_F16, 288, 9, 3, 32, 96},   // no whole units
      {GGML_TYPE_Q5_1, GGML_TYPE_Q4_0, 64, 4, 2, 16, 64},
      {GGML_TYPE_Q8_0, GGML_TYPE_Q3_K, 256, 2, 1, 128, 256},  // ggml's
  };
  if (is_brief) cases.resize(2);
  for (int i = 1; i < int(sizeof(kTwists) / sizeof(kTwists[0])); ++i) {
    cases.push_back({GGML_TYPE_F16, GGML_TYPE_F16, 128, 4, 2, 32, 160, Twist(i)});
  }
  return cases;
}

// A token of the 0.5B, with and without groups in turns: the medians.
int Speed(int threads, const std::string& type, int turns, Pools& pools) {
  for (const auto& [weights, other] : {std::pair{GGML_TYPE_Q8_0, GGML_TYPE_Q8_0},
                                       {GGML_TYPE_Q5_0, GGML_TYPE_Q4_K},
                                       {GGML_TYPE_F16, GGML_TYPE_F16}}) {
    if (!type.empty() && type != ggml_type_name(weights)) continue;
    const bool is_k =
        other == GGML_TYPE_Q4_K;  // values of 896 have other types than what leads down
    Token token(
        {weights, is_k ? GGML_TYPE_Q5_0 : other, 896, 14, 2, 64, 4864, Twist::kNone, 24, 20000});
    std::vector<double> times[2], ratios;
    for (int turn = 0; turn < turns; ++turn) {
      double took[2];
      for (int i : {turn % 2, 1 - turn % 2}) {
        const double start = Now(threads);
        token.Compute(pools, threads, i == 1);
        times[i].push_back(took[i] = Now(threads) - start);
      }
      ratios.push_back(took[0] / took[1]);
    }
    for (auto* list : {&times[0], &times[1], &ratios}) std::sort(list->begin(), list->end());
    const auto at = [](const std::vector<double>& list, double where) {
      return list[size_t(list.size() * where)];
    };
    std::printf(
        "%s, %d threads: %.2f ms one by one, %.2f in groups, %.3f times (median; best tenth %.2f, "
        "%.2f, %.3f)\n",
        ggml_type_name(weights), threads, at(times[0], 0.5) * 1e3, at(times[1], 0.5) * 1e3,
        at(ratios, 0.5), at(times[0], 0.1) * 1e3, at(times[1], 0.1) * 1e3,
        at(times[0], 0.1) / at(times[1], 0.1));
    std::fflush(stdout);
  }
  return 0;
}

int Main(int argc, char** argv) {
  if (!CpuRuns()) return kCannotRun;
  Register();
  Pools pools;
  if (argc > 1 && std::string(argv[1]) == "speed") {
    return Speed(argc > 2 ? std::atoi(argv[2]) : 2, argc > 3 ? argv[3] : "",
                 argc > 4 ? std::atoi(argv[4]) : 200, pools);
  }
  for (const Case& c : Cases(argc > 1 && std::string(argv[1]) == "brief")) Check(c, pools);
  return 0;
}

}  // namespace
}  // namespace llavaov::kernels::test

int main(int argc, char** argv) { return llavaov::kernels::test::Main(argc, argv); }
