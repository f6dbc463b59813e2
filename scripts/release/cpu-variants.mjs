/**
 * The builds of which a platform package holds one file each, so that every CPU of the architecture runs the fastest
 * code it can. Names of features are those of native/js/cpu-features.cc, those of llama.cpp's switches are ggml's
 * (GGML_AVX2, ...). Only what its kernels or ours ask for is listed: a feature that none of them uses makes no variant.
 */

/** Every switch of ggml's of the x64 builds; what a variant does not name is off. */
const X64_SWITCHES = [
  ...['SSE42', 'AVX', 'F16C', 'FMA', 'BMI2', 'AVX2', 'AVX_VNNI', 'AVX512', 'AVX512_VBMI'],
  ...['AVX512_VNNI', 'AVX512_BF16', 'AMX_TILE', 'AMX_INT8', 'AMX_BF16'],
];

/** The features behind each switch. */
const X64_FEATURES = {
  SSE42: ['sse42'],
  AVX: ['avx'],
  F16C: ['f16c'],
  FMA: ['fma'],
  BMI2: ['bmi2'],
  AVX2: ['avx2'],
  AVX_VNNI: ['avxvnni'],
  AVX512: ['avx512f', 'avx512cd', 'avx512bw', 'avx512dq', 'avx512vl'],
  AVX512_VBMI: ['avx512vbmi'],
  AVX512_VNNI: ['avx512vnni'],
  AVX512_BF16: ['avx512bf16'],
  AMX_TILE: ['amx_tile'],
  AMX_INT8: ['amx_int8'],
  AMX_BF16: ['amx_bf16'],
  GFNI: ['gfni'],
};

const V3 = ['SSE42', 'AVX', 'F16C', 'FMA', 'BMI2', 'AVX2'];
const V4 = [...V3, 'AVX512'];
const V4_BF16 = [...V4, 'AVX512_VBMI', 'AVX512_VNNI', 'AVX512_BF16', 'GFNI'];
const AMX = ['AMX_TILE', 'AMX_INT8', 'AMX_BF16'];

/** Best first. The comments name the first CPUs that have it. */
const X64 = {
  'x64-amx': [...V4_BF16, ...AMX], // Sapphire Rapids
  'x64-v4-bf16': V4_BF16, // Zen 4
  'x64-v4-vnni': [...V4, 'AVX512_VNNI'], // Cascade Lake, Ice Lake, Cooper Lake (bf16, but no VBMI)
  'x64-v4': V4, // Skylake-SP
  'x64-v3-vnni': [...V3, 'AVX_VNNI', 'GFNI'], // Alder Lake
  'x64-v3': V3, // Haswell, Zen
  'x64-v2': ['SSE42'], // Nehalem, and Atoms to this day; sharp runs on nothing older either
};

/** GGML_CPU_ARM_ARCH and its features. */
const ARM64 = {
  'arm64-sve': ['armv8.6-a+dotprod+fp16+i8mm+sve', ['dotprod', 'fp16', 'i8mm', 'sve']], // Neoverse V1, N2
  'arm64-v8.6': ['armv8.6-a+dotprod+fp16+i8mm', ['dotprod', 'fp16', 'i8mm']], // Apple M2, Oryon
  'arm64-v8.2': ['armv8.2-a+dotprod+fp16', ['dotprod', 'fp16']], // Neoverse N1, Cortex-A76, Apple M1
  arm64: ['armv8-a', []],
};

/** What the platform's compiler cannot make, or no machine of the platform has. */
const LEFT_OUT = {
  // MSVC has neither AMX nor bf16 (ggml/src/CMakeLists.txt of llama.cpp v0.5.0).
  'win32-x64': ['x64-amx', 'x64-v4-bf16'],
  'win32-arm64': ['arm64-sve'],
  'darwin-x64': ['x64-amx', 'x64-v4-bf16', 'x64-v3-vnni'],
  'darwin-arm64': ['arm64-sve', 'arm64'],
};

/**
 * @param platform as process.platform
 * @param arch as process.arch
 * @returns { name, needs, defines } each, best first; `defines` are for CMake
 */
export function cpuVariants(platform, arch) {
  const leftOut = LEFT_OUT[`${platform}-${arch}`] ?? [];
  const all = arch === 'x64' ? x64Variants(platform) : arch === 'arm64' ? arm64Variants() : [];
  const left = all.filter(({ name }) => !leftOut.includes(name));
  // Apple's CPUs begin at arm64-v8.2: nothing to ask there.
  if (platform === 'darwin' && arch === 'arm64') left.push({ ...left.pop(), needs: [] });
  return left;
}

/**
 * A GPU package has one build, as large as all CPU variants together, for the CPUs found beside such GPUs.
 * @returns as cpuVariants()
 */
export function gpuVariants(platform, arch) {
  return cpuVariants(platform, arch).filter(
    ({ name }) => name === (arch === 'x64' ? 'x64-v3' : 'arm64-v8.2'),
  );
}

function x64Variants(platform) {
  // MSVC's AVX2 has these two, and ggml no switches for them there.
  const switches = X64_SWITCHES.filter(
    (name) => platform !== 'win32' || !/^(FMA|F16C|AMX)/.test(name),
  );
  return Object.entries(X64).map(([name, on]) => ({
    name,
    needs: on.flatMap((feature) => X64_FEATURES[feature]),
    defines: [
      ...switches.map((feature) => `-DGGML_${feature}=${on.includes(feature) ? 'ON' : 'OFF'}`),
      `-DLLAVAOV_GFNI=${on.includes('GFNI') ? 'ON' : 'OFF'}`, // our kernels' alone
    ],
  }));
}

function arm64Variants() {
  return Object.entries(ARM64).map(([name, [march, needs]]) => ({
    name,
    needs,
    defines: [`-DGGML_CPU_ARM_ARCH=${march}`],
  }));
}
