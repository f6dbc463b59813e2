// What a DecoderContext saves of a sequence and loads again.
#include <cstring>
#include <vector>

#include "llama/decoder-context.h"
#include "llama/log.h"

namespace llavaov {
namespace {

// Whether a state begins with one cell for each of the positions 0 to n - 1: llama.cpp v0.5.0 takes
// counts and positions as they come (llama_kv_cache::state_read_meta) and checks the rest itself.
bool HoldsPositions(const uint8_t* state, size_t size, int n) {
  struct Header {
    uint32_t magic, sequence, n_streams, n_cells;
  } header;
  struct Cell {
    int32_t position;
    uint32_t n_sequences;
    int32_t sequence;
  } cell;
  if (n < 1 || size < sizeof header + size_t(n) * sizeof cell) return false;
  std::memcpy(&header, state, sizeof header);
  if (header.n_streams != 1 || header.n_cells != uint32_t(n)) return false;
  std::vector<bool> found(n);
  for (int i = 0; i < n; ++i) {
    std::memcpy(&cell, state + sizeof header + i * sizeof cell, sizeof cell);
    if (cell.n_sequences != 1 || cell.position < 0 || cell.position >= n || found[cell.position]) {
      return false;
    }
    found[cell.position] = true;
  }
  return true;
}

}  // namespace

size_t DecoderContext::SequenceBytes(int sequence) const {
  return llama_state_seq_get_size(context_.get(), sequence);
}

void DecoderContext::SaveSequence(int sequence, uint8_t* state, size_t size) {
  const std::lock_guard<std::mutex> lock(workers_->mutex());
  const ErrorLog errors;
  const size_t written = llama_state_seq_get_data(context_.get(), state, size, sequence);
  if (written == 0 || written != size) {
    throw NativeError("ERR_DECODE", "Cannot save the sequence: " + errors.text());
  }
}

void DecoderContext::LoadSequence(int sequence, const uint8_t* state, size_t size, int n) {
  Rest();
  const std::lock_guard<std::mutex> lock(workers_->mutex());
  if (ends_[sequence] != 0) {
    throw Invalid("sequence", Format("Expected an empty sequence but %d holds %d positions",
                                     sequence, ends_[sequence]));
  }
  if (!HoldsPositions(state, size, n)) {
    throw Invalid("state", Format("Expected the saved state of %d positions", n));
  }
  ClearIfSpoilt();
  const ErrorLog errors;
  const size_t read = llama_state_seq_set_data(context_.get(), state, size, sequence);
  if (read == size) {
    ends_[sequence] = n;
    unseen_[sequence] = true;
    return;
  }
  // What was read may lie in cells that count as free.
  spoilt_ = true;
  Remove(sequence, 0);
  throw Invalid("state", "The saved state does not fit this model or context: " +
                             (read == 0 ? errors.text() : "it is longer than it says"));
}

}  // namespace llavaov
