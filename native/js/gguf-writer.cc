// The JavaScript class around GgufFile.
#include <algorithm>

#include "gguf/gguf-file.h"
#include "js/async-handle.h"
#include "js/register.h"

namespace llavaov {
namespace {

class GgufWriter : public AsyncHandle<GgufWriter, GgufFile> {
 public:
  static constexpr const char* kName = "GgufWriter";
  static std::vector<Property> Members();
  explicit GgufWriter(const Napi::CallbackInfo& info);

 private:
  void SetValue(const Napi::CallbackInfo& info);
  void SetArray(const Napi::CallbackInfo& info);
  Napi::Value SetStrings(const Napi::CallbackInfo& info);
  Napi::Value CopyMetadata(const Napi::CallbackInfo& info);
  void AddTensor(const Napi::CallbackInfo& info);
  void Seek(const Napi::CallbackInfo& info);
  Napi::Value Begin(const Napi::CallbackInfo& info);
  Napi::Value Write(const Napi::CallbackInfo& info);
  Napi::Value Finish(const Napi::CallbackInfo& info);
};

constexpr int64_t kMaxSafeInteger = (int64_t(1) << 53) - 1;

GgufFile::Mode ModeOf(const Napi::CallbackInfo& info, const std::string& name) {
  if (name == "write") return GgufFile::Mode::kWrite;
  if (name == "check") return GgufFile::Mode::kCheck;
  if (name == "pieces") return GgufFile::Mode::kPieces;
  if (name == "header") return GgufFile::Mode::kHeader;
  throw InvalidArgument(info.Env(), "mode", "write, check, pieces or header");
}

}  // namespace

std::vector<GgufWriter::Property> GgufWriter::Members() {
  return {InstanceMethod("setValue", &GgufWriter::SetValue),
          InstanceMethod("setArray", &GgufWriter::SetArray),
          InstanceMethod("setStrings", &GgufWriter::SetStrings),
          InstanceMethod("copyMetadata", &GgufWriter::CopyMetadata),
          InstanceMethod("addTensor", &GgufWriter::AddTensor),
          InstanceMethod("begin", &GgufWriter::Begin),
          InstanceMethod("seek", &GgufWriter::Seek),
          InstanceMethod("write", &GgufWriter::Write),
          InstanceMethod("finish", &GgufWriter::Finish)};
}

GgufWriter::GgufWriter(const Napi::CallbackInfo& info) : Base(info) {
  const int threads = info[1].IsUndefined() ? 1 : int(IntArg(info[1], "threads", 1, 512));
  const std::string mode = info[2].IsUndefined() ? "write" : StringArg(info[2], "mode");
  resource_ = std::make_shared<GgufFile>(TextArg(info[0], "path"), threads, ModeOf(info, mode));
}

void GgufWriter::SetValue(const Napi::CallbackInfo& info) {
  const std::string key = StringArg(info[0], "key");
  const std::string type = StringArg(info[1], "type");
  const Napi::Value value = info[2];
  const auto file = Idle(info.Env());
  Rethrow(info.Env(), [&] {
    gguf_context* meta = file->MetadataFor(key);
    if (type == "u32") {
      gguf_set_val_u32(meta, key.c_str(), uint32_t(IntArg(value, "value", 0, UINT32_MAX)));
    } else if (type == "u16") {
      gguf_set_val_u16(meta, key.c_str(), uint16_t(IntArg(value, "value", 0, UINT16_MAX)));
    } else if (type == "i32") {
      gguf_set_val_i32(meta, key.c_str(), int32_t(IntArg(value, "value")));
    } else if (type == "u64") {
      gguf_set_val_u64(meta, key.c_str(), uint64_t(IntArg(value, "value", 0, kMaxSafeInteger)));
    } else if (type == "f32") {
      gguf_set_val_f32(meta, key.c_str(), float(NumberArg(value, "value")));
    } else if (type == "bool") {
      gguf_set_val_bool(meta, key.c_str(), BoolArg(value, "value"));
    } else if (type == "string") {
      gguf_set_val_str(meta, key.c_str(), TextArg(value, "value").c_str());
    } else {
      throw InvalidArgument(info.Env(), "type", "u16, u32, i32, u64, f32, bool or string");
    }
  });
}

void GgufWriter::SetArray(const Napi::CallbackInfo& info) {
  const std::string key = StringArg(info[0], "key");
  const std::string type = StringArg(info[1], "type");
  const Napi::Value values = info[2];
  const auto file = Idle(info.Env());
  Rethrow(info.Env(), [&] {
    gguf_context* meta = file->MetadataFor(key);
    const auto set = [&](gguf_type element, const auto& span) {
      gguf_set_arr_data(meta, key.c_str(), element, span.data, span.size);
    };
    if (type == "i32") {
      set(GGUF_TYPE_INT32, Int32Arg(values, "values"));
    } else if (type == "u32") {
      set(GGUF_TYPE_UINT32, Uint32Arg(values, "values"));
    } else if (type == "f32") {
      set(GGUF_TYPE_FLOAT32, Float32Arg(values, "values"));
    } else {
      throw InvalidArgument(info.Env(), "type", "i32, u32 or f32");
    }
  });
}

Napi::Value GgufWriter::SetStrings(const Napi::CallbackInfo& info) {
  const std::string key = StringArg(info[0], "key");
  const Span<uint8_t> texts = BytesArg(info[1], "texts");
  const auto file = Idle(info.Env());
  return Async(info.Env(), {info[1]}, [=] {
    file->SetStrings(key, reinterpret_cast<const char*>(texts.data), texts.size);
    return Undefined;
  });
}

Napi::Value GgufWriter::CopyMetadata(const Napi::CallbackInfo& info) {
  const std::string path = TextArg(info[0], "path");
  const std::vector<std::string> except = TextsArg(info[1], "except");
  const auto file = Idle(info.Env());
  return Async(info.Env(), {}, [=] {
    file->CopyMetadata(path, except);
    return Undefined;
  });
}

void GgufWriter::AddTensor(const Napi::CallbackInfo& info) {
  const std::string name = StringArg(info[0], "name");
  const std::string type = StringArg(info[1], "type");
  if (!info[2].IsArray()) throw InvalidArgument(info.Env(), "shape", "an array of integers");
  const Napi::Array sizes = info[2].As<Napi::Array>();
  std::vector<int64_t> shape;
  for (uint32_t i = 0; i < std::min(sizes.Length(), 16u); ++i) {
    shape.push_back(IntArg(sizes[i], "shape", 1, INT32_MAX));
  }
  const auto file = Idle(info.Env());
  Rethrow(info.Env(), [&] { file->AddTensor(name, type, shape); });
}

Napi::Value GgufWriter::Begin(const Napi::CallbackInfo& info) {
  return Async(info.Env(), {}, [file = Idle(info.Env())] {
    file->Begin();
    return Undefined;
  });
}

void GgufWriter::Seek(const Napi::CallbackInfo& info) {
  const int64_t tensor = IntArg(info[0], "tensor", 0, INT32_MAX);
  const auto file = Idle(info.Env());
  Rethrow(info.Env(), [&] { file->Seek(size_t(tensor)); });
}

Napi::Value GgufWriter::Write(const Napi::CallbackInfo& info) {
  GgufFile::Rows rows = {StringArg(info[0], "sourceType"), nullptr, 0, nullptr, 0};
  const Span<uint8_t> bytes = BytesArg(info[1], "rows");
  rows.data = bytes.data;
  rows.size = bytes.size;
  std::vector<Napi::Value> keep = {info[1]};
  if (!info[2].IsUndefined() && !info[2].IsNull()) {
    const Span<float> importance = Float32Arg(info[2], "importance");
    rows.importance = importance.data;
    rows.n_importance = importance.size;
    keep.push_back(info[2]);
  }
  const auto file = Idle(info.Env());
  Rethrow(info.Env(), [&] { file->CheckRows(rows); });
  return Async(info.Env(), std::move(keep), [=] {
    const int64_t bad_values = file->Write(rows);
    return [=](Napi::Env env) { return Napi::Number::New(env, double(bad_values)); };
  });
}

Napi::Value GgufWriter::Finish(const Napi::CallbackInfo& info) {
  return Async(info.Env(), {}, [file = Idle(info.Env())] {
    file->Finish();
    return Undefined;
  });
}

void RegisterGgufWriter(Napi::Env env, Napi::Object exports) {
  exports.Set(GgufWriter::kName, GgufWriter::Define(env));
}

}  // namespace llavaov
