// Rows of a tensor to rows of another type, through f32: the one place where stored weights change
// type. Spread over threads; the result does not depend on how many.
#pragma once

#include <ggml.h>

#include <cstdint>

namespace llavaov {

// The types that tensors can be read from and written as, by ggml's name. GGML_TYPE_COUNT for any
// other name.
ggml_type WeightType(const char* name);

struct RowFormat {
  ggml_type source;
  ggml_type target;
  int64_t n_per_row;  // a multiple of both types' blocks
  // [n_per_row] or null: how much each column matters, positive and finite (see IsImportance).
  // Required where ggml_quantize_requires_imatrix says so.
  const float* importance;
};

// Whether ggml's searches can work with these weights: some abort the process on zeros, on NaN and
// on sums that overflow.
bool IsImportance(const float* values, size_t size);

// Converts `n_rows` rows, which may lie at any address, into `out`. Returns how many values are NaN
// or infinite, or would be in the target type; their place holds anything.
int64_t ConvertRows(const RowFormat& format, const uint8_t* rows, int64_t n_rows, uint8_t* out,
                    int threads);

}  // namespace llavaov
