#include <ggml-backend.h>
#include <ggml-cpu.h>
#include <ggml.h>
#include <llama.h>

#include <string>

#include "js/register.h"
#include "kernels/hook.h"
#include "kernels/table.h"
#include "llama/cores.h"
#include "llama/log.h"

namespace llavaov {
namespace {

Napi::Value BuildInfo(const Napi::CallbackInfo& info) {
  Napi::Object build = Napi::Object::New(info.Env());
  build.Set("llamaVersion", llama_version());
  build.Set("ggmlVersion", ggml_version());
  build.Set("ggmlCommit", ggml_commit());
#if defined(__clang__)
  build.Set("compiler", "clang " __clang_version__);
#elif defined(__GNUC__)
  build.Set("compiler", "gcc " __VERSION__);
#else
  build.Set("compiler", "msvc " + std::to_string(_MSC_VER));
#endif
  // By our patch of llama.cpp's source; libraries that others compiled have none.
#if defined(GGML_CPU_WAITING_THREADS_SLEEP) && !defined(LLAVAOV_LOAD_BACKENDS)
  build.Set("waitingThreadsSleep", true);
#else
  build.Set("waitingThreadsSleep", false);
#endif
  Napi::Array backends = Napi::Array::New(info.Env());
  for (size_t i = 0; i < ggml_backend_reg_count(); ++i) {
    backends.Set(uint32_t(i), ggml_backend_reg_name(ggml_backend_reg_get(i)));
  }
  build.Set("backends", backends);
  build.Set("systemInfo", llama_print_system_info());
  build.Set("startErrors", StartErrors());
  return build;
}

// What of the graphs our kernels compute on a CPU.
Napi::Value Kernels(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  const auto text = [&](const char* name) {
    return name ? Napi::Value(Napi::String::New(env, name)) : env.Null();
  };
  Napi::Object out = Napi::Object::New(env);
  out.Set("instructionSet", text(kernels::InstructionSet()));
  Napi::Array types = Napi::Array::New(env);
  for (const kernels::TypeEntry& entry : kernels::Table()) {
    Napi::Object type = Napi::Object::New(env);
    type.Set("type", ggml_type_name(entry.type));
    type.Set("many", text(entry.many));
    type.Set("leastRows", entry.least_rows);
    type.Set("few", text(entry.few));
    type.Set("one", text(entry.one));
    types.Set(types.Length(), type);
  }
  out.Set("types", types);
  const kernels::Counts counts = kernels::CountNodes();
  Napi::Object of = Napi::Object::New(env);
  of.Set("asked", double(counts.asked));
  of.Set("taken", double(counts.taken));
  out.Set("counts", of);
  return out;
}

}  // namespace

void RegisterSystem(Napi::Env env, Napi::Object exports) {
  exports.Set("buildInfo", Napi::Function::New(env, BuildInfo, "buildInfo"));
  exports.Set("kernels", Napi::Function::New(env, Kernels, "kernels"));
  const auto cores = [](const Napi::CallbackInfo& info) {
    return Napi::Number::New(info.Env(), PhysicalCores());
  };
  exports.Set("physicalCores", Napi::Function::New(env, cores, "physicalCores"));
}

}  // namespace llavaov
