// Every thread normalises and packs the row for itself, so that nobody waits before the products;
// one wait is behind them, where nodes follow that need them whole, and ggml's own behind the
// group.
#include "token-nodes.h"

#include <ggml-cpu-impl.h>
#include <ops.h>

#include <cstring>

#include "row-loops.h"
#include "token-group.h"

namespace llavaov::kernels {

#if defined(LLAVAOV_KERNELS)

namespace {

class Thread {
 public:
  Thread(const ggml_compute_params* params, const Group& group)
      : params_(*params), g_(group), k_(int(group.row->ne[0])), has_own_(k_ <= kMostOwn) {
    room_ = AlignUp(params->wdata);
    if (has_own_) {
      hidden_ = reinterpret_cast<float*>(room_ + params->nth * RowRoom(k_));
      room_ += params->ith * RowRoom(k_);
    }
    alone_ = params_;
    alone_.ith = 0;
    alone_.nth = 1;
    alone_.wdata = room_;
    alone_.wsize = RowRoom(k_);
  }

  void Compute(Left* left, uint16_t round) {
    PackedRow packed(Row(), k_, room_ + RowRoom(k_) - kMostPackings * PackedRow::Room(k_),
                     has_own_ ? 0 : params_.ith, has_own_ ? 1 : params_.nth);
    RowTask tasks[kMostProducts];
    for (int i = 0; i < g_.n_products; ++i) tasks[i] = Task(g_.products[i], packed);
    if (!has_own_) ggml_barrier(params_.threadpool);
    ComputeRows(tasks, g_.n_products, left, round, params_.ith, params_.nth);
    if (g_.n_later == 0) return;
    ggml_barrier(params_.threadpool);
    for (int i = 0; i < g_.n_later; ++i) {
      if (g_.task[i] % params_.nth == params_.ith) ComputeLater(i);
    }
  }

 private:
  // The products' row: what ggml's own functions give, in this thread's room.
  const float* Row() const {
    if (!g_.made) return static_cast<const float*>(g_.row->data);
    ggml_tensor here = *g_.made;
    here.data = room_;
    if (g_.norm) {
      ggml_compute_forward_rms_norm_mul_fused(&alone_, g_.norm, &here);
    } else {
      ggml_compute_forward_glu(&alone_, &here);
    }
    if (g_.writes_made && params_.ith == 0) {
      std::memcpy(g_.made->data, room_, k_ * sizeof(float));
    }
    return reinterpret_cast<const float*>(room_);
  }

  RowTask Task(const GroupProduct& p, PackedRow& packed) const {
    RowTask task = {};
    task.kind = OneRowOf(p.product->src[0]->type);
    task.weights = p.product->src[0];
    task.packed = packed.For(task.kind);
    if (p.added) task.added = static_cast<const float*>(p.added->data);
    task.out = p.hidden < 0 ? static_cast<float*>(p.out->data) : hidden_ + p.hidden;
    return task;
  }

  void ComputeLater(int i) const {
    ggml_tensor node = *g_.later[i], from;
    if (g_.source[i] >= 0) {
      from = *node.src[0];
      from.data = hidden_ + g_.products[g_.source[i]].hidden;
      node.src[0] = &from;
    }
    if (node.op == GGML_OP_ROPE) return ggml_compute_forward_rope(&alone_, &node);
    ggml_compute_forward_set_rows(&alone_, &node);
  }

  const ggml_compute_params& params_;
  const Group& g_;
  const int k_;
  const bool has_own_;
  char* room_;
  float* hidden_ = nullptr;
  ggml_compute_params alone_;
};

}  // namespace

int ComputeGroup(const ggml_compute_params* params, const ggml_cgraph* graph, int first,
                 void* room) {
  Group group;
  if (first >= UINT16_MAX || !FindGroup(graph, first, &group)) return 0;
  Left* left = reinterpret_cast<Left*>(AlignUp(room));
  Thread(params, group).Compute(left, uint16_t(first + 1));
  return group.nodes;
}

size_t RoomOfGroups(int threads) { return (threads + 1) * sizeof(Left); }

#else

int ComputeGroup(const ggml_compute_params*, const ggml_cgraph*, int, void*) { return 0; }
size_t RoomOfGroups(int) { return 0; }

#endif

}  // namespace llavaov::kernels
