#include "table.h"

#include <ggml-backend.h>

#include <cstring>

#include "attention.h"
#include "simd.h"
#include "tiles.h"

namespace llavaov::kernels {
namespace {

#if defined(LLAVAOV_NEON)
constexpr int kFewRows = 2, kFewSigned = kFewRows;
#elif !defined(LLAVAOV_VNNI)
constexpr int kFewRows = 4, kFewSigned = 8;
#elif defined(LLAVAOV_WIDE)
constexpr int kFewRows = 2, kFewSigned = kFewRows;
#else
constexpr int kFewRows = 3, kFewSigned = kFewRows;
#endif
// From which bf16 in tiles is the fastest, as measured; where few rows have tiles of their own.
constexpr int kTileRows = 32, kTileRowsBeyondFew = 33;
constexpr int kStrassenRows = 33;      // for 32 packing takes more instructions than it saves
constexpr int64_t kLeastColumns = 64;  // of one row's product: fewer are not worth the threads

struct ManyRows {
  Kernel kernel;
  const char* name;
};

ManyRows KernelForMany(ggml_type type) {
  if (const Kernel kernel = ByteProduct(type)) return {kernel, "int8"};
  if (const Kernel kernel = WordProduct(type)) return {kernel, "int16"};
  if (const Kernel kernel = FloatProduct(type)) return {kernel, "f32"};
  return {};
}

// Below these rows kernels that unpack nothing are as fast (measured): those of few-rows.cc, else
// ggml's own.
int LeastRows(ggml_type type) {
  switch (type) {
    case GGML_TYPE_F16:
    case GGML_TYPE_BF16:
      return 32;
    case GGML_TYPE_F32:
      return 8;
    case GGML_TYPE_Q8_0:
    case GGML_TYPE_IQ4_NL:
      return kFewSigned;
    case GGML_TYPE_Q2_K:
    case GGML_TYPE_Q3_K:
      return 5;
    default:
      return kFewRows;
  }
}

int LeastTileRows(ggml_type type) { return FewTileProduct(type) ? kTileRowsBeyondFew : kTileRows; }

// Weights in one plain matrix by rows of floats, wherever the rows lie.
bool IsPlainProduct(const ggml_tensor* op) {
  const ggml_tensor *w = op->src[0], *x = op->src[1];
  if (x->type != GGML_TYPE_F32 || op->type != GGML_TYPE_F32) return false;
  if (w->ne[2] != 1 || w->ne[3] != 1 || w->nb[0] != ggml_type_size(w->type)) return false;
  if (x->nb[0] != sizeof(float) || !ggml_is_contiguous(op) || ggml_nelements(op) == 0) return false;
  // Weights in a layout of their own (repacked, AMX) are not ours.
  return !w->buffer || ggml_backend_buffer_is_host(w->buffer);
}

Kernel ProductFor(const ggml_tensor* op) {
  if (!IsPlainProduct(op)) return {};
  const ggml_type type = op->src[0]->type;
  const int64_t rows = ggml_nrows(op->src[1]);
  if (rows == 1) return op->src[0]->ne[1] >= kLeastColumns ? RowProduct(type) : Kernel();
  const bool is_many = rows >= LeastTileRows(type);
  if (const Kernel kernel = is_many ? TileProduct(type) : FewTileProduct(type)) return kernel;
  if (rows >= kStrassenRows) {
    if (const Kernel kernel = StrassenProduct(type)) return kernel;
  }
  return rows >= LeastRows(type) ? KernelForMany(type).kernel : FewRowsProduct(type);
}

}  // namespace

Kernel KernelFor(const ggml_tensor* op) {
  if (op->op == GGML_OP_MUL_MAT) return ProductFor(op);
  if (op->op == GGML_OP_FLASH_ATTN_EXT) return AttentionKernel(op);
  return {};
}

bool TakesType(ggml_type type) { return bool(KernelForMany(type).kernel); }

bool LeavesRepacked() { return !RowProduct(GGML_TYPE_Q8_0); }

std::vector<TypeEntry> Table() {
  std::vector<TypeEntry> table;
  for (const ggml_type type :
       {GGML_TYPE_F32, GGML_TYPE_F16, GGML_TYPE_BF16, GGML_TYPE_Q8_0, GGML_TYPE_Q5_1,
        GGML_TYPE_Q5_0, GGML_TYPE_Q4_1, GGML_TYPE_Q4_0, GGML_TYPE_IQ4_NL, GGML_TYPE_Q6_K,
        GGML_TYPE_Q5_K, GGML_TYPE_Q4_K, GGML_TYPE_Q3_K, GGML_TYPE_Q2_K}) {
    const ManyRows many = KernelForMany(type);
    const char* one = !RowProduct(type) ? nullptr : ggml_is_quantized(type) ? "int8" : "f32";
    const char* few = FewRowsProduct(type) ? "f32" : nullptr;
    if (TileProduct(type)) {
      table.push_back({type, "bf16", LeastTileRows(type), few ? few : many.name, one});
    } else if (StrassenProduct(type)) {
      table.push_back({type, "int16", kStrassenRows, many.name, one});
    } else {
      table.push_back({type, many.name, LeastRows(type), few, one});
    }
  }
  return table;
}

const char* InstructionSet() {
#if defined(LLAVAOV_WIDE) && defined(LLAVAOV_VNNI)
  return HasTiles() ? "AMX" : "AVX-512 VNNI";
#elif defined(LLAVAOV_WIDE)
  return "AVX-512";
#elif defined(LLAVAOV_VNNI)
  return "AVX-VNNI";
#elif defined(LLAVAOV_NEON) && defined(LLAVAOV_BYTES)
  return "NEON dotprod";
#elif defined(LLAVAOV_NEON)
  return "NEON";
#elif defined(LLAVAOV_KERNELS)
  return "AVX2";
#else
  return nullptr;
#endif
}

}  // namespace llavaov::kernels
