#include "token-grammar.h"

#include <cmath>

#include "errors.h"
#include "llama-grammar.h"
#include "llama-vocab.h"

namespace llavaov {
namespace {

// Ways to read a text that are followed at a time. Beyond it an ambiguous grammar would take all
// memory: their number may double with each character.
constexpr size_t kMaxStacks = 10000;

NativeError TooAmbiguous() {
  return NativeError("ERR_DECODE", "The grammar can be read in too many ways at once",
                     {{"status", 0.0}});
}

// What may follow `point`; the grammar itself stays where it is.
llama_grammar_stacks StepFrom(llama_grammar& grammar, llama_grammar_stacks stacks, uint32_t point) {
  llama_grammar_get_stacks(&grammar).swap(stacks);  // `stacks` holds the place of the grammar
  llama_grammar_accept(&grammar, point);
  llama_grammar_get_stacks(&grammar).swap(stacks);
  if (stacks.size() > kMaxStacks) throw TooAmbiguous();
  return stacks;
}

bool MayEnd(const llama_grammar_stacks& stacks) {
  for (const auto& stack : stacks) {
    if (stack.empty()) return true;
  }
  return false;
}

// The next code point of well-formed UTF-8.
uint32_t NextPoint(const std::string& text, size_t& at) {
  const uint8_t first = uint8_t(text[at++]);
  const int more = first >= 0xf0 ? 3 : first >= 0xe0 ? 2 : first >= 0xc0 ? 1 : 0;
  uint32_t point = more == 0 ? first : first & (0x3f >> more);
  for (int i = 0; i < more && at < text.size(); ++i) point = point << 6 | (text[at++] & 0x3f);
  return point;
}

}  // namespace

void GrammarDeleter::operator()(llama_grammar* grammar) const { llama_grammar_free_impl(grammar); }

TokenGrammar::TokenGrammar(const std::string& gbnf, const llama_vocab* vocab)
    : grammar_(llama_grammar_init_impl(vocab, gbnf.c_str(), "root", false, nullptr, 0, nullptr, 0)) {
  if (!grammar_ || llama_grammar_get_stacks(grammar_.get()).empty()) {
    throw NativeError("ERR_INVALID_ARGUMENT", "Expected a grammar that llama.cpp can read",
                      {{"argument", std::string("grammar")}});
  }
}

TokenGrammar::~TokenGrammar() = default;

bool TokenGrammar::Matches(const std::string& text) const {
  const std::lock_guard<std::mutex> lock(mutex_);
  llama_grammar_stacks stacks = llama_grammar_get_stacks(grammar_.get());
  for (size_t at = 0; at < text.size() && !stacks.empty();) {
    const uint32_t point = NextPoint(text, at);
    stacks = StepFrom(*grammar_, std::move(stacks), point);
  }
  return MayEnd(stacks);
}

}  // namespace llavaov
