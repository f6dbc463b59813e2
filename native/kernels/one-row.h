// A product with one row of activations, as the loops around it (row-loops.h) know it: how a type
// of weights wants the row packed, and dots of some rows of weights with it.
#pragma once

#include <ggml.h>

#include <cstddef>

namespace llavaov::kernels {

struct OneRow {
  int streams;  // rows of weights that dots takes side by side
  // Types whose `pack` is the same share a packed row. Null: the floats as they are. Part `part` of
  // `parts` is packed by each caller; parts are whole units of the packing.
  size_t (*size)(int k);
  void (*pack)(const float* row, int k, int part, int parts, void* to);
  void (*dots)(const char* const* rows, const void* packed, int k, float* sums);
};

constexpr int kMostStreams = 8;
constexpr int kMostPackings = 3;  // that the types have

// Null where the build has no kernel.
const OneRow* OneRowOf(ggml_type type);       // row-product.cc
const OneRow* FloatOneRowOf(ggml_type type);  // row-floats.cc, of f32, f16, bf16

}  // namespace llavaov::kernels
