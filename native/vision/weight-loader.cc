#include "vision/weight-loader.h"

#include <ggml-cpu.h>

#include <cstring>
#include <utility>

#include "kernels/hook.h"
#include "kernels/table.h"
#include "llama/devices.h"

namespace llavaov {
namespace {

int64_t PaddedRows(const std::vector<WeightLoader::Part>& parts) {
  int64_t rows = 0;
  for (const WeightLoader::Part& part : parts) rows += part.groups * part.padded_rows;
  return rows;
}

// Whether `device` multiplies a [cols, rows] matrix of `type` that lies in a buffer of
// `buffer_type`.
bool CanMultiply(ggml_backend_dev_t device, ggml_backend_buffer_type_t buffer_type, ggml_type type,
                 int64_t cols, int64_t rows) {
  const ggml_context_ptr context(ggml_init({ggml_tensor_overhead() * 4, nullptr, true}));
  ggml_tensor* weight = ggml_new_tensor_2d(context.get(), type, cols, rows);
  ggml_tensor* input = ggml_new_tensor_2d(context.get(), GGML_TYPE_F32, cols, 512);
  ggml_tensor* product = ggml_mul_mat(context.get(), weight, input);
  const ggml_backend_buffer_ptr empty(ggml_backend_buft_alloc_buffer(buffer_type, 0));
  weight->buffer = empty.get();
  return empty && ggml_backend_dev_supports_op(device, product);
}

}  // namespace

WeightLoader::WeightLoader(const GgufTensors& file, ggml_backend_t backend, size_t n_max)
    : file_(file), backend_(backend), n_max_(n_max) {}

ggml_tensor* WeightLoader::Matrix(const std::vector<Part>& parts, int64_t cols,
                                  int64_t padded_cols) {
  Recipe recipe = {nullptr, {}, cols, padded_cols};
  for (const Part& part : parts) {
    recipe.sources.push_back({file_.Require(part.name, {cols, part.groups * part.rows}),
                              part.groups, part.rows, part.padded_rows});
  }
  ggml_type type = recipe.sources[0].tensor.type;
  for (const Source& source : recipe.sources) {
    if (source.tensor.type != type) type = GGML_TYPE_F32;
  }
  const int64_t rows = PaddedRows(parts);
  const ggml_backend_buffer_type_t buffer_type = BufferTypeFor(type, padded_cols, rows);
  recipe.target = ggml_new_tensor_2d(ContextFor(buffer_type), type, padded_cols, rows);
  recipes_.push_back(recipe);
  return recipe.target;
}

ggml_tensor* WeightLoader::Vector(const std::vector<Part>& parts) {
  Recipe recipe = {nullptr, {}, 1, 1};
  for (const Part& part : parts) {
    recipe.sources.push_back({file_.Require(part.name, {part.groups * part.rows}), part.groups,
                              part.rows, part.padded_rows});
  }
  ggml_context* context = ContextFor(ggml_backend_get_default_buffer_type(backend_));
  recipe.target = ggml_new_tensor_1d(context, GGML_TYPE_F32, PaddedRows(parts));
  recipes_.push_back(recipe);
  return recipe.target;
}

ggml_tensor* WeightLoader::Floats(const GgufTensors::Tensor& tensor, int64_t cols,
                                  int64_t padded_cols) {
  int64_t rows = 1;
  for (int64_t size : tensor.shape) rows *= size;
  rows /= cols;
  ggml_context* context = ContextFor(ggml_backend_get_default_buffer_type(backend_));
  ggml_tensor* target = ggml_new_tensor_2d(context, GGML_TYPE_F32, padded_cols, rows);
  recipes_.push_back({target, {{tensor, 1, rows, rows}}, cols, padded_cols});
  return target;
}

void WeightLoader::Load(const CancelFlag* cancel) {
  for (const auto& [type, context] : contexts_) {
    buffers_.emplace_back(ggml_backend_alloc_ctx_tensors_from_buft(context.get(), type));
    if (!buffers_.back()) {
      size_t needed = 0;
      for (const Recipe& recipe : recipes_) needed += ggml_nbytes(recipe.target);
      throw OutOfMemory(
          Format("No memory for the vision tower's weights of %.0f MB", double(needed) / 1e6),
          {ggml_backend_get_device(backend_)}, double(needed));
    }
    ggml_backend_buffer_set_usage(buffers_.back().get(), GGML_BACKEND_BUFFER_USAGE_WEIGHTS);
  }
  for (const Recipe& recipe : recipes_) {
    ThrowIfCancelled(cancel);
    Fill(recipe);
  }
}

std::vector<ggml_context_ptr> WeightLoader::TakeContexts() {
  std::vector<ggml_context_ptr> contexts;
  for (auto& [type, context] : contexts_) contexts.push_back(std::move(context));
  return contexts;
}

ggml_context* WeightLoader::ContextFor(ggml_backend_buffer_type_t type) {
  ggml_context_ptr& context = contexts_[type];
  if (!context) context.reset(ggml_init({ggml_tensor_overhead() * n_max_, nullptr, true}));
  return context.get();
}

ggml_backend_buffer_type_t WeightLoader::BufferTypeFor(ggml_type type, int64_t cols,
                                                       int64_t rows) const {
  ggml_backend_dev_t device = ggml_backend_get_device(backend_);
  const ggml_backend_buffer_type_t plain = ggml_backend_get_default_buffer_type(backend_);
  const bool is_cpu = ggml_backend_is_cpu(backend_);
  if (is_cpu && kernels::IsEnabled() && kernels::TakesType(type)) return plain;
  // A CPU backend may offer layouts made for its widest multiply instructions (repacked, AMX).
  const auto extra_types =
      reinterpret_cast<ggml_backend_dev_get_extra_bufts_t>(ggml_backend_reg_get_proc_address(
          ggml_backend_dev_backend_reg(device), "ggml_backend_dev_get_extra_bufts"));
  for (auto* next = extra_types ? extra_types(device) : nullptr; next && *next; ++next) {
    if (CanMultiply(device, *next, type, cols, rows)) return *next;
  }
  if ((is_cpu && !ggml_get_type_traits_cpu(type)->vec_dot) ||
      !CanMultiply(device, plain, type, cols, rows)) {
    throw file_.Error(std::string("this machine's ") + ggml_backend_name(backend_) +
                      " backend cannot multiply matrices of type " + ggml_type_name(type));
  }
  return plain;
}

void WeightLoader::Fill(const Recipe& recipe) const {
  ggml_tensor* target = recipe.target;
  std::vector<uint8_t> rows(ggml_nbytes(target));  // zeros: in every type a block of zeros is 0
  const size_t row_size = ggml_row_size(target->type, recipe.cols);
  const size_t padded_row_size = ggml_row_size(target->type, recipe.padded_cols);
  uint8_t* group = rows.data();
  for (const Source& source : recipe.sources) {
    std::vector<uint8_t> bytes;
    std::vector<float> floats;
    const uint8_t* from;
    if (source.tensor.type == target->type) {
      bytes = file_.Read(source.tensor);
      from = bytes.data();
    } else {
      floats = file_.ReadFloats(source.tensor);
      from = reinterpret_cast<const uint8_t*>(floats.data());
    }
    for (int64_t g = 0; g < source.groups; ++g, group += source.padded_rows * padded_row_size) {
      for (int64_t r = 0; r < source.rows; ++r, from += row_size) {
        std::memcpy(group + r * padded_row_size, from, row_size);
      }
    }
  }
  ggml_backend_tensor_set(target, rows.data(), 0, rows.size());
}

}  // namespace llavaov
