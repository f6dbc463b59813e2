// What a product does with its results while they are in registers: a bias for each column, then
// GELU or a sum with a residual. A node of ggml's own would read and write the whole matrix again.
#pragma once

#include <ggml.h>

namespace llavaov::kernels {

enum class Finish { kNone, kBias, kBiasGelu, kBiasResidual };

// Has `product`, a MUL_MAT, end so. `bias` is one row of floats; `residual`, of the product's
// shape, only where it is asked for. False, and nothing is changed, where no kernel of ours
// computes this product, or not as it is planned now (Hold): the graph then needs nodes for it.
bool FinishWith(ggml_tensor* product, Finish finish, ggml_tensor* bias,
                ggml_tensor* residual = nullptr);

Finish FinishOf(const ggml_tensor* product);

}  // namespace llavaov::kernels
