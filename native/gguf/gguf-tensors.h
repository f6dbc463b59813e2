// Tensors of one GGUF file: found by name, checked against an expected shape, read as stored or as
// f32.
#pragma once

#include <ggml-cpp.h>

#include <cstdint>
#include <cstdio>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "errors.h"

namespace llavaov {

struct GgufPath {
  std::string path;  // for messages
  std::string file;  // what is opened
};

class GgufTensors {
 public:
  // GGUF order, fastest dimension first.
  using Shape = std::vector<int64_t>;

  struct Tensor {
    std::string name;
    ggml_type type;
    Shape shape;
    uint64_t offset;  // in the file
    size_t bytes;
  };

  // Throws ERR_MODEL_LOAD, as everything below does.
  explicit GgufTensors(const GgufPath& where);

  // Nothing when the file has no tensor of this name.
  std::optional<Tensor> Find(const std::string& name) const;
  // The tensor, which must have this shape.
  Tensor Require(const std::string& name, const Shape& shape) const;

  // The bytes as stored, or widened to f32.
  std::vector<uint8_t> Read(const Tensor& tensor) const;
  std::vector<float> ReadFloats(const Tensor& tensor) const;

  NativeError Error(const std::string& problem) const;

 private:
  struct CloseFile {
    void operator()(FILE* file) const { std::fclose(file); }
  };

  std::string path_;
  std::unique_ptr<FILE, CloseFile> file_;
  gguf_context_ptr gguf_;
};

}  // namespace llavaov
