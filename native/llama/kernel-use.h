// That a decoder or tower computes with our kernels or ggml's own, for as long as it lives.
#pragma once

#include "errors.h"
#include "kernels/hook.h"

namespace llavaov {

class KernelUse {
 public:
  explicit KernelUse(bool ours) {
    if (kernels::Hold(ours)) return;
    throw Invalid("kernels", Format("Expected kernels '%s', as the models that this process has "
                                    "loaded, but received '%s'; dispose of them first",
                                    ours ? "ggml" : "auto", ours ? "auto" : "ggml"));
  }
  ~KernelUse() { kernels::Release(); }
  KernelUse(const KernelUse&) = delete;
  KernelUse& operator=(const KernelUse&) = delete;
};

}  // namespace llavaov
