// libmtmd, as llama.cpp's own tools use it, on a pair of our files, for tests:
//
//   llava-onevision-encode-picture MODEL MMPROJ PICTURE SIDE ROWS
//
// PICTURE is RGB, [SIDE, SIDE, 3]. Writes the rows of all its tiles to ROWS in libmtmd's order (the
// overview last), f32 [rows, width], and prints how many rows each tile has.
#include <llama-cpp.h>
#include <mtmd.h>

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <iostream>
#include <iterator>
#include <stdexcept>
#include <string>
#include <vector>

namespace {

llama_model_ptr LoadModel(const char* path) {
  llama_model_params params = llama_model_default_params();
  params.n_gpu_layers = 0;
  llama_model_ptr model(llama_model_load_from_file(path, params));
  if (!model) throw std::runtime_error(std::string("llama.cpp refuses ") + path);
  return model;
}

mtmd::context_ptr LoadMmproj(const char* path, const llama_model* model) {
  mtmd_context_params params = mtmd_context_params_default();
  params.use_gpu = false;
  params.n_threads = 1;
  params.flash_attn_type = LLAMA_FLASH_ATTN_TYPE_DISABLED;  // sums in f32, as ours
  mtmd::context_ptr mmproj(mtmd_init_from_file(path, model, params));
  if (!mmproj) throw std::runtime_error(std::string("libmtmd refuses ") + path);
  return mmproj;
}

mtmd::bitmap_ptr ReadPicture(const char* path, size_t side) {
  std::ifstream file(path, std::ios::binary);
  const std::vector<char> bytes((std::istreambuf_iterator<char>(file)), {});
  if (bytes.size() != side * side * 3) throw std::runtime_error("the picture has another size");
  return mtmd::bitmap_ptr(mtmd_bitmap_init(uint32_t(side), uint32_t(side),
                                           reinterpret_cast<const unsigned char*>(bytes.data())));
}

mtmd::input_chunks_ptr Tokenize(const mtmd_context* mmproj, const mtmd_bitmap* picture) {
  mtmd::input_chunks_ptr chunks(mtmd_input_chunks_init());
  const std::string marker = mtmd_default_marker();
  const mtmd_input_text text = {marker.c_str(), marker.size(), /*add_special=*/false,
                                /*parse_special=*/true};
  if (mtmd_tokenize(mmproj, chunks.get(), &text, &picture, 1) != 0)
    throw std::runtime_error("libmtmd cannot tokenize");
  return chunks;
}

void Encode(mtmd_context* mmproj, const mtmd_input_chunks* chunks, size_t width, const char* path) {
  std::ofstream rows(path, std::ios::binary);
  for (size_t i = 0; i < mtmd_input_chunks_size(chunks); ++i) {
    const mtmd_input_chunk* chunk = mtmd_input_chunks_get(chunks, i);
    if (mtmd_input_chunk_get_type(chunk) != MTMD_INPUT_CHUNK_TYPE_IMAGE) continue;
    if (mtmd_encode_chunk(mmproj, chunk) != 0) throw std::runtime_error("libmtmd cannot encode");
    const size_t n_rows = mtmd_input_chunk_get_n_tokens(chunk);
    rows.write(reinterpret_cast<const char*>(mtmd_get_output_embd(mmproj)),
               std::streamsize(n_rows * width * sizeof(float)));
    std::cout << n_rows << std::endl;
  }
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 6) {
    std::fprintf(stderr, "usage: llava-onevision-encode-picture MODEL MMPROJ PICTURE SIDE ROWS\n");
    return 2;
  }
  try {
    const llama_model_ptr model = LoadModel(argv[1]);
    const mtmd::context_ptr mmproj = LoadMmproj(argv[2], model.get());
    const mtmd::bitmap_ptr picture = ReadPicture(argv[3], size_t(std::atoi(argv[4])));
    const mtmd::input_chunks_ptr chunks = Tokenize(mmproj.get(), picture.get());
    Encode(mmproj.get(), chunks.get(), size_t(llama_model_n_embd_inp(model.get())), argv[5]);
    return 0;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "llava-onevision-encode-picture: %s\n", error.what());
    return 1;
  }
}
