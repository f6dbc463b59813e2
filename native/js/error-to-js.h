// NativeError as what JavaScript catches: an Error with the code and the fields.
#pragma once

#include <napi.h>

#include <string>
#include <variant>

#include "errors.h"

namespace llavaov {

// JS thread only.
inline Napi::Error ToJs(Napi::Env env, const NativeError& native) {
  Napi::Error error = Napi::Error::New(env, native.what());
  Napi::Object object = error.Value();
  object.Set("code", native.code());
  for (const auto& [name, value] : native.fields()) {
    std::visit([&, &key = name](const auto& field) { object.Set(key, field); }, value);
  }
  return error;
}

// Runs checks that throw NativeError on the JS thread.
template <typename Checks>
auto Rethrow(Napi::Env env, Checks&& checks) {
  try {
    return checks();
  } catch (const NativeError& error) {
    throw ToJs(env, error);
  }
}

}  // namespace llavaov
