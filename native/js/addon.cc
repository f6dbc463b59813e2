// Registration only: the table of contents of the addon. The boundary is typed in src/binding.ts.
#include <napi.h>

#include <mutex>

#include "js/cancel-handle.h"
#include "js/grammar.h"
#include "js/instance-data.h"
#include "js/register.h"
#include "js/sampler.h"
#include "js/thread-pool.h"
#include "llama/log.h"

namespace llavaov {

Napi::Object Init(Napi::Env env, Napi::Object exports) {
  static std::once_flag once;
  std::call_once(once, [] { StartBackends(ForwardLog); });
  env.SetInstanceData(new InstanceData(env));

  exports.Set(Cancel::kName, Cancel::Define(env));
  exports.Set(GrammarHandle::kName, GrammarHandle::Define(env));
  exports.Set(Sampler::kName, Sampler::Define(env));
  exports.Set(ThreadPool::kName, ThreadPool::Define(env));
  RegisterContext(env, exports);
  RegisterDevices(env, exports);
  RegisterFeatureMap(env, exports);
  RegisterGgufWriter(env, exports);
  RegisterLog(env, exports);
  RegisterModel(env, exports);
  RegisterResize(env, exports);
  RegisterSystem(env, exports);
  RegisterVisionEncoder(env, exports);
  return exports;
}

}  // namespace llavaov

static Napi::Object Init(Napi::Env env, Napi::Object exports) {
  return llavaov::Init(env, exports);
}
NODE_API_MODULE(NODE_GYP_MODULE_NAME, Init)
