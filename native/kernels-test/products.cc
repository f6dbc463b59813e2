// Products of every type and shape, ours beside ggml's own and both against f64: one line of JSON a
// case. `llava-onevision-kernels-products [speed [THREADS [TYPE]]]`; without arguments the cases of
// test/kernels/products.test.ts, `brief` a part of them, for emulators; either of one TYPE alone.
#include <cstdio>
#include <string>

#include "kernels-test/graph.h"
#include "kernels/finish.h"

namespace llavaov::kernels::test {
namespace {

const std::vector<ggml_type> kTypes = {
    GGML_TYPE_Q8_0,   GGML_TYPE_Q5_1, GGML_TYPE_Q5_0, GGML_TYPE_Q4_1, GGML_TYPE_Q4_0,
    GGML_TYPE_IQ4_NL, GGML_TYPE_Q6_K, GGML_TYPE_Q5_K, GGML_TYPE_Q4_K, GGML_TYPE_Q3_K,
    GGML_TYPE_Q2_K,   GGML_TYPE_F16,  GGML_TYPE_BF16, GGML_TYPE_F32};

enum class Values {
  kGaussian,
  kOutliers,
  kZeros,
  kFull,  // integers at their ends: sums are as large as they get
  kTiny,
  kHuge,
  kLargest,
  kSpread,
  kNan,
  kInfinite,
  kBroken
};
const char* const kValues[] = {"gaussian", "outliers", "zeros", "full",     "tiny",  "huge",
                               "largest",  "spread",   "nan",   "infinite", "broken"};
enum class Layout { kPlain, kStrided, kBatched };
const char* const kLayouts[] = {"plain", "strided", "batched"};
const char* const kFinishes[] = {"none", "bias", "gelu", "residual"};

struct Case {
  ggml_type type;
  int m, k, n;
  Values values;
  Layout layout;
  Finish finish = Finish::kNone;
};

float Activation(std::mt19937& random, Values values, int row, int column) {
  const float x = std::normal_distribution<float>()(random);
  switch (values) {
    case Values::kOutliers:
      return column % 512 == 7 ? 60.0f * x : x;
    case Values::kZeros:
      return 0.0f;
    case Values::kFull:
      return 1.0f;
    case Values::kTiny:
      return x * 1e-38f;
    case Values::kHuge:
      return x * 1e4f;  // f16's own products end at 65504
    case Values::kLargest:
      return x * 3e37f;
    case Values::kSpread:
      return x * std::pow(10.0f, std::uniform_real_distribution<float>(-38.0f, 37.5f)(random));
    case Values::kNan:
      return row % 3 == 1 && column == 5 ? NAN : x;
    case Values::kInfinite:
      return row % 3 == 1 && column == 5 ? INFINITY : x;
    default:
      return x;
  }
}

// Rows of `m` activations: one after another, apart, or in two batches that lie apart.
ggml_tensor* Activations(ggml_context* context, const Case& c, std::vector<float>* rows) {
  std::mt19937 random(unsigned(c.m * 31 + c.k * 7 + c.n));
  const int stride = c.layout == Layout::kPlain ? c.k : c.k + 8;
  ggml_tensor* all = ggml_new_tensor_1d(context, GGML_TYPE_F32, int64_t(stride) * (c.m + 2));
  float* data = static_cast<float*>(all->data);
  std::fill_n(data, ggml_nelements(all), 1e30f);  // what lies between must not be read
  const bool is_batched = c.layout == Layout::kBatched;
  const int half = is_batched ? c.m / 2 : c.m, gap = is_batched ? 1 : 0;
  for (int r = 0; r < c.m; ++r) {
    float* row = data + size_t(r + (r >= half ? gap : 0)) * stride;
    for (int i = 0; i < c.k; ++i) row[i] = Activation(random, c.values, r, i);
    rows->insert(rows->end(), row, row + c.k);
  }
  const size_t bytes = stride * sizeof(float);
  if (!is_batched) return ggml_view_2d(context, all, c.k, c.m, bytes, 0);
  return ggml_view_3d(context, all, c.k, half, 2, bytes, bytes * (half + 1), 0);
}

constexpr int kBrokenColumn = 17;

ggml_tensor* Weights(ggml_context* context, const Case& c, std::vector<float>* weights) {
  std::mt19937 random(unsigned(c.k + c.n));
  std::normal_distribution<float> normal(0.0f, 0.03f);
  weights->resize(size_t(c.k) * c.n);
  for (float& w : *weights) w = c.values == Values::kFull ? 0.03f : normal(random);
  ggml_tensor* w = ggml_new_tensor_2d(context, c.type, c.k, c.n);
  ggml_quantize_chunk(c.type, weights->data(), w->data, 0, c.n, c.k, nullptr);
  if (c.values == Values::kBroken) {  // NaN in any type, or as its scale
    std::memset(static_cast<char*>(w->data) + kBrokenColumn * w->nb[1], 0xff, w->nb[0]);
  }
  if (c.type == GGML_TYPE_F32) return w;
  for (int i = 0; i < c.n; ++i) {
    ggml_get_type_traits(c.type)->to_float(static_cast<char*>(w->data) + i * w->nb[1],
                                           weights->data() + size_t(i) * c.k, c.k);
  }
  return w;
}

std::vector<double> Reference(const Case& c, const std::vector<float>& x,
                              const std::vector<float>& w) {
  std::vector<double> out(size_t(c.m) * c.n);
  for (int r = 0; r < c.m; ++r) {
    for (int j = 0; j < c.n; ++j) {
      double sum = 0.0;
      for (int i = 0; i < c.k; ++i) {
        sum += double(x[size_t(r) * c.k + i]) * w[size_t(j) * c.k + i];
      }
      out[size_t(r) * c.n + j] = sum;
    }
  }
  return out;
}

// What ends a product, and the same in f64.
struct End {
  ggml_tensor *bias, *residual = nullptr;

