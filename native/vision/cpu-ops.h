// Elementwise steps of the tower on a CPU, each one pass over memory where ggml's ops would take
// two to four, and without ggml's f16 table for GELU, whose error (2e-3) is above what an f32 file
// promises.
#pragma once

#include <ggml.h>

namespace llavaov::cpu_ops {

// (x - mean) / sqrt(variance + epsilon) * weight + bias over rows. `epsilon` outlives the graph.
ggml_tensor* LayerNorm(ggml_context* context, ggml_tensor* x, ggml_tensor* weight,
                       ggml_tensor* bias, const float* epsilon);

// gelu(x + bias) with tanh's approximation of GELU, in place.
ggml_tensor* BiasGelu(ggml_context* context, ggml_tensor* x, ggml_tensor* bias);

// x + bias + residual, in place of x.
ggml_tensor* BiasResidual(ggml_context* context, ggml_tensor* x, ggml_tensor* bias,
                          ggml_tensor* residual);

}  // namespace llavaov::cpu_ops
