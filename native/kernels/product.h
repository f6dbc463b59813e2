// What the hook knows of a product: for a type of weights, how much of ggml's work buffer it wants
// and the work itself, which every thread of the pool calls. Null where the build has no kernel.
#pragma once

#include <ggml.h>

#include <cstddef>

struct ggml_compute_params;

namespace llavaov::kernels {

struct Kernel {
  size_t (*work)(int threads, const ggml_tensor* op) = nullptr;
  void (*run)(const ggml_compute_params* params, ggml_tensor* op) = nullptr;
  bool finishes = false;  // as finish.h says
  explicit operator bool() const { return run != nullptr; }
};

// Many rows of activations.
Kernel ByteProduct(ggml_type type);      // product-bytes.cc
Kernel WordProduct(ggml_type type);      // product-words.cc
Kernel StrassenProduct(ggml_type type);  // product-strassen.cc
Kernel FloatProduct(ggml_type type);     // product-floats.cc
Kernel TileProduct(ggml_type type);      // product-tiles.cc
// A few, from two on, where they have a kernel of their own.
Kernel FewRowsProduct(ggml_type type);  // few-rows.cc
Kernel FewTileProduct(ggml_type type);  // few-tiles.cc
// One row.
Kernel RowProduct(ggml_type type);       // row-product.cc
Kernel FloatRowProduct(ggml_type type);  // row-floats.cc, of f32, f16, bf16

}  // namespace llavaov::kernels
