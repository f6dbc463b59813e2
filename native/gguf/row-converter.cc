#include "gguf/row-converter.h"

#include <ggml-cpu.h>

#include <algorithm>
#include <atomic>
#include <cmath>
#include <cstring>
#include <future>
#include <limits>
#include <vector>

namespace llavaov {
namespace {

constexpr int64_t kChunk = 1 << 16;  // values at a time: stays in the second-level cache
constexpr float kMinImportance = 1e-20f;
constexpr float kMaxImportance = 1e12f;

constexpr ggml_type kTypes[] = {
    GGML_TYPE_F32,     GGML_TYPE_F16,   GGML_TYPE_BF16,    GGML_TYPE_Q4_0,   GGML_TYPE_Q4_1,
    GGML_TYPE_Q5_0,    GGML_TYPE_Q5_1,  GGML_TYPE_Q8_0,    GGML_TYPE_Q2_K,   GGML_TYPE_Q3_K,
    GGML_TYPE_Q4_K,    GGML_TYPE_Q5_K,  GGML_TYPE_Q6_K,    GGML_TYPE_IQ4_NL, GGML_TYPE_IQ4_XS,
    GGML_TYPE_IQ1_S,   GGML_TYPE_IQ1_M, GGML_TYPE_IQ2_XXS, GGML_TYPE_IQ2_XS, GGML_TYPE_IQ2_S,
    GGML_TYPE_IQ3_XXS, GGML_TYPE_IQ3_S, GGML_TYPE_TQ1_0,   GGML_TYPE_TQ2_0,  GGML_TYPE_Q1_0,
    GGML_TYPE_Q2_0};

// The smallest magnitude that no longer rounds to a finite value. Blocks hold an f16 scale.
float Limit(ggml_type type) {
  if (type == GGML_TYPE_F32) return std::numeric_limits<float>::infinity();
  if (type == GGML_TYPE_BF16) return 0x1.FFp127f;
  return 65520.0f;
}

// One thread's share of the work, with its own scratch memory.
class RowConverter {
 public:
  explicit RowConverter(const RowFormat& format) : format_(format) {}

  int64_t Convert(const uint8_t* rows, int64_t n_rows, uint8_t* out) {
    const ggml_type target = format_.target;
    const int64_t n = n_rows * format_.n_per_row;
    ToFloat(rows, n);
    const float limit = Limit(target);
    int64_t bad = 0;
    for (float value : floats_) bad += !(std::fabs(value) < limit);
    if (bad > 0 && ggml_is_quantized(target)) {  // block searches assume finite values
      for (float& value : floats_) {
        if (!(std::fabs(value) < limit)) value = 0;
      }
    }
    if (format_.source == target) {
      std::memcpy(out, rows, n_rows * ggml_row_size(target, format_.n_per_row));
    } else if (target == GGML_TYPE_F16) {
      ggml_cpu_fp32_to_fp16(floats_.data(), reinterpret_cast<ggml_fp16_t*>(out), n);
    } else {
      ggml_quantize_chunk(target, floats_.data(), out, 0, n_rows, format_.n_per_row,
                          format_.importance);
    }
    return bad;
  }

 private:
  void ToFloat(const uint8_t* rows, int64_t n) {
    const ggml_type source = format_.source;
    floats_.resize(n);
    const size_t size = n / ggml_blck_size(source) * ggml_type_size(source);
    if (source == GGML_TYPE_F32) {
      std::memcpy(floats_.data(), rows, size);
      return;
    }
    aligned_.resize(size);
    std::memcpy(aligned_.data(), rows, size);
    if (source == GGML_TYPE_F16) {
      const auto* halves = reinterpret_cast<const ggml_fp16_t*>(aligned_.data());
      ggml_cpu_fp16_to_fp32(halves, floats_.data(), n);
    } else if (source == GGML_TYPE_BF16) {
      const auto* halves = reinterpret_cast<const uint16_t*>(aligned_.data());
      for (int64_t i = 0; i < n; ++i) {
        const uint32_t bits = uint32_t(halves[i]) << 16;
        std::memcpy(&floats_[i], &bits, sizeof bits);
      }
    } else {
      ggml_get_type_traits(source)->to_float(aligned_.data(), floats_.data(), n);
    }
  }

  RowFormat format_;
  std::vector<uint8_t> aligned_;
  std::vector<float> floats_;
};

}  // namespace

ggml_type WeightType(const char* name) {
  for (ggml_type type : kTypes) {
    if (std::strcmp(ggml_type_name(type), name) == 0) return type;
  }
  return GGML_TYPE_COUNT;
}

bool IsImportance(const float* values, size_t size) {
  return std::all_of(values, values + size, [](float value) {
    return value >= kMinImportance && value <= kMaxImportance;
  });
}

int64_t ConvertRows(const RowFormat& format, const uint8_t* rows, int64_t n_rows, uint8_t* out,
                    int threads) {
  const size_t source_bytes = ggml_row_size(format.source, format.n_per_row);
  const size_t target_bytes = ggml_row_size(format.target, format.n_per_row);
  const int64_t step = std::max<int64_t>(1, kChunk / format.n_per_row);
  const int64_t n_chunks = (n_rows + step - 1) / step;
  ggml_quantize_init(format.target);  // makes the search grids once
  std::atomic<int64_t> next{0};
  std::atomic<int64_t> bad{0};
  const auto work = [&] {
    RowConverter converter(format);
    for (int64_t chunk; (chunk = next++) < n_chunks;) {
      const int64_t first = chunk * step;
      bad += converter.Convert(rows + first * source_bytes, std::min(step, n_rows - first),
                               out + first * target_bytes);
    }
  };
  // Futures wait when they end and hand on what a helper throws; threads would end the process.
  std::vector<std::future<void>> helpers;
  for (int64_t i = 1; i < std::min<int64_t>(threads, n_chunks); ++i) {
    // Deferred where the system gives no more threads: when it is asked for, nothing is left to do.
    helpers.push_back(std::async(std::launch::async | std::launch::deferred, work));
  }
  work();
  for (auto& helper : helpers) helper.get();
  return bad;
}

}  // namespace llavaov
