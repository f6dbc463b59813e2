#include <ggml-backend.h>
#include <ggml-cpu.h>
#include <ggml.h>
#include <llama.h>

#include <string>

#include "js/register.h"
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

}  // namespace

void RegisterSystem(Napi::Env env, Napi::Object exports) {
  exports.Set("buildInfo", Napi::Function::New(env, BuildInfo, "buildInfo"));
  const auto cores = [](const Napi::CallbackInfo& info) {
    return Napi::Number::New(info.Env(), PhysicalCores());
  };
  exports.Set("physicalCores", Napi::Function::New(env, cores, "physicalCores"));
}

}  // namespace llavaov
