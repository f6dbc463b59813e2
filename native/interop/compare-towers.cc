// clip.cpp's vision tower behind two pipes, for tests and benchmarks that compare ours with it:
//
//   llava-onevision-compare-towers MMPROJ THREADS [softmax]
//
// Each line `TILE ROWS` on stdin encodes one RGB tile file [image_size, image_size, 3], writes its
// rows [n_patches, n_projection] in f32 and answers with the milliseconds it took. By default
// clip.cpp chooses its attention as it would anywhere; `softmax` takes the one that sums in f32.
// `clip.h` is internal to libmtmd and changes between releases: this builds against the pinned tree
// only.
#include <clip-impl.h>
#include <clip.h>
#include <ggml-cpp.h>

#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <iostream>
#include <iterator>
#include <sstream>
#include <stdexcept>
#include <string>
#include <vector>

namespace {

struct Preprocessing {
  int image_size;
  float mean[3], std[3];
};

int64_t RequireKey(const gguf_context* file, const char* key) {
  const int64_t id = gguf_find_key(file, key);
  if (id < 0) throw std::runtime_error(std::string("missing key ") + key);
  return id;
}

void ReadChannels(const gguf_context* file, const char* key, float* channels) {
  const int64_t id = RequireKey(file, key);
  if (gguf_get_arr_n(file, id) != 3) throw std::runtime_error(std::string("wrong size of ") + key);
  const float* values = static_cast<const float*>(gguf_get_arr_data(file, id));
  std::copy(values, values + 3, channels);
}

Preprocessing ReadPreprocessing(const char* path) {
  const gguf_context_ptr file(gguf_init_from_file(path, {/*.no_alloc =*/true, /*.ctx =*/nullptr}));
  if (!file) throw std::runtime_error(std::string("cannot read ") + path);
  Preprocessing preprocessing;
  preprocessing.image_size =
      int(gguf_get_val_u32(file.get(), RequireKey(file.get(), "clip.vision.image_size")));
  ReadChannels(file.get(), "clip.vision.image_mean", preprocessing.mean);
  ReadChannels(file.get(), "clip.vision.image_std", preprocessing.std);
  return preprocessing;
}

clip_image_f32 ReadTile(const std::string& path, const Preprocessing& preprocessing) {
  std::ifstream file(path, std::ios::binary);
  const std::vector<char> bytes((std::istreambuf_iterator<char>(file)), {});
  const int size = preprocessing.image_size;
  if (bytes.size() != size_t(size) * size * 3) throw std::runtime_error("not one tile: " + path);
  std::vector<float> pixels(bytes.size());
  for (size_t i = 0; i < bytes.size(); ++i) pixels[i] = float(uint8_t(bytes[i])) / 255.0f;
  clip_image_f32 image;
  image.set_size({size, size}, /*is_placeholder=*/false, /*is_audio=*/false);
  image.cpy_buf(pixels);
  image.normalize(preprocessing.mean, preprocessing.std);
  return image;
}

void Serve(clip_ctx* tower, int threads, const Preprocessing& preprocessing) {
  std::vector<float> rows;  // encode fills it only when it already has the size
  for (std::string line; std::getline(std::cin, line);) {
    std::string tile, output;
    if (!(std::istringstream(line) >> tile >> output)) throw std::runtime_error("bad line " + line);
    const clip_image_f32 image = ReadTile(tile, preprocessing);
    rows.resize(size_t(clip_n_output_tokens(tower, &image)) * clip_n_mmproj_embd(tower));
    const auto start = std::chrono::steady_clock::now();
    if (!clip_image_encode(tower, threads, &image, rows)) throw std::runtime_error("encode failed");
    const std::chrono::duration<double, std::milli> took = std::chrono::steady_clock::now() - start;
    std::ofstream(output, std::ios::binary)
        .write(reinterpret_cast<const char*>(rows.data()), rows.size() * sizeof(float));
    std::cout << took.count() << std::endl;
  }
}

}  // namespace

int main(int argc, char** argv) {
  const bool has_softmax = argc == 4 && std::string(argv[3]) == "softmax";
  if (argc != 3 && !has_softmax) {
    std::fprintf(stderr, "usage: llava-onevision-compare-towers MMPROJ THREADS [softmax]\n");
    return 2;
  }
  try {
    const Preprocessing preprocessing = ReadPreprocessing(argv[1]);
    clip_context_params params = {};
    params.flash_attn_type =
        has_softmax ? CLIP_FLASH_ATTN_TYPE_DISABLED : CLIP_FLASH_ATTN_TYPE_AUTO;
    params.image_min_tokens = params.image_max_tokens = -1;
    params.warmup = true;
    clip_ctx* tower = clip_init(argv[1], params).ctx_v;
    if (!tower) throw std::runtime_error(std::string("clip.cpp refuses ") + argv[1]);
    std::cout << "ready" << std::endl;
    Serve(tower, std::atoi(argv[2]), preprocessing);
    clip_free(tower);
    return 0;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "llava-onevision-compare-towers: %s\n", error.what());
    return 1;
  }
}
