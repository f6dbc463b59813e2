// What instruction sets the CPU has and the operating system lets programs use: features(), names
// as in ggml and gcc, lower case, without dots. Loaded before any other addon to choose among
// builds of it, so this file is compiled for the oldest CPU of its architecture and needs no C++
// library.
#include <node_api.h>
#include <stdint.h>

#if defined(__x86_64__) || defined(_M_X64)
#define LLAVAOV_X64
#if defined(_MSC_VER)
#include <intrin.h>
#else
#include <cpuid.h>
#endif
#elif defined(__aarch64__) || defined(_M_ARM64)
#define LLAVAOV_ARM64
#if defined(__linux__)
#include <sys/auxv.h>
#elif defined(_WIN32)
#include <windows.h>
#endif
#endif
#if defined(__APPLE__)
#include <sys/sysctl.h>
#endif

namespace {

struct Feature {
  const char* name;
  bool is_there;
};

#if defined(__APPLE__)
bool Sysctl(const char* name) {
  int value = 0;
  size_t size = sizeof value;
  return sysctlbyname(name, &value, &size, nullptr, 0) == 0 && value != 0;
}
#endif

#if defined(LLAVAOV_X64)

struct Registers {
  uint32_t a, b, c, d;
};

// Zeros where the CPU has no such leaf.
Registers Cpuid(uint32_t leaf, uint32_t part) {
  Registers r = {0, 0, 0, 0};
#if defined(_MSC_VER)
  int values[4];
  __cpuid(values, 0);
  if (uint32_t(values[0]) < leaf) return r;
  __cpuidex(values, int(leaf), int(part));
  r = {uint32_t(values[0]), uint32_t(values[1]), uint32_t(values[2]), uint32_t(values[3])};
#else
  __get_cpuid_count(leaf, part, &r.a, &r.b, &r.c, &r.d);
#endif
  return r;
}

// Which registers the operating system saves: bits of XCR0.
uint64_t SavedRegisters() {
#if defined(_MSC_VER)
  return _xgetbv(0);
#else
  uint32_t low, high;
  __asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
  return uint64_t(high) << 32 | low;
#endif
}

bool Bit(uint32_t value, int bit) { return value >> bit & 1; }

// Intel SDM volume 2A, CPUID; volume 1, 13.3 for XCR0.
template <typename Take>
void Detect(Take take) {
  const Registers one = Cpuid(1, 0), seven = Cpuid(7, 0);
  const Registers seven1 = seven.a >= 1 ? Cpuid(7, 1) : Registers{0, 0, 0, 0};
  const uint64_t saved = Bit(one.c, 27) ? SavedRegisters() : 0;
  constexpr uint64_t kYmm = 0x6, kZmm = 0xe6, kTiles = 0x60000;
  const bool ymm = (saved & kYmm) == kYmm;
#if defined(__APPLE__)
  // macOS turns the wide registers on at a program's first use of them.
  const bool zmm = ymm && Sysctl("hw.optional.avx512f");
#else
  const bool zmm = (saved & kZmm) == kZmm;
#endif
  const bool tiles = (saved & kTiles) == kTiles;
  const Feature features[] = {
      {"ssse3", Bit(one.c, 9)},
      {"sse42", Bit(one.c, 20)},
      {"avx", ymm && Bit(one.c, 28)},
      {"f16c", ymm && Bit(one.c, 29)},
      {"fma", ymm && Bit(one.c, 12)},
      {"avx2", ymm && Bit(seven.b, 5)},
      {"bmi2", Bit(seven.b, 8)},
      {"avxvnni", ymm && Bit(seven1.a, 4)},
      {"gfni", ymm && Bit(seven.c, 8)},
      {"avx512f", zmm && Bit(seven.b, 16)},
      {"avx512cd", zmm && Bit(seven.b, 28)},
      {"avx512bw", zmm && Bit(seven.b, 30)},
      {"avx512dq", zmm && Bit(seven.b, 17)},
      {"avx512vl", zmm && Bit(seven.b, 31)},
      {"avx512vbmi", zmm && Bit(seven.c, 1)},
      {"avx512vnni", zmm && Bit(seven.c, 11)},
      {"avx512bf16", zmm && Bit(seven1.a, 5)},
      {"amx_bf16", tiles && Bit(seven.d, 22)},
      {"amx_tile", tiles && Bit(seven.d, 24)},
      {"amx_int8", tiles && Bit(seven.d, 25)},
  };
  for (const Feature& feature : features) take(feature);
}

#elif defined(LLAVAOV_ARM64) && defined(__linux__)

// The kernel's arch/arm64/include/uapi/asm/hwcap.h; old headers lack the newer names.
template <typename Take>
void Detect(Take take) {
  const uint64_t caps = getauxval(AT_HWCAP), caps2 = getauxval(AT_HWCAP2);
  const auto has = [](uint64_t value, int bit) { return (value >> bit & 1) != 0; };
  const Feature features[] = {
      {"dotprod", has(caps, 20)}, {"fp16", has(caps, 9) && has(caps, 10)},
      {"i8mm", has(caps2, 13)},   {"bf16", has(caps2, 14)},
      {"sve", has(caps, 22)},     {"sve2", has(caps2, 1)},
      {"sme", has(caps2, 23)},
  };
  for (const Feature& feature : features) take(feature);
}

#elif defined(LLAVAOV_ARM64) && defined(__APPLE__)

// SVE exists there in SME's streaming mode only, which is not what builds with SVE use.
template <typename Take>
void Detect(Take take) {
  const Feature features[] = {
      {"dotprod", Sysctl("hw.optional.arm.FEAT_DotProd")},
      {"fp16", Sysctl("hw.optional.arm.FEAT_FP16")},
      {"i8mm", Sysctl("hw.optional.arm.FEAT_I8MM")},
      {"bf16", Sysctl("hw.optional.arm.FEAT_BF16")},
      {"sme", Sysctl("hw.optional.arm.FEAT_SME")},
  };
  for (const Feature& feature : features) take(feature);
}

#elif defined(LLAVAOV_ARM64) && defined(_WIN32)

// winnt.h's PF_ARM_* of Windows 11 24H2. Older systems answer no to numbers they do not know; of
// fp16, because every CPU that they run on has both or neither, dotprod tells too.
template <typename Take>
void Detect(Take take) {
  const Feature features[] = {
      {"dotprod", IsProcessorFeaturePresent(43) != 0},
      {"fp16", IsProcessorFeaturePresent(67) != 0 || IsProcessorFeaturePresent(43) != 0},
      {"i8mm", IsProcessorFeaturePresent(66) != 0},
      {"bf16", IsProcessorFeaturePresent(68) != 0},
      {"sve", IsProcessorFeaturePresent(46) != 0},
      {"sve2", IsProcessorFeaturePresent(47) != 0},
      {"sme", IsProcessorFeaturePresent(70) != 0},
  };
  for (const Feature& feature : features) take(feature);
}

#else

template <typename Take>
void Detect(Take) {}

#endif

napi_value Features(napi_env env, napi_callback_info) {
  napi_value names;
  if (napi_create_array(env, &names) != napi_ok) return nullptr;
  uint32_t count = 0;
  Detect([&](const Feature& feature) {
    napi_value name;
    if (feature.is_there &&
        napi_create_string_utf8(env, feature.name, NAPI_AUTO_LENGTH, &name) == napi_ok) {
      napi_set_element(env, names, count++, name);
    }
  });
  return names;
}

napi_value Init(napi_env env, napi_value exports) {
  napi_value function;
  if (napi_create_function(env, "features", NAPI_AUTO_LENGTH, Features, nullptr, &function) ==
      napi_ok) {
    napi_set_named_property(env, exports, "features", function);
  }
  return exports;
}

}  // namespace

NAPI_MODULE(NODE_GYP_MODULE_NAME, Init)
