#include "vision/cpu-ops.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstring>

namespace llavaov::cpu_ops {
namespace {

struct RowRange {
  int64_t first, end;
};

RowRange Share(const ggml_tensor* x, int ith, int nth) {
  const int64_t rows = ggml_nrows(x);
  return {rows * ith / nth, rows * (ith + 1) / nth};
}

float* Row(const ggml_tensor* x, int64_t row) {
  return static_cast<float*>(x->data) + row * x->ne[0];
}
const float* Values(const ggml_tensor* x) { return static_cast<const float*>(x->data); }

// Partial sums that the compiler turns into vectors; also closer to the exact sum than a single
// one.
constexpr int kLanes = 32;

template <typename Term>
float Sum(int64_t n, Term term) {
  float lanes[kLanes] = {};
  int64_t i = 0;
  for (; i + kLanes <= n; i += kLanes) {
    for (int lane = 0; lane < kLanes; ++lane) lanes[lane] += term(i + lane);
  }
  double sum = 0.0;
  for (; i < n; ++i) sum += term(i);
  for (float lane : lanes) sum += lane;
  return float(sum);
}

void LayerNormRow(const float* x, const float* weight, const float* bias, float epsilon, int64_t n,
                  float* out) {
  const float mean = Sum(n, [x](int64_t i) { return x[i]; }) / float(n);
  const float variance =
      Sum(n, [x, mean](int64_t i) { return (x[i] - mean) * (x[i] - mean); }) / float(n);
  const float scale = 1.0f / std::sqrt(variance + epsilon);
  for (int64_t i = 0; i < n; ++i) out[i] = (x[i] - mean) * scale * weight[i] + bias[i];
}

// e^x within 2 ulp for |x| < 60, free of branches so that loops over it vectorise. Beyond, whoever
// divides by it would get denormals, at a hundred cycles each.
inline float Exp(float x) {
  x = std::min(std::max(x, -60.0f), 60.0f);
  constexpr float kRound = 12582912.0f;  // 1.5 * 2^23: adding it leaves an integer in the low bits
  const float shifted = x * 1.44269504f + kRound;
  const float n = shifted - kRound;
  const float r = (x - n * 0.693145752f) - n * 1.42860677e-6f;
  const float p =
      ((((1.3888889e-3f * r + 8.3333333e-3f) * r + 4.1666668e-2f) * r + 0.16666667f) * r + 0.5f) *
          (r * r) +
      r + 1.0f;
  int32_t bits, exponent;
  std::memcpy(&bits, &p, sizeof bits);
  std::memcpy(&exponent, &shifted, sizeof exponent);
  bits += int32_t(uint32_t(exponent) << 23);
  float result;
  std::memcpy(&result, &bits, sizeof result);
  return result;
}

// 0.5 x (1 + tanh(u)) = x / (1 + e^-2u) with u = sqrt(2 / pi) (x + 0.044715 x³).
inline float GeluTanh(float x) {
  const float doubled = 1.595769122f * x * (1.0f + 0.044715f * x * x);
  return x / (1.0f + Exp(-doubled));
}

void LayerNormOp(ggml_tensor* out, const ggml_tensor* x, const ggml_tensor* weight,
                 const ggml_tensor* bias, int ith, int nth, void* epsilon) {
  const RowRange share = Share(x, ith, nth);
  for (int64_t row = share.first; row < share.end; ++row) {
    LayerNormRow(Row(x, row), Values(weight), Values(bias), *static_cast<const float*>(epsilon),
                 x->ne[0], Row(out, row));
  }
}

void BiasGeluOp(ggml_tensor* out, const ggml_tensor* x, const ggml_tensor* bias, int ith, int nth,
                void*) {
  const RowRange share = Share(x, ith, nth);
  const float* b = Values(bias);
  for (int64_t row = share.first; row < share.end; ++row) {
    float* values = Row(out, row);
    for (int64_t i = 0; i < x->ne[0]; ++i) values[i] = GeluTanh(values[i] + b[i]);
  }
}

void BiasResidualOp(ggml_tensor* out, const ggml_tensor* x, const ggml_tensor* bias,
                    const ggml_tensor* residual, int ith, int nth, void*) {
  const RowRange share = Share(x, ith, nth);
  const float* b = Values(bias);
  for (int64_t row = share.first; row < share.end; ++row) {
    float* values = Row(out, row);
    const float* r = Row(residual, row);
    for (int64_t i = 0; i < x->ne[0]; ++i) values[i] = r[i] + (values[i] + b[i]);
  }
}

}  // namespace

ggml_tensor* LayerNorm(ggml_context* context, ggml_tensor* x, ggml_tensor* weight,
                       ggml_tensor* bias, const float* epsilon) {
  return ggml_map_custom3(context, x, weight, bias, LayerNormOp, GGML_N_TASKS_MAX,
                          const_cast<float*>(epsilon));
}

ggml_tensor* BiasGelu(ggml_context* context, ggml_tensor* x, ggml_tensor* bias) {
  return ggml_map_custom2_inplace(context, x, bias, BiasGeluOp, GGML_N_TASKS_MAX, nullptr);
}

ggml_tensor* BiasResidual(ggml_context* context, ggml_tensor* x, ggml_tensor* bias,
                          ggml_tensor* residual) {
  return ggml_map_custom3_inplace(context, x, bias, residual, BiasResidualOp, GGML_N_TASKS_MAX,
                                  nullptr);
}

}  // namespace llavaov::cpu_ops
