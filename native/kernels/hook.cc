// An "extra buffer type" that holds no weights, but whose traits ggml asks about every node of a
// graph (ggml-cpu/traits.cpp of llama.cpp v0.5.0): first how much work buffer it needs, while the
// graph is planned, then, on each thread, to compute it.
#include "hook.h"

#include <ggml-backend-impl.h>
#include <ggml-cpu.h>
#include <traits.h>

#include <atomic>
#include <mutex>

#include "table.h"

namespace llavaov::kernels {
namespace {

std::atomic<bool> is_on{true};
std::mutex mutex;  // of the holders
int holders = 0;
std::atomic<uint64_t> asked{0}, taken{0};

class Traits : public ggml::cpu::tensor_traits {
 public:
  bool work_size(int threads, const ggml_tensor* op, size_t& size) override {
    asked.fetch_add(1, std::memory_order_relaxed);
    const Kernel kernel = is_on.load(std::memory_order_relaxed) ? KernelFor(op) : Kernel();
    if (!kernel) return false;
    taken.fetch_add(1, std::memory_order_relaxed);
    size = kernel.work(threads, op);
    return true;
  }
  bool compute_forward(ggml_compute_params* params, ggml_tensor* op) override {
    const Kernel kernel = is_on.load(std::memory_order_relaxed) ? KernelFor(op) : Kernel();
    if (kernel) kernel.run(params, op);
    return bool(kernel);
  }
};

class Hook : public ggml::cpu::extra_buffer_type {
 public:
  bool supports_op(ggml_backend_dev_t, const ggml_tensor*) override { return false; }
  ggml::cpu::tensor_traits* get_tensor_traits(const ggml_tensor* op) override {
    const bool is_kind = op->op == GGML_OP_MUL_MAT || op->op == GGML_OP_FLASH_ATTN_EXT;
    return is_kind ? &traits_ : nullptr;
  }

 private:
  Traits traits_;
};

}  // namespace

void Register() {
  if (!InstructionSet()) return;
  static std::once_flag once;
  std::call_once(once, [] {
    static Hook hook;
    static ggml_backend_buffer_type type = {};
    type.iface.get_name = [](ggml_backend_buffer_type_t) { return "llava-onevision kernels"; };
    type.iface.alloc_buffer = [](ggml_backend_buffer_type_t, size_t) -> ggml_backend_buffer_t {
      return nullptr;
    };
    type.iface.get_alignment = [](ggml_backend_buffer_type_t) -> size_t { return 64; };
    type.device = ggml_backend_reg_dev_get(ggml_backend_cpu_reg(), 0);
    type.context = static_cast<ggml::cpu::extra_buffer_type*>(&hook);
    ggml_backend_cpu_get_extra_buffer_types().push_back(&type);
  });
}

bool Hold(bool ours) {
  const std::lock_guard<std::mutex> lock(mutex);
  if (holders > 0 && is_on.load() != ours) return false;
  is_on.store(ours);
  ++holders;
  return true;
}

void Release() {
  const std::lock_guard<std::mutex> lock(mutex);
  --holders;
}

bool IsEnabled() { return is_on.load() && InstructionSet(); }

Counts CountNodes() { return {asked.load(), taken.load()}; }

}  // namespace llavaov::kernels
