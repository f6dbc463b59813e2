#include "vision/tower.h"

#include <ggml-cpu.h>

#include <algorithm>
#include <new>
#include <utility>

#include "large-pages.h"
#include "llama/devices.h"

namespace llavaov {
namespace {

ggml_backend_t InitBackend(ggml_backend_dev_t device) {
  ggml_backend_t backend =
      device ? ggml_backend_dev_init(device, nullptr) : ggml_backend_cpu_init();
  if (backend) return backend;
  throw OutOfMemory("Cannot start the device of the vision tower",
                    device ? Devices{device} : Devices{}, std::nullopt);
}

bool IsAborted(void* flag) { return IsCancelled(static_cast<CancelFlag*>(flag)); }

}  // namespace

Tower::Tower(const SiglipShape& shape, const GgufPath& where, ggml_backend_dev_t device,
             std::shared_ptr<Workers> workers, bool own_kernels, const CancelFlag* cancel)
    : shape_(shape),
      kernels_(own_kernels),
      patchify_(shape),
      workers_(std::move(workers)),
      backend_(InitBackend(device)),
      is_cpu_(ggml_backend_is_cpu(backend_.get())) {
  const GgufTensors file(where);
  weights_ = std::make_unique<SiglipWeights>(shape_, file, backend_.get(), cancel);
  if (file.Find("v.image_newline")) {
    newline_ = file.ReadFloats(file.Require("v.image_newline", {shape_.n_projection}));
  }
  allocator_.reset(ggml_gallocr_new(ggml_backend_get_default_buffer_type(backend_.get())));
  // GPUs round k and v to f16 in flash attention; f32 files promise more.
  has_flash_attention_ = is_cpu_ || !weights_->is_f32();
  Prepare(tiles_per_call());  // so that memory runs out here or never
  for (int i = 0; i < ggml_graph_n_nodes(graph_->graph()); ++i) {
    ggml_tensor* node = ggml_graph_node(graph_->graph(), i);
    if (!ggml_backend_supports_op(backend_.get(), node)) {
      throw file.Error(std::string(backend()) + " cannot run the operation " + ggml_op_desc(node) +
                       " of the vision tower; load it on the CPU");
    }
  }
}

size_t Tower::size() const {
  return weights_->bytes() + ggml_gallocr_get_buffer_size(allocator_.get(), 0);
}

void Tower::Encode(const uint8_t* tiles, int64_t n, float* out, const CancelFlag* cancel) {
  const std::lock_guard<std::mutex> lock(is_cpu_ ? workers_->mutex() : mutex_);
  const int64_t tile_bytes = shape_.image_size * shape_.image_size * 3;
  const int64_t tile_rows = shape_.n_patches() * shape_.n_projection;
  for (int64_t done = 0; done < n; done += graph_->n_tiles()) {
    ThrowIfCancelled(cancel);
    // After an exception a backend is left in the middle of its work.
    if (is_broken_) throw NativeError("ERR_ENCODE", "The device has failed; load the model again");
    Prepare(std::min(n - done, tiles_per_call()));
    SetPatches(tiles + done * tile_bytes);
    Compute(cancel);
    ggml_backend_tensor_get(graph_->rows(), out + done * tile_rows, 0, ggml_nbytes(graph_->rows()));
  }
}

void Tower::Prepare(int64_t n_tiles) {
  if (graph_ && graph_->n_tiles() == n_tiles) return;
  SiglipGraphOptions options = {n_tiles, /*.has_cpu_ops =*/is_cpu_, has_flash_attention_};
  graph_ = std::make_unique<SiglipGraph>(shape_, *weights_, options);
  if (has_flash_attention_ && !SupportsFlashAttention(*graph_)) {
    has_flash_attention_ = options.has_flash_attention = false;
    graph_ = std::make_unique<SiglipGraph>(shape_, *weights_, options);
  }
  if (!ggml_gallocr_alloc_graph(allocator_.get(), graph_->graph())) {
    size_t needed = 0;
    ggml_gallocr_reserve_n_size(allocator_.get(), graph_->graph(), nullptr, nullptr, &needed);
    graph_.reset();
    throw OutOfMemory(
        Format("No memory for the vision tower's compute buffer of %.0f MB", double(needed) / 1e6),
        {ggml_backend_get_device(backend_.get())}, double(needed));
  }
  if (!is_cpu_) return;
  const ggml_backend_buffer_t buffer = graph_->rows()->buffer;
  AskForLargePages(ggml_backend_buffer_get_base(buffer), ggml_backend_buffer_get_size(buffer));
}

bool Tower::SupportsFlashAttention(const SiglipGraph& graph) const {
  for (int i = 0; i < ggml_graph_n_nodes(graph.graph()); ++i) {
    const ggml_tensor* node = ggml_graph_node(graph.graph(), i);
    if (node->op == GGML_OP_FLASH_ATTN_EXT) return ggml_backend_supports_op(backend_.get(), node);
  }
  return false;
}

void Tower::SetPatches(const uint8_t* tiles) {
  ggml_tensor* patches = graph_->patches();
  const int64_t tile_bytes = shape_.image_size * shape_.image_size * 3;
  const bool is_host = ggml_backend_buffer_is_host(patches->buffer);
  if (!is_host) staging_.resize(ggml_nelements(patches));
  float* values = is_host ? static_cast<float*>(patches->data) : staging_.data();
  for (int64_t tile = 0; tile < graph_->n_tiles(); ++tile) {
    patchify_.Run(tiles + tile * tile_bytes, values + tile * patches->ne[0] * patches->ne[1],
                  patches->ne[0]);
  }
  if (!is_host) ggml_backend_tensor_set(patches, values, 0, ggml_nbytes(patches));
}

// As ggml's backend does it, with a work buffer of ours.
ggml_status Tower::ComputeHere(const CancelFlag* cancel) {
  ggml_cplan plan = ggml_graph_plan(graph_->graph(), workers_->threads(), workers_->pool());
  if (work_size_ < plan.work_size) {
    work_size_ = 0;
    work_.reset();
    work_.reset(new (std::nothrow) uint8_t[plan.work_size]);
    if (!work_) return GGML_STATUS_ALLOC_FAILED;
    work_size_ = plan.work_size;
    AskForLargePages(work_.get(), work_size_);
  }
  plan.work_data = work_.get();
  plan.abort_callback = cancel ? IsAborted : nullptr;
  plan.abort_callback_data = const_cast<CancelFlag*>(cancel);
  return ggml_graph_compute(graph_->graph(), &plan);
}

void Tower::Compute(const CancelFlag* cancel) {
  const Devices device = {ggml_backend_get_device(backend_.get())};
  ggml_status status;
  try {
    status =
        is_cpu_ ? ComputeHere(cancel) : ggml_backend_graph_compute(backend_.get(), graph_->graph());
  } catch (const std::exception& error) {
    is_broken_ = true;
    throw ComputeError("ERR_ENCODE", error, device);
  }
  if (status == GGML_STATUS_ABORTED) throw NativeError("ERR_CANCELLED", "Cancelled");
  if (status == GGML_STATUS_ALLOC_FAILED) {
    throw OutOfMemory("No memory for the vision tower to compute with", device, std::nullopt);
  }
  if (status != GGML_STATUS_SUCCESS) {
    throw NativeError("ERR_ENCODE",
                      Format("The vision tower failed: %s", ggml_status_to_string(status)),
                      {{"status", double(status)}});
  }
}

}  // namespace llavaov