  End(ggml_context* context, const Case& c)
      : bias(ggml_new_tensor_1d(context, GGML_TYPE_F32, c.n)) {
    std::mt19937 random(unsigned(c.n));
    std::normal_distribution<float> normal;
    const auto fill = [&](ggml_tensor* x) {
      for (int i = 0; i < ggml_nelements(x); ++i) static_cast<float*>(x->data)[i] = normal(random);
    };
    fill(bias);
    if (c.finish != Finish::kBiasResidual) return;
    residual = ggml_new_tensor_2d(context, GGML_TYPE_F32, c.n, c.m);
    fill(residual);
  }

  double operator()(const Case& c, size_t i, double x) const {
    x += static_cast<const float*>(bias->data)[i % c.n];
    if (residual) x += static_cast<const float*>(residual->data)[i];
    if (c.finish != Finish::kBiasGelu) return x;
    return 0.5 * x * (1.0 + std::tanh(std::sqrt(2.0 / M_PI) * (x + 0.044715 * x * x * x)));
  }
};

size_t ContextSize(const Case& c) {
  return size_t(c.k) * c.n * 4 + size_t(c.k + 8) * (c.m + 2) * 4 + size_t(c.m) * c.n * 8 +
         (size_t(16) << 20);
}

void Check(const Case& c, Pools& pools, bool many_threads) {
  const ggml_context_ptr context = NewContext(ContextSize(c));
  std::vector<float> x, w;
  ggml_tensor* weights = Weights(context.get(), c, &w);
  ggml_tensor* node = ggml_mul_mat(context.get(), weights, Activations(context.get(), c, &x));
  std::vector<double> reference = Reference(c, x, w);
  Run theirs = Compute(context.get(), node, pools, 2, false);
  if (c.finish != Finish::kNone) {
    const End end(context.get(), c);
    for (size_t i = 0; i < reference.size(); ++i) {
      reference[i] = end(c, i, reference[i]);
      theirs.values[i] = float(end(c, i, theirs.values[i]));
    }
    Hold(true);
    FinishWith(node, c.finish, end.bias, end.residual);
    Release();
  }
  const Run ours = Compute(context.get(), node, pools, 1, true);
  bool is_equal = true;
  for (int threads : many_threads ? std::vector<int>{2, 3, 5, 8, 16} : std::vector<int>{2}) {
    const Run again = Compute(context.get(), node, pools, threads, true);
    is_equal = is_equal && SameBits(ours.values, again.values);
  }
  std::printf(
      "{\"set\":\"%s\",\"type\":\"%s\",\"m\":%d,\"k\":%d,\"n\":%d,\"values\":\"%s\",\"layout\":\"%"
      "s\","
      "\"finish\":\"%s\",\"isOurs\":%s,\"error\":%.6g,\"ggmlError\":%.6g,\"isEqual\":%s,"
      "\"badRows\":%d,\"badColumns\":%d}\n",
      InstructionSet(), ggml_type_name(c.type), c.m, c.k, c.n, kValues[int(c.values)],
      kLayouts[int(c.layout)], kFinishes[int(c.finish)], ours.is_ours ? "true" : "false",
      Error(ours.values, reference), Error(theirs.values, reference), is_equal ? "true" : "false",
      BadRows(ours.values, c.n), BadColumns(ours.values, c.n));
}

std::vector<Case> Cases(ggml_type type) {
  const int block = int(ggml_blck_size(type));
  std::vector<Case> cases;
  const auto add = [&](int m, int k, int n, Values values, Layout layout) {
    if (k % block == 0) cases.push_back({type, m, k, n, values, layout});
  };
  for (int m : {1, 2, 7, 31, 32, 33}) {
    for (int n : {1, 17, 48, 101}) add(m, 256, n, Values::kGaussian, Layout::kPlain);
  }
  // Several chats: each height of activations, and more rows of weights than are finished at once.
  for (int m : {2, 5, 16}) add(m, 512, 615, Values::kGaussian, Layout::kPlain);
  for (int k = 32; k <= 320; k += 32) {
    for (int m : {3, 9, 33}) add(m, k, 50, Values::kGaussian, Layout::kPlain);
    add(1, k, 66, Values::kGaussian, Layout::kPlain);
  }
  for (int k : {1, 8, 31, 33, 144, 155, 588}) {
    add(37, k, 50, Values::kGaussian, Layout::kStrided);
    add(1, k, 65, Values::kGaussian, Layout::kPlain);
  }
  for (int k : {1152, 1280, 4352, 4320}) {
    for (int m : {6, 20, 40}) {
      add(m, k, 65, Values::kGaussian, Layout::kPlain);
      add(m, k, 65, Values::kOutliers, Layout::kPlain);
    }
    add(1, k, 65, Values::kOutliers, Layout::kPlain);
  }
  add(729, 1280, 49, Values::kGaussian, Layout::kPlain);
  for (Layout layout : {Layout::kStrided, Layout::kBatched}) {
    for (int m : {4, 22, 66}) add(m, 768, 130, Values::kGaussian, layout);
  }
  for (Values values :
       {Values::kZeros, Values::kFull, Values::kTiny, Values::kHuge, Values::kLargest,
        Values::kSpread, Values::kNan, Values::kInfinite, Values::kBroken}) {
    for (int m : {1, 3, 18, 36}) add(m, 512, 66, values, Layout::kPlain);
  }
  for (Finish finish : {Finish::kBias, Finish::kBiasGelu, Finish::kBiasResidual}) {
    add(39, 1280, 101, Values::kGaussian, Layout::kPlain);
    cases.back().finish = finish;
  }
  if (type == GGML_TYPE_Q8_0 || type == GGML_TYPE_F16) {  // written past the caches
    add(801, 64, 771, Values::kGaussian, Layout::kPlain);
    cases.back().finish = Finish::kBiasResidual;
  }
  return cases;
}

// Of those that an emulator has time for.
bool IsInBrief(const Case& c, int i) {
  return i % 5 == 0 || c.finish != Finish::kNone || (c.values >= Values::kNan && c.m == 18);
}

void Speed(const Case& c, Pools& pools, int threads) {
  const ggml_context_ptr context = NewContext(ContextSize(c));
  std::vector<float> x, w;
  ggml_tensor* weights = Weights(context.get(), c, &w);
  ggml_tensor* node = ggml_mul_mat(context.get(), weights, Activations(context.get(), c, &x));
  double best[2] = {1e9, 1e9};
  for (int run = 0; run < 5; ++run) {
    for (int ours : {0, 1}) {
      best[ours] = std::min(best[ours], Compute(context.get(), node, pools, threads, ours).seconds);
    }
  }
  const double work = c.m == 1 ? double(ggml_nbytes(weights)) : 2.0 * c.m * c.k * c.n;
  std::printf("%-7s %4d rows, k %4d, n %6d: ggml %7.1f, ours %7.1f %s, %.2f times\n",
              ggml_type_name(c.type), c.m, c.k, c.n, work / best[0] / 1e9, work / best[1] / 1e9,
              c.m == 1 ? "GB/s" : "GOP/s", best[0] / best[1]);
  std::fflush(stdout);
}

int Main(int argc, char** argv) {
  if (!CpuRuns()) return kCannotRun;
  Register();
  Pools pools;
  if (argc > 1 && std::string(argv[1]) == "speed") {
    const int threads = argc > 2 ? std::atoi(argv[2]) : 1;
    for (ggml_type type : kTypes) {
      if (argc > 3 && std::string(argv[3]) != ggml_type_name(type)) continue;
      for (auto [m, k, n] : {std::tuple{729, 1152, 4320},
                             {512, 1024, 4864},
                             {512, 4864, 896},
                             {8, 1024, 4864},
                             {16, 1024, 50000},
                             {8, 1024, 50000},
                             {2, 1024, 50000},
                             {1, 1024, 50000}}) {
        if (k % ggml_blck_size(type) == 0) {
          Speed({type, m, k, n, Values::kGaussian, Layout::kPlain}, pools, threads);
        }
      }
    }
    return 0;
  }
  const bool is_brief = argc > 1 && std::string(argv[1]) == "brief";
  const std::string only = argc > 1 + is_brief ? argv[1 + is_brief] : "";
  for (ggml_type type : kTypes) {
    if (!TakesType(type) || (!only.empty() && only != ggml_type_name(type))) continue;
    int i = 0;
    for (const Case& c : Cases(type)) {
      if (!is_brief || IsInBrief(c, i)) Check(c, pools, i % 8 == 0);
      ++i;
    }
  }
  return 0;
}

}  // namespace
}  // namespace llavaov::kernels::test

int main(int argc, char** argv) { return llavaov::kernels::test::Main(argc, argv); }
