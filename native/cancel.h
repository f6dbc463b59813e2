// A flag that one thread sets and long work on another polls.
#pragma once

#include <atomic>

#include "errors.h"

namespace llavaov {

using CancelFlag = std::atomic<bool>;

// `flag` may be null.
inline bool IsCancelled(const CancelFlag* flag) { return flag && flag->load(); }

inline void ThrowIfCancelled(const CancelFlag* flag) {
  if (IsCancelled(flag)) throw NativeError("ERR_CANCELLED", "Cancelled");
}

}  // namespace llavaov
