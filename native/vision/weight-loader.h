// Tensors on a backend, each made of tensors of a file: stacked row on row, with zero rows and
// columns where a kernel wants wider ones. Declare all, then Load once.
#pragma once

#include <ggml-cpp.h>

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "cancel.h"
#include "gguf/gguf-tensors.h"

namespace llavaov {

class WeightLoader {
 public:
  // A stored matrix [cols, groups * rows]; every group of rows grows to padded_rows.
  struct Part {
    std::string name;
    int64_t groups, rows, padded_rows;
  };

  // `n_max`: how many tensors there will be at most.
  WeightLoader(const GgufTensors& file, ggml_backend_t backend, size_t n_max);

  // A matrix [padded_cols, rows of all parts] in the parts' type; in f32 when their types differ.
  // Lies in the buffer where the backend multiplies this type fastest. Only unquantised types can
  // have padded columns.
  ggml_tensor* Matrix(const std::vector<Part>& parts, int64_t cols, int64_t padded_cols);
  // A vector [rows of all parts] in f32.
  ggml_tensor* Vector(const std::vector<Part>& parts);
  // A tensor of any shape read as an f32 matrix [padded_cols, rows].
  ggml_tensor* Floats(const GgufTensors::Tensor& tensor, int64_t cols, int64_t padded_cols);

  // Allocates and fills everything declared. Throws ERR_OUT_OF_MEMORY, ERR_MODEL_LOAD,
  // ERR_CANCELLED.
  void Load(const CancelFlag* cancel);

  // What the tensors live in, for the owner of the weights to keep.
  std::vector<ggml_context_ptr> TakeContexts();
  std::vector<ggml_backend_buffer_ptr> TakeBuffers() { return std::move(buffers_); }

 private:
  struct Source {
    GgufTensors::Tensor tensor;
    int64_t groups, rows, padded_rows;
  };
  struct Recipe {
    ggml_tensor* target;
    std::vector<Source> sources;
    int64_t cols, padded_cols;
  };

  ggml_context* ContextFor(ggml_backend_buffer_type_t type);
  ggml_backend_buffer_type_t BufferTypeFor(ggml_type type, int64_t cols, int64_t rows) const;
  void Fill(const Recipe& recipe) const;

  const GgufTensors& file_;
  ggml_backend_t backend_;
  size_t n_max_;
  std::map<ggml_backend_buffer_type_t, ggml_context_ptr> contexts_;
  std::vector<ggml_backend_buffer_ptr> buffers_;
  std::vector<Recipe> recipes_;
};

}  // namespace llavaov
