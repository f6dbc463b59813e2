// Attention of every shape of ours and beyond, by our kernel, ggml's own and in f64: one line of
// JSON a case. `llava-onevision-kernels-attention [speed [THREADS [NAME [QUERIES]]]]`; without
// arguments the cases of test/kernels/attention.test.ts, `brief` with fewer threads, for emulators;
// either of one TYPE alone.
#include <cstdio>
#include <string>

#include "kernels-test/graph.h"
#include "kernels/attention.h"

namespace llavaov::kernels::test {
namespace {

enum class Masking { kNone, kCausal, kHoles };
const char* const kMaskings[] = {"none", "causal", "holes"};
// Cells that are not finite: those between ours, which none sees, or also one that some see.
enum class Spoilt { kNone, kUnseen, kKey, kValue };

struct Case {
  const char* name;
  int dim, dim_v, queries, keys, heads, kv_heads, batches;
  ggml_type type;
  Masking masking;
  float size = 1.0f;        // of the queries; NaN: one of them is
  bool is_rounded = false;  // as attention.h says
  Spoilt spoilt = Spoilt::kNone;
  float cells = 1.0f;  // size of keys and values
};

bool IsMasked(const Case& c, int query, int key) {
  if (c.masking == Masking::kNone) return false;
  const bool is_later = key > c.keys - c.queries + query;
  // Cells of another chat between ours, a whole tile of them, too.
  return is_later || (c.masking == Masking::kHoles && (key % 5 == 2 || key / 128 == 1));
}

// Of the first head of keys, where half of the queries see it.
int SeenSpoilt(const Case& c) {
  for (int key = c.keys - (c.queries + 1) / 2;; --key) {
    if (!IsMasked(c, c.queries - 1, key)) return key;
  }
}

// Makes a value of a row, or a block's scale, infinite or NaN.
void SpoilRow(ggml_type type, char* row, int at) {
  const bool is_infinite = at % 2 == 0;
  if (type == GGML_TYPE_F32) {
    reinterpret_cast<float*>(row)[at % 3] = is_infinite ? -INFINITY : NAN;
  } else {
    reinterpret_cast<uint16_t*>(row)[0] = is_infinite ? 0x7c00 : 0x7e00;
  }
}

void Spoil(const Case& c, bool is_value, ggml_tensor* all) {
  const auto spoil = [&](int key, int head, int batch, int at) {
    char* row = static_cast<char*>(all->data) + head * all->nb[1] + key * all->nb[2];
    SpoilRow(c.type, row + batch * all->nb[3], at);
  };
  for (int key = 0; key < c.keys && c.spoilt != Spoilt::kNone; ++key) {
    if (!IsMasked(c, c.queries - 1, key)) continue;
    for (int head = 0; head < c.kv_heads; ++head) spoil(key, head, 0, key / 3 + head);
  }
  if (c.spoilt == (is_value ? Spoilt::kValue : Spoilt::kKey)) spoil(SeenSpoilt(c), 0, 0, 1);
}

// As caches lie: [dim, heads, cells], looked at as [dim, cells, heads].
ggml_tensor* Cache(ggml_context* context, bool is_value, const Case& c, std::vector<float>* values,
                   std::mt19937& random) {
  const ggml_type type = c.type;
  const int dim = is_value ? c.dim_v : c.dim;
  std::normal_distribution<float> normal(0.0f, c.cells);
  values->resize(size_t(dim) * c.kv_heads * c.keys * c.batches);
  for (float& x : *values) x = normal(random);
  ggml_tensor* all = ggml_new_tensor_4d(context, type, dim, c.kv_heads, c.keys, c.batches);
  const int64_t rows = int64_t(c.kv_heads) * c.keys * c.batches;
  if (type == GGML_TYPE_F32) {
    std::memcpy(all->data, values->data(), ggml_nbytes(all));
    Spoil(c, is_value, all);
    std::memcpy(values->data(), all->data, ggml_nbytes(all));
  } else {
    ggml_quantize_chunk(type, values->data(), all->data, 0, rows, dim, nullptr);
    Spoil(c, is_value, all);
    ggml_get_type_traits(type)->to_float(all->data, values->data(), rows * dim);
  }
  return ggml_permute(context, all, 0, 2, 1, 3);
}

struct Node {
  ggml_context_ptr context;
  ggml_tensor* out;
  std::vector<float> q, k, v;
};

Node Build(const Case& c) {
  Node node;
  const size_t values = size_t(c.dim + c.dim_v) * c.kv_heads * c.keys * c.batches;
  const size_t queries = size_t(c.dim + c.dim_v) * c.heads * c.queries * c.batches;
  node.context = NewContext(values * 4 + queries * 4 + size_t(c.keys) * (c.queries + 64) * 2 +
                            (size_t(16) << 20));
  ggml_context* context = node.context.get();
  std::mt19937 random(7);
  const bool is_bad = std::isnan(c.size);
  std::normal_distribution<float> normal(0.0f, is_bad || c.size == 0.0f ? 1.0f : c.size);
  node.q.resize(size_t(c.dim) * c.heads * c.queries * c.batches);
  for (float& x : node.q) x = c.size == 0.0f ? 0.0f : normal(random);
  if (is_bad) node.q[size_t(c.dim) * c.heads * 2 + 5] = NAN;  // one query of one head
  ggml_tensor* q = ggml_new_tensor_4d(context, GGML_TYPE_F32, c.dim, c.heads, c.queries, c.batches);
  std::memcpy(q->data, node.q.data(), ggml_nbytes(q));
  ggml_tensor* k = Cache(context, false, c, &node.k, random);
  ggml_tensor* v = Cache(context, true, c, &node.v, random);
  ggml_tensor* mask = nullptr;
  if (c.masking != Masking::kNone) {
    mask = ggml_new_tensor_2d(context, GGML_TYPE_F16, c.keys, (c.queries + 63) / 64 * 64);
    uint16_t* bits = static_cast<uint16_t*>(mask->data);
    for (int i = 0; i < c.queries; ++i) {
      for (int j = 0; j < c.keys; ++j) {
        bits[size_t(i) * c.keys + j] = IsMasked(c, i, j) ? 0xfc00 : 0;
      }
    }
  }
  node.out = ggml_flash_attn_ext(context, ggml_permute(context, q, 0, 2, 1, 3), k, v, mask,
                                 1.0f / std::sqrt(float(c.dim)), 0.0f, 0.0f);
  ggml_prec_set_acc(node.out, GGML_PREC_F32);
  if (c.is_rounded) SetRounded(node.out);
  return node;
}

// One row of the result in f64.
void Reference(const Case& c, const Node& node, int batch, int query, int head, double* out) {
  const int kv_head = head / (c.heads / c.kv_heads);
  const auto row = [&](int dim, int key) {
    return ((size_t(batch) * c.keys + key) * c.kv_heads + kv_head) * dim;
  };
  const float* q = &node.q[((size_t(batch) * c.queries + query) * c.heads + head) * c.dim];
  std::vector<double> scores(c.keys, -INFINITY);
  double top = -INFINITY, sum = 0.0;
  for (int j = 0; j < c.keys; ++j) {
    if (IsMasked(c, query, j)) continue;
    double score = 0.0;
    for (int i = 0; i < c.dim; ++i) score += double(q[i]) * node.k[row(c.dim, j) + i];
    scores[j] = score / std::sqrt(double(c.dim));
    top = std::max(top, scores[j]);
  }
  std::fill_n(out, c.dim_v, 0.0);
  if (std::isinf(top)) return;  // sees nothing
  for (int j = 0; j < c.keys; ++j) {
    if (IsMasked(c, query, j)) continue;
    const double share = std::exp(scores[j] - top);
    sum += share;
    for (int i = 0; i < c.dim_v; ++i) out[i] += share * node.v[row(c.dim_v, j) + i];
  }
  for (int i = 0; i < c.dim_v; ++i) out[i] /= sum;
}

// Rows that see the cell that is not finite.
int SpoiltRows(const Case& c) {
  if (c.spoilt < Spoilt::kKey) return 0;
  int queries = 0;
  for (int i = 0; i < c.queries; ++i) queries += !IsMasked(c, i, SeenSpoilt(c));
  return queries * (c.heads / c.kv_heads);
}

bool AllFinite(const std::vector<double>& x) {
  return std::all_of(x.begin(), x.end(), [](double value) { return std::isfinite(value); });
}

// Of rows that are finite in f64.
double ErrorOf(const Case& c, const Node& node, const std::vector<float>& values) {
  std::vector<float> some;
  std::vector<double> reference(c.dim_v), all;
  const int rows = c.batches * c.queries * c.heads, step = std::max(1, rows / 97);
  for (int i = 0; i < rows; i += step) {
    Reference(c, node, i / c.heads / c.queries, i / c.heads % c.queries, i % c.heads,
              reference.data());
    if (c.spoilt != Spoilt::kNone && !AllFinite(reference)) continue;
    all.insert(all.end(), reference.begin(), reference.end());
    some.insert(some.end(), values.begin() + size_t(i) * c.dim_v,
                values.begin() + size_t(i + 1) * c.dim_v);
  }
  return all.empty() ? NAN : Error(some, all);
}

void Check(const Case& c, Pools& pools, bool many_threads) {
  const Node node = Build(c);
  const Run theirs = Compute(node.context.get(), node.out, pools, 2, false);
  const Run ours = Compute(node.context.get(), node.out, pools, 1, true);
  bool is_equal = true;
  for (int threads : many_threads ? std::vector<int>{2, 3, 5, 8, 16} : std::vector<int>{3}) {
    const Run again = Compute(node.context.get(), node.out, pools, threads, true);
    is_equal = is_equal && SameBits(ours.values, again.values);
  }
  const bool is_as_before = AreAsBefore(pools, 1) && AreAsBefore(pools, 3);
  std::printf(
      "{\"name\":\"%s\",\"type\":\"%s\",\"queries\":%d,\"keys\":%d,\"mask\":\"%s\","
      "\"set\":\"%s\",\"isOurs\":%s,\"error\":%.6g,\"ggmlError\":%.6g,\"isEqual\":%s,"
      "\"badRows\":%d,\"spoiltRows\":%d,\"isAsBefore\":%s}\n",
      c.name, ggml_type_name(c.type), c.queries, c.keys, kMaskings[int(c.masking)],
      InstructionSet(), ours.is_ours ? "true" : "false", ErrorOf(c, node, ours.values),
      ErrorOf(c, node, theirs.values), is_equal ? "true" : "false", BadRows(ours.values, c.dim_v),
      SpoiltRows(c), is_as_before ? "true" : "false");
  std::fflush(stdout);
}

void Speed(const Case& c, Pools& pools, int threads) {
  const Node node = Build(c);
  double best[2] = {1e9, 1e9};
  for (int run = 0; run < 4; ++run) {
    for (int ours : {0, 1}) {
      const Run result = Compute(node.context.get(), node.out, pools, threads, ours);
      best[ours] = std::min(best[ours], result.seconds);
    }
  }
  double pairs = 0.0;
  for (int i = 0; i < c.queries; ++i) {
    for (int j = 0; j < c.keys; ++j) pairs += !IsMasked(c, i, j);
  }
  const double work = 2.0 * pairs * c.heads * (c.dim + c.dim_v) * c.batches / 1e9;
  std::printf(
      "%-12s %-4s %4d queries, %5d keys: ggml %8.3f ms %6.1f GFLOP/s, ours %8.3f ms %6.1f, "
      "%.2f times\n",
      c.name, ggml_type_name(c.type), c.queries, c.keys, best[0] * 1e3, work / best[0],
      best[1] * 1e3, work / best[1], best[0] / best[1]);
  std::fflush(stdout);
}

const std::vector<Case> kShapes = {
    {"tower", 72, 72, 729, 729, 16, 16, 1, GGML_TYPE_F32, Masking::kNone},
    {"tower words", 72, 72, 729, 729, 16, 16, 1, GGML_TYPE_F32, Masking::kNone, 1.0f, true},
    {"0.5b", 64, 64, 512, 512, 14, 2, 1, GGML_TYPE_F16, Masking::kCausal},
    {"0.5b", 64, 64, 512, 4864, 14, 2, 1, GGML_TYPE_F16, Masking::kCausal},
    {"0.5b", 64, 64, 1, 4864, 14, 2, 1, GGML_TYPE_F16, Masking::kCausal},
    {"0.5b", 64, 64, 1, 4864, 14, 2, 1, GGML_TYPE_Q8_0, Masking::kCausal},
    {"7b", 128, 128, 512, 2048, 28, 4, 1, GGML_TYPE_F16, Masking::kCausal},
    {"7b", 128, 128, 1, 4864, 28, 4, 1, GGML_TYPE_F16, Masking::kCausal},
};

std::vector<Case> Cases() {
  std::vector<Case> cases = {
      {"tower", 72, 72, 100, 100, 4, 4, 2, GGML_TYPE_F32, Masking::kNone},
      {"tower words", 72, 72, 100, 100, 4, 4, 2, GGML_TYPE_F32, Masking::kNone, 1.0f, true},
      {"odd words", 37, 41, 43, 131, 6, 2, 1, GGML_TYPE_F32, Masking::kHoles, 1.0f, true},
      {"rest words", 60, 96, 70, 70, 2, 2, 1, GGML_TYPE_F32, Masking::kNone, 1.0f, true},
      {"blind words", 48, 48, 500, 470, 2, 1, 1, GGML_TYPE_F32, Masking::kCausal, 1.0f, true},
      {"zero words", 64, 64, 33, 97, 2, 2, 1, GGML_TYPE_F32, Masking::kCausal, 0.0f, true},
      {"nan words", 64, 64, 33, 97, 2, 2, 1, GGML_TYPE_F32, Masking::kCausal, NAN, true},
      {"nan", 64, 64, 33, 97, 2, 2, 1, GGML_TYPE_F32, Masking::kCausal, NAN},
      {"nan", 64, 64, 3, 597, 4, 2, 1, GGML_TYPE_F16, Masking::kCausal, NAN},
      {"padded", 72, 80, 64, 64, 2, 2, 1, GGML_TYPE_F32, Masking::kNone},
      {"sharp", 64, 64, 33, 200, 4, 2, 1, GGML_TYPE_F16, Masking::kCausal, 40.0f},
      {"odd", 40, 24, 5, 131, 6, 3, 1, GGML_TYPE_F16, Masking::kHoles},
      {"odd", 33, 17, 9, 67, 3, 1, 1, GGML_TYPE_F32, Masking::kNone},
  };
  cases.push_back({"faint", 64, 64, 1, 600, 14, 2, 1, GGML_TYPE_F16, Masking::kCausal});
  cases.back().cells = 1e-2f;  // denormals among them
  cases.push_back({"long", 64, 64, 1, 2600, 14, 2, 1, GGML_TYPE_F16, Masking::kHoles});
  cases.push_back({"long", 128, 128, 1, 2085, 14, 2, 1, GGML_TYPE_F16, Masking::kCausal});
  for (Spoilt spoilt : {Spoilt::kUnseen, Spoilt::kKey, Spoilt::kValue}) {
    cases.push_back({"spoilt words", 40, 24, 43, 131, 6, 2, 1, GGML_TYPE_F32, Masking::kHoles});
    cases.back().is_rounded = true;
    cases.back().spoilt = spoilt;
  }
  for (ggml_type type : {GGML_TYPE_F32, GGML_TYPE_F16, GGML_TYPE_Q8_0}) {
    for (Masking masking : {Masking::kCausal, Masking::kHoles}) {
      for (int queries : {1, 2, 7, 33}) {
        cases.push_back({"0.5b", 64, 64, queries, 777, 14, 2, 1, type, masking});
      }
    }
    for (int keys : {1, 5, 95, 96, 97, 256, 1025}) {
      cases.push_back({"0.5b", 64, 64, 1, keys, 14, 2, 1, type, Masking::kCausal});
    }
    cases.push_back({"7b", 128, 128, 40, 300, 28, 4, 1, type, Masking::kCausal});
    cases.push_back({"7b", 128, 128, 1, 600, 28, 4, 1, type, Masking::kHoles});
    for (Spoilt spoilt : {Spoilt::kUnseen, Spoilt::kKey, Spoilt::kValue}) {
      for (int queries : {1, 2, 7, 33, 140}) {
        cases.push_back({"spoilt", 64, 64, queries, 777, 14, 2, 1, type, Masking::kHoles});
        cases.back().spoilt = spoilt;
      }
    }
    cases.push_back({"72b", 128, 128, 1, 300, 64, 8, 1, type, Masking::kCausal});
  }
  return cases;
}

int Main(int argc, char** argv) {
  if (!CpuRuns()) return kCannotRun;
  Register();
  Pools pools;
  if (argc > 1 && std::string(argv[1]) == "speed") {
    for (const Case& c : kShapes) {
      if (argc > 3 && std::string(argv[3]) != c.name) continue;
      if (argc > 4 && std::atoi(argv[4]) != c.queries) continue;
      Speed(c, pools, argc > 2 ? std::atoi(argv[2]) : 1);
    }
    return 0;
  }
  const bool is_brief = argc > 1 && std::string(argv[1]) == "brief";
  const std::string only = argc > 1 + is_brief ? argv[1 + is_brief] : "";
  int i = 0;
  for (const Case& c : Cases()) {
    if (!only.empty() && only != ggml_type_name(c.type)) continue;
    Check(c, pools, !is_brief || i % 8 == 0);
    ++i;
  }
  return 0;
}

}  // namespace
}  // namespace llavaov::kernels::test

int main(int argc, char** argv) { return llavaov::kernels::test::Main(argc, argv); }
