#include "static-objects.h"

#ifndef _WIN32
#include <dlfcn.h>

#include <atomic>
#include <cstdlib>
#include <new>
#endif

namespace llavaov {

#ifndef _WIN32

namespace {

std::atomic<void (*)()> g_call{nullptr};

struct StaticObject {
  void (*destroy)(void*);
  void* object;
};

void Destroy(void* self) {
  if (const auto call = g_call.load()) call();
  const auto* const known = static_cast<StaticObject*>(self);
  known->destroy(known->object);
  delete known;
}

}  // namespace

void BeforeStaticObjectsEnd(void (*call)()) {
  g_call = call;
  // Where all static objects lie in other libraries.
  [[maybe_unused]] static const int registered = std::atexit([] { g_call.load()(); });
}

#else

// Has ended all other threads by then.
void BeforeStaticObjectsEnd(void (*)()) {}

#endif

}  // namespace llavaov

#ifndef _WIN32

// What compilers call where a static object has been made. Hidden, so that only the addon's own
// code, llama.cpp's with it, calls this instead of the C library's.
extern "C" __attribute__((visibility("hidden"))) int __cxa_atexit(void (*destroy)(void*),
                                                                  void* object, void* addon) {
  using Register = int (*)(void (*)(void*), void*, void*);
  static const auto next = reinterpret_cast<Register>(dlsym(RTLD_DEFAULT, "__cxa_atexit"));
  auto* const known = new (std::nothrow) llavaov::StaticObject{destroy, object};
  return known && next ? next(llavaov::Destroy, known, addon) : -1;
}

#endif
