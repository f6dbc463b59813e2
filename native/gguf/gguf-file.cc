#include "gguf/gguf-file.h"

#include <algorithm>
#include <cerrno>
#include <cmath>
#include <cstring>
#include <filesystem>

#include "gguf/row-converter.h"

#if defined(_WIN32)
#include <io.h>
#else
#include <fcntl.h>
#include <unistd.h>
#endif

namespace llavaov {
namespace {

constexpr int64_t kMaxTensorBytes = int64_t(1) << 42;
constexpr uint64_t kFlushBytes = 8 << 20;

bool SyncToDisk(FILE* file) {
#if defined(_WIN32)
  return _commit(_fileno(file)) == 0;
#else
  // Pipes and character devices cannot be synced.
  return fsync(fileno(file)) == 0 || errno == EINVAL || errno == ENOTSUP;
#endif
}

// Lets the disk work while the next rows are converted, instead of all at once in the final sync.
void StartFlushing(FILE* file, uint64_t from, uint64_t to) {
#if defined(__linux__)
  sync_file_range(fileno(file), off64_t(from), off64_t(to - from), SYNC_FILE_RANGE_WRITE);
#else
  (void)file, (void)from, (void)to;
#endif
}

// So that what is read afterwards comes from the disk.
void ForgetCached(FILE* file) {
#if defined(__linux__)
  posix_fadvise(fileno(file), 0, 0, POSIX_FADV_DONTNEED);
#else
  (void)file;
#endif
}

}  // namespace

GgufFile::GgufFile(std::string path, int threads, Mode mode)
    : path_(std::move(path)), threads_(threads), mode_(mode), meta_(gguf_init_empty()) {}

GgufFile::~GgufFile() {
  if (writing_.valid()) writing_.wait();
  if (file_) std::fclose(file_);
  if (!begun_ || finished_ || mode_ != Mode::kWrite) return;
  std::error_code ignored;
  const auto path = std::filesystem::u8path(path_);
  // Never a device that the caller named as the target.
  if (std::filesystem::is_regular_file(path, ignored)) std::filesystem::remove(path, ignored);
}

gguf_context* GgufFile::MetadataFor(const std::string& key) {
  if (begun_) throw Invalid("key", Format("Set '%s' before begin()", key.c_str()));
  if (key.empty() || key.find('\0') != std::string::npos) {
    throw Invalid("key", "Expected a key that is not empty and has no NUL");
  }
  if (key == GGUF_KEY_GENERAL_ALIGNMENT) {
    throw Invalid("key", Format("'%s' is fixed at %d", key.c_str(), GGUF_DEFAULT_ALIGNMENT));
  }
  if (gguf_find_key(meta_.get(), key.c_str()) != -1) {
    throw Invalid("key", Format("Key '%s' is already set", key.c_str()));
  }
  return meta_.get();
}

void GgufFile::SetStrings(const std::string& key, const char* texts, size_t size) {
  gguf_context* meta = MetadataFor(key);
  if (size > 0 && texts[size - 1] != '\0')
    throw Invalid("texts", "Expected a NUL behind each text");
  std::vector<const char*> starts;
  for (size_t at = 0; at < size; at += strlen(texts + at) + 1) starts.push_back(texts + at);
  gguf_set_arr_str(meta, key.c_str(), starts.data(), starts.size());
}

void GgufFile::CopyMetadata(const std::string& path, const std::vector<std::string>& except) {
  if (begun_ || gguf_get_n_kv(meta_.get()) > 0) {
    throw Invalid("path", "Expected copyMetadata() before anything else");
  }
  const gguf_context_ptr source(gguf_init_from_file(path.c_str(), {/*no_alloc=*/true, nullptr}));
  if (!source) {
    throw NativeError("ERR_MODEL_LOAD", Format("Cannot load %s: no GGUF file", path.c_str()),
                      {{"path", path}});
  }
  gguf_set_kv(meta_.get(), source.get());
  gguf_remove_key(meta_.get(), GGUF_KEY_GENERAL_ALIGNMENT);  // we lay files out by the default
  for (const std::string& key : except) gguf_remove_key(meta_.get(), key.c_str());
}

void GgufFile::AddTensor(const std::string& name, const std::string& type_name,
                         const std::vector<int64_t>& shape) {
  if (begun_) throw Invalid("name", Format("Declare tensor '%s' before begin()", name.c_str()));
  if (name.empty() || name.size() >= GGML_MAX_NAME || name.find('\0') != std::string::npos) {
    throw Invalid("name", Format("Expected a tensor name of 1 to %d bytes but received '%s'",
                                 GGML_MAX_NAME - 1, name.c_str()));
  }
  if (gguf_find_tensor(meta_.get(), name.c_str()) != -1) {
    throw Invalid("name", Format("Tensor '%s' is already declared", name.c_str()));
  }
  const ggml_type type = WeightType(type_name.c_str());
  if (type == GGML_TYPE_COUNT) {
    throw Invalid("type", Format("Cannot write tensor '%s' as '%s': expected f32, f16, bf16 or a "
                                 "block type such as q8_0",
                                 name.c_str(), type_name.c_str()));
  }
  if (shape.empty() || shape.size() > GGML_MAX_DIMS) {
    throw Invalid("shape", Format("Expected 1 to %d dimensions for tensor '%s' but received %zu",
                                  GGML_MAX_DIMS, name.c_str(), shape.size()));
  }
  double bytes = double(ggml_type_size(type)) / double(ggml_blck_size(type));
  for (int64_t n : shape) bytes *= double(n);
  if (bytes <= 0 || bytes > double(kMaxTensorBytes)) {
    throw Invalid("shape", Format("Tensor '%s' would take %.0f bytes", name.c_str(), bytes));
  }
  if (shape[0] % ggml_blck_size(type) != 0) {
    throw Invalid("shape", Format("Expected rows of a multiple of %lld values for %s tensor '%s' "
                                  "but received %lld",
                                  (long long)ggml_blck_size(type), type_name.c_str(), name.c_str(),
                                  (long long)shape[0]));
  }
  const ggml_context_ptr scratch(ggml_init({ggml_tensor_overhead(), nullptr, /*no_alloc=*/true}));
  ggml_tensor* tensor = ggml_new_tensor(scratch.get(), type, int(shape.size()), shape.data());
  ggml_set_name(tensor, name.c_str());
  gguf_add_tensor(meta_.get(), tensor);
  tensors_.push_back({name, type, shape[0], ggml_nrows(tensor)});
}

void GgufFile::FailWriting() {
  const int cause = errno;
  const std::string reason = cause ? std::strerror(cause) : "unknown error";
  std::vector<ErrorField> fields = {{"path", path_}};
  if (cause == ENOSPC) fields.emplace_back("system", "ENOSPC");
#if defined(EDQUOT)
  if (cause == EDQUOT) fields.emplace_back("system", "EDQUOT");
#endif
  throw NativeError("ERR_WRITE", Format("Cannot write %s: %s", path_.c_str(), reason.c_str()),
                    std::move(fields));
}

void GgufFile::Append(const std::vector<uint8_t>& bytes, const std::string& what) {
  if (mode_ == Mode::kCheck) return Compare(bytes, what);
  errno = 0;
  if (std::fwrite(bytes.data(), 1, bytes.size(), file_) != bytes.size()) FailWriting();
  file_bytes_ += bytes.size();
  if (file_bytes_ - flushed_bytes_ < kFlushBytes) return;
  StartFlushing(file_, flushed_bytes_, file_bytes_);
  flushed_bytes_ = file_bytes_;
}

void GgufFile::MoveTo(size_t tensor) {
  const uint64_t at =
      gguf_get_meta_size(meta_.get()) + gguf_get_tensor_offset(meta_.get(), int64_t(tensor));
  errno = 0;
#if defined(_WIN32)
  const int failed = _fseeki64(file_, int64_t(at), SEEK_SET);
#else
  const int failed = fseeko(file_, off_t(at), SEEK_SET);
#endif
  if (failed) FailWriting();
  file_bytes_ = flushed_bytes_ = at;
}

void GgufFile::Compare(const std::vector<uint8_t>& bytes, const std::string& what) {
  stored_.resize(bytes.size());
  const size_t size = std::fread(stored_.data(), 1, bytes.size(), file_);
  if (size != bytes.size() || std::memcmp(stored_.data(), bytes.data(), size) != 0) FailCheck(what);
}

void GgufFile::FailCheck(const std::string& what) {
  throw NativeError("ERR_WRITE",
                    Format("%s: %s is not what was written", path_.c_str(), what.c_str()),
                    {{"path", path_}});
}

void GgufFile::Settle() {
  if (!writing_.valid()) return;
  failed_ = true;
  writing_.get();
  failed_ = false;
}

void GgufFile::Begin() {
  if (begun_ || failed_) throw Invalid("begin", "Expected one call of begin()");
  begun_ = true;
  errno = 0;
  const char* how = mode_ == Mode::kCheck ? "rb" : mode_ == Mode::kWrite ? "wb" : "r+b";
  file_ = ggml_fopen(path_.c_str(), how);
  if (!file_) {
    begun_ = false;  // nothing of ours to delete
    failed_ = true;
    FailWriting();
  }
  std::vector<uint8_t> header(gguf_get_meta_size(meta_.get()));
  gguf_get_meta_data(meta_.get(), header.data());
  std::setvbuf(file_, nullptr, _IONBF, 0);  // what is appended is large
  failed_ = true;
  if (mode_ == Mode::kCheck) ForgetCached(file_);
  if (mode_ != Mode::kPieces) Append(header, "its header");
  if (mode_ == Mode::kHeader) current_ = tensors_.size();
  has_moved_ = mode_ == Mode::kPieces;
  failed_ = false;
}

void GgufFile::Seek(size_t tensor) {
  if (mode_ != Mode::kPieces || !begun_ || finished_ || rows_done_ > 0 ||
      tensor >= tensors_.size()) {
    throw Invalid("tensor", "Expected seek() to a tensor in pieces, between whole ones");
  }
  current_ = tensor;
  has_moved_ = true;
}

void GgufFile::CheckRows(const Rows& rows) const {
  if (!begun_ || finished_ || failed_) {
    throw Invalid("rows", "Expected write() between begin() and finish(), and no earlier failure");
  }
  const ggml_type type = WeightType(rows.source_type.c_str());
  if (type == GGML_TYPE_COUNT) {
    throw Invalid("sourceType",
                  Format("Expected f32, f16, bf16 or a block type for sourceType but received '%s'",
                         rows.source_type.c_str()));
  }
  if (current_ == tensors_.size()) throw Invalid("rows", "Every declared tensor is complete");
  const Tensor& tensor = tensors_[current_];
  CheckImportance(rows, tensor);
  const bool has_whole_blocks = tensor.n_per_row % ggml_blck_size(type) == 0;
  const size_t row_bytes = has_whole_blocks ? ggml_row_size(type, tensor.n_per_row) : 0;
  const int64_t missing = tensor.n_rows - rows_done_;
  if (row_bytes == 0 || rows.size == 0 || rows.size % row_bytes != 0 ||
      int64_t(rows.size / row_bytes) > missing) {
    throw Invalid("rows", Format("Expected 1 to %lld whole %s rows of %zu bytes for tensor '%s' "
                                 "but received %zu bytes",
                                 (long long)missing, rows.source_type.c_str(), row_bytes,
                                 tensor.name.c_str(), rows.size));
  }
}

void GgufFile::CheckImportance(const Rows& rows, const Tensor& tensor) const {
  if (!rows.importance) {
    if (!ggml_quantize_requires_imatrix(tensor.type)) return;
    throw Invalid("importance", Format("Tensor '%s' cannot be %s without importances",
                                       tensor.name.c_str(), ggml_type_name(tensor.type)));
  }
  if (int64_t(rows.n_importance) != tensor.n_per_row ||
      !IsImportance(rows.importance, rows.n_importance)) {
    throw Invalid("importance", Format("Expected %lld positive importances for tensor '%s'",
                                       (long long)tensor.n_per_row, tensor.name.c_str()));
  }
}

int64_t GgufFile::Write(const Rows& rows) {
  const Tensor& tensor = tensors_[current_];
  const ggml_type type = WeightType(rows.source_type.c_str());
  const int64_t n_rows = int64_t(rows.size / ggml_row_size(type, tensor.n_per_row));
  const bool is_last = rows_done_ + n_rows == tensor.n_rows;
  const uint64_t row_bytes = ggml_row_size(tensor.type, tensor.n_per_row);
  const uint64_t tensor_bytes = row_bytes * uint64_t(tensor.n_rows);
  const uint64_t padding = GGML_PAD(tensor_bytes, GGUF_DEFAULT_ALIGNMENT) - tensor_bytes;

  std::vector<uint8_t>& out = buffers_[turn_];
  out.resize(row_bytes * n_rows + (is_last ? padding : 0));
  if (is_last) std::fill_n(out.end() - padding, padding, 0);
  const RowFormat format = {type, tensor.type, tensor.n_per_row, rows.importance};
  const int64_t bad_values = ConvertRows(format, rows.data, n_rows, out.data(), threads_);

  Settle();
  if (has_moved_) {
    failed_ = true;
    MoveTo(current_);
    failed_ = has_moved_ = false;
  }
  // Where the system gives no thread it is written when it is waited for.
  writing_ = std::async(std::launch::async | std::launch::deferred,
                        [this, &out, what = "tensor '" + tensor.name + "'"] { Append(out, what); });
  turn_ = 1 - turn_;
  rows_done_ += n_rows;
  if (is_last) {
    ++current_;
    rows_done_ = 0;
  }
  return bad_values;
}

void GgufFile::Finish() {
  if (!begun_ || finished_ || failed_) {
    throw Invalid("finish", "Expected finish() once, after begin() and with no earlier failure");
  }
  if (mode_ == Mode::kPieces ? rows_done_ > 0 : current_ < tensors_.size()) {
    const Tensor& tensor = tensors_[current_];
    throw Invalid("finish", Format("Tensor '%s' has %lld of %lld rows", tensor.name.c_str(),
                                   (long long)rows_done_, (long long)tensor.n_rows));
  }
  Settle();
  failed_ = true;  // until everything below has succeeded
  errno = 0;
  if (mode_ == Mode::kCheck) {
    if (std::fgetc(file_) != EOF) FailCheck("its length");
  } else if (std::fflush(file_) != 0 || !SyncToDisk(file_)) {
    FailWriting();
  }
  FILE* file = file_;
  file_ = nullptr;
  if (std::fclose(file) != 0) FailWriting();
  failed_ = false;
  finished_ = true;
}

}  // namespace llavaov
