// llama.cpp's own loader on one of our decoders, for tests:
//
//   llava-onevision-read-decoder MODEL N_TOKENS [ADAPTER] < PROMPT
//
// Loads the model (the first of its files, if split) and an adapter, checks every weight, and
// prints two lines of token ids: those of the prompt, and up to N_TOKENS of the greedy answer, the
// token that ends it included.
#include <llama-cpp.h>

#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <iostream>
#include <iterator>
#include <stdexcept>
#include <string>
#include <vector>

namespace {

llama_model_ptr Load(const char* path) {
  llama_model_params params = llama_model_default_params();
  params.n_gpu_layers = 0;
  params.check_tensors = true;
  llama_model_ptr model(llama_model_load_from_file(path, params));
  if (!model) throw std::runtime_error(std::string("llama.cpp refuses ") + path);
  return model;
}

std::vector<llama_token> Tokenize(const llama_vocab* vocab, const std::string& text) {
  std::vector<llama_token> tokens(text.size());
  const int n = llama_tokenize(vocab, text.data(), int(text.size()), tokens.data(),
                               int(tokens.size()), /*add_special=*/false, /*parse_special=*/true);
  if (n <= 0) throw std::runtime_error("cannot tokenize the prompt");
  tokens.resize(size_t(n));
  return tokens;
}

llama_context_ptr MakeContext(llama_model* model, size_t n_tokens) {
  llama_context_params params = llama_context_default_params();
  params.n_ctx = params.n_batch = params.n_ubatch = uint32_t(n_tokens);
  params.n_threads = params.n_threads_batch = 1;
  params.flash_attn_type = LLAMA_FLASH_ATTN_TYPE_DISABLED;  // as ours on a CPU
  llama_context_ptr context(llama_init_from_model(model, params));
  if (!context) throw std::runtime_error("cannot make a context");
  return context;
}

llama_token Greedy(llama_context* context, int n_vocab) {
  const float* logits = llama_get_logits_ith(context, -1);
  llama_token best = 0;
  for (llama_token token = 0; token < n_vocab; ++token) {
    if (!std::isfinite(logits[token])) throw std::runtime_error("a logit is not finite");
    if (logits[token] > logits[best]) best = token;
  }
  return best;
}

void Adapt(llama_model* model, llama_context* context, const char* path) {
  llama_adapter_lora* adapter = llama_adapter_lora_init(model, path);  // freed with the model
  if (!adapter) throw std::runtime_error(std::string("llama.cpp refuses ") + path);
  float scale = 1;
  if (llama_set_adapters_lora(context, &adapter, 1, &scale) != 0)
    throw std::runtime_error(std::string("llama.cpp cannot use ") + path);
}

std::vector<llama_token> Answer(llama_context* context, std::vector<llama_token> prompt,
                                size_t n_tokens) {
  const llama_vocab* vocab = llama_model_get_vocab(llama_get_model(context));
  std::vector<llama_token> answer;
  llama_batch batch = llama_batch_get_one(prompt.data(), int(prompt.size()));
  while (answer.size() < n_tokens) {
    if (llama_decode(context, batch) != 0) throw std::runtime_error("decode failed");
    answer.push_back(Greedy(context, llama_vocab_n_tokens(vocab)));
    if (llama_vocab_is_eog(vocab, answer.back())) break;
    batch = llama_batch_get_one(&answer.back(), 1);
  }
  return answer;
}

void Print(const std::vector<llama_token>& tokens) {
  for (size_t i = 0; i < tokens.size(); ++i) std::cout << (i ? " " : "") << tokens[i];
  std::cout << std::endl;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 3 && argc != 4) {
    std::fprintf(stderr, "usage: llava-onevision-read-decoder MODEL N_TOKENS [ADAPTER] < PROMPT\n");
    return 2;
  }
  try {
    const llama_model_ptr model = Load(argv[1]);
    const std::string text((std::istreambuf_iterator<char>(std::cin)), {});
    const std::vector<llama_token> prompt = Tokenize(llama_model_get_vocab(model.get()), text);
    const size_t n_tokens = size_t(std::atoi(argv[2]));
    const llama_context_ptr context = MakeContext(model.get(), prompt.size() + n_tokens);
    if (argc == 4) Adapt(model.get(), context.get(), argv[3]);
    Print(prompt);
    Print(Answer(context.get(), prompt, n_tokens));
    return 0;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "llava-onevision-read-decoder: %s\n", error.what());
    return 1;
  }
}
