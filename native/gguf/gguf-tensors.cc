#include "gguf/gguf-tensors.h"

#include <ggml.h>

#include <algorithm>
#include <utility>

namespace llavaov {
namespace {

bool SeekTo(FILE* file, uint64_t offset) {
#if defined(_WIN32)
  return _fseeki64(file, int64_t(offset), SEEK_SET) == 0;
#else
  return fseeko(file, off_t(offset), SEEK_SET) == 0;
#endif
}

std::string Describe(const GgufTensors::Shape& shape) {
  std::string text;
  for (int64_t size : shape) text += (text.empty() ? "" : ", ") + std::to_string(size);
  return "[" + text + "]";
}

}  // namespace

GgufTensors::GgufTensors(const GgufPath& where) : path_(where.path) {
  file_.reset(ggml_fopen(where.file.c_str(), "rb"));
  if (!file_) throw Error("the file cannot be opened");
  gguf_.reset(gguf_init_from_file_ptr(file_.get(), {/*.no_alloc =*/true, /*.ctx =*/nullptr}));
  if (!gguf_) throw Error("it is not a readable GGUF file");
}

std::optional<GgufTensors::Tensor> GgufTensors::Find(const std::string& name) const {
  const int64_t id = gguf_find_tensor(gguf_.get(), name.c_str());
  if (id < 0) return std::nullopt;
  const int64_t* ne = gguf_get_tensor_ne(gguf_.get(), id);
  int n_dims = GGML_MAX_DIMS;
  while (n_dims > 1 && ne[n_dims - 1] == 1) --n_dims;
  return Tensor{name, gguf_get_tensor_type(gguf_.get(), id), Shape(ne, ne + n_dims),
                gguf_get_data_offset(gguf_.get()) + gguf_get_tensor_offset(gguf_.get(), id),
                gguf_get_tensor_size(gguf_.get(), id)};
}

GgufTensors::Tensor GgufTensors::Require(const std::string& name, const Shape& shape) const {
  const std::optional<Tensor> tensor = Find(name);
  if (!tensor) throw Error("the tensor '" + name + "' is missing");
  Shape expected = shape;
  while (expected.size() > 1 && expected.back() == 1) expected.pop_back();
  if (tensor->shape != expected) {
    throw Error("the tensor '" + name + "' has shape " + Describe(tensor->shape) + " where " +
                Describe(expected) + " is expected");
  }
  if (!ggml_get_type_traits(tensor->type)->to_float && tensor->type != GGML_TYPE_F32) {
    throw Error("the tensor '" + name + "' cannot be of type " + ggml_type_name(tensor->type));
  }
  return *tensor;
}

std::vector<uint8_t> GgufTensors::Read(const Tensor& tensor) const {
  std::vector<uint8_t> bytes(tensor.bytes);
  if (!SeekTo(file_.get(), tensor.offset) ||
      std::fread(bytes.data(), 1, bytes.size(), file_.get()) != bytes.size()) {
    throw Error("the file ends inside the tensor '" + tensor.name + "'");
  }
  return bytes;
}

std::vector<float> GgufTensors::ReadFloats(const Tensor& tensor) const {
  const std::vector<uint8_t> bytes = Read(tensor);
  int64_t n = 1;
  for (int64_t size : tensor.shape) n *= size;
  std::vector<float> floats(n);
  if (tensor.type == GGML_TYPE_F32) {
    std::copy_n(reinterpret_cast<const float*>(bytes.data()), n, floats.data());
  } else {
    ggml_get_type_traits(tensor.type)->to_float(bytes.data(), floats.data(), n);
  }
  return floats;
}

NativeError GgufTensors::Error(const std::string& problem) const {
  return NativeError("ERR_MODEL_LOAD", "Cannot load " + path_ + ": " + problem, {{"path", path_}});
}

}  // namespace llavaov
