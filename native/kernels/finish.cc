#include "finish.h"

#include "hook.h"
#include "table.h"

namespace llavaov::kernels {
namespace {

// ggml's own products know two sources and two of the sixteen parameters.
constexpr int kParam = 8, kBias = 2, kResidual = 3;

bool IsRow(const ggml_tensor* x, int64_t width) {
  return x->type == GGML_TYPE_F32 && ggml_is_contiguous(x) && ggml_nelements(x) == width;
}

}  // namespace

bool FinishWith(ggml_tensor* product, Finish finish, ggml_tensor* bias, ggml_tensor* residual) {
  if (!IsEnabled() || !KernelFor(product).finishes || !IsRow(bias, product->ne[0])) return false;
  const bool fits = !residual || (residual->type == GGML_TYPE_F32 && ggml_is_contiguous(residual) &&
                                  ggml_are_same_shape(residual, product));
  if (!fits) return false;
  product->op_params[kParam] = int32_t(finish);
  product->src[kBias] = bias;
  product->src[kResidual] = residual;
  return true;
}

Finish FinishOf(const ggml_tensor* product) { return Finish(product->op_params[kParam]); }

}  // namespace llavaov::kernels
