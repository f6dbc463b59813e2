// Writes one GGUF file in a single pass: metadata and tensor list first, then the tensors' rows in
// declared order, converted as they stream by; while rows are being converted, the ones before are
// being written. Or a file in several passes, some tensors at a time. ggml's own gguf_* functions
// lay the file out; they abort on misuse, so everything is checked before they see it.
#pragma once

#include <ggml-cpp.h>

#include <cstdio>
#include <future>
#include <string>
#include <vector>

#include "errors.h"

namespace llavaov {

class GgufFile {
 public:
  // kCheck reads the file back instead of writing it, and fails where it is not what would be
  // written. kPieces writes some tensors into a file that is there, and leaves all else alone;
  // kHeader writes the header into one.
  enum class Mode { kWrite, kCheck, kPieces, kHeader };
  GgufFile(std::string path, int threads, Mode mode);
  ~GgufFile();  // deletes what kWrite began and did not finish
  GgufFile(const GgufFile&) = delete;

  // Header, before Begin. All throw NativeError.
  gguf_context* MetadataFor(const std::string& key);  // the place of a new key
  // An array of strings, each with its NUL behind.
  void SetStrings(const std::string& key, const char* texts, size_t size);
  void CopyMetadata(const std::string& path, const std::vector<std::string>& except);
  void AddTensor(const std::string& name, const std::string& type,
                 const std::vector<int64_t>& shape);

  void Begin();
  // The tensor that the next rows are of; in pieces only, between whole tensors.
  void Seek(size_t tensor);
  struct Rows {
    std::string source_type;
    const uint8_t* data;
    size_t size;
    const float* importance;  // of the columns; may be null
    size_t n_importance;
  };
  // Throws unless these are whole rows of the current tensor, no more than it still lacks.
  void CheckRows(const Rows& rows) const;
  // After CheckRows. Returns how many values are not finite or not in the tensor's type.
  int64_t Write(const Rows& rows);
  void Finish();

 private:
  struct Tensor {
    std::string name;
    ggml_type type;
    int64_t n_per_row;
    int64_t n_rows;
  };

  void CheckImportance(const Rows& rows, const Tensor& tensor) const;
  void Append(const std::vector<uint8_t>& bytes, const std::string& what);
  void MoveTo(size_t tensor);
  void Compare(const std::vector<uint8_t>& bytes, const std::string& what);
  // Waits for the write in flight. Throws what it threw.
  void Settle();
  [[noreturn]] void FailWriting();
  [[noreturn]] void FailCheck(const std::string& what);

  std::string path_;
  int threads_;
  Mode mode_;
  gguf_context_ptr meta_;
  std::vector<Tensor> tensors_;
  FILE* file_ = nullptr;
  bool begun_ = false;
  bool finished_ = false;
  bool failed_ = false;
  size_t current_ = 0;
  bool has_moved_ = false;      // the file is not yet where the current tensor begins
  int64_t rows_done_ = 0;       // of the current tensor
  uint64_t file_bytes_ = 0;     // where the file is
  uint64_t flushed_bytes_ = 0;  // on their way to the disk
  // Appended in turns; `writing_` is the other one's.
  std::vector<uint8_t> buffers_[2];
  int turn_ = 0;
  std::vector<uint8_t> stored_;  // read back
  std::future<void> writing_;
};

}  // namespace llavaov
