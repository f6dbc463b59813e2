// FLASH_ATTN_EXT as the hook knows it; the work is in attention.cc (many queries) and
// attention-few.cc (a row or a few over a long cache).
#pragma once

#include "product.h"

namespace llavaov::kernels {

// Null where the node is not ours: what this build cannot read, sinks, ALiBi, softcap.
Kernel AttentionKernel(const ggml_tensor* op);

// Says that what makes keys and values rounds them, as products of quantised weights do: then they
// may be multiplied in words, as those from caches of f16 and q8_0 are.
void SetRounded(ggml_tensor* op);

// The kernel for a row or a few for each head of keys; null where there are more. Of ours only.
Kernel FewQueries(const ggml_tensor* op);

}  // namespace llavaov::kernels
