// The arrays that a llama_batch points to, filled slice by slice.
#pragma once

#include <llama.h>

#include <vector>

namespace llavaov {

class DecoderBatch {
 public:
  // Of the positions that follow.
  void AddTokens(const llama_token* tokens, int n) {
    tokens_.insert(tokens_.end(), tokens, tokens + n);
  }
  // [n, n_embd], borrowed where no others come.
  void AddRows(const float* rows, size_t size, bool are_all) {
    if (!are_all) copied_rows_.insert(copied_rows_.end(), rows, rows + size);
    rows_ = are_all ? rows : copied_rows_.data();
  }
  void AddPosition(int sequence, int position, bool is_output) {
    positions_.push_back(position);
    sequences_.push_back(sequence);
    outputs_.push_back(is_output);
  }

  int size() const { return int(positions_.size()); }

  int Decode(llama_context* context) {
    std::vector<int32_t> ones(size(), 1);
    std::vector<llama_seq_id*> sequence_lists;
    for (llama_seq_id& sequence : sequences_) sequence_lists.push_back(&sequence);
    llama_batch batch = {};
    batch.n_tokens = size();
    batch.token = tokens_.empty() ? nullptr : tokens_.data();
    batch.embd = const_cast<float*>(rows_);
    batch.pos = positions_.data();
    batch.n_seq_id = ones.data();
    batch.seq_id = sequence_lists.data();
    batch.logits = outputs_.data();
    return llama_decode(context, batch);
  }

 private:
  std::vector<llama_token> tokens_;
  const float* rows_ = nullptr;
  std::vector<float> copied_rows_;
  std::vector<llama_pos> positions_;
  std::vector<llama_seq_id> sequences_;
  std::vector<int8_t> outputs_;
};

}  // namespace llavaov
