// What a group leaves unwritten has no other use, and what it writes in another order, or while
// other threads read, lies apart: else it is none, and nodes are computed one by one.
#include "token-group.h"

#include <ggml-impl.h>

#include "row-loops.h"
#include "table.h"

namespace llavaov::kernels {

#if defined(LLAVAOV_KERNELS)

namespace {

constexpr int64_t kNotHidden = -1;

bool IsComputed(const ggml_tensor* x) { return x->flags & GGML_TENSOR_FLAG_COMPUTE; }

bool IsRow(const ggml_tensor* x, int64_t width) {
  return x->type == GGML_TYPE_F32 && x->ne[0] == width && ggml_nelements(x) == width &&
         x->nb[0] == sizeof(float);
}

bool IsRowProduct(const ggml_tensor* x) {
  return x->op == GGML_OP_MUL_MAT && ggml_nrows(x) == 1 && OneRowOf(x->src[0]->type) &&
         KernelFor(x);
}

// The first node from `at` on that computes something, or the graph's end.
int Next(const ggml_cgraph* graph, int at) {
  while (at < graph->n_nodes && ggml_op_is_empty(graph->nodes[at]->op)) ++at;
  return at;
}

struct Bytes {
  const char *begin, *end;
  explicit Bytes(const ggml_tensor* x)
      : begin(static_cast<const char*>(x->data)), end(begin + ggml_nbytes(x)) {}
};

bool Overlap(const Bytes& a, const Bytes& b) { return a.begin < b.end && b.begin < a.end; }
bool Overlap(const ggml_tensor* a, const ggml_tensor* b) { return Overlap(Bytes(a), Bytes(b)); }

class Finder {
 public:
  Finder(const ggml_cgraph* graph, int first, Group* group)
      : graph_(graph), first_(first), g_(*group) {}

  bool Find() {
    int at = first_;
    g_.norm = g_.made = nullptr;
    g_.n_products = g_.n_later = 0;
    g_.n_hidden = 0;
    switch (graph_->nodes[at]->op) {
      case GGML_OP_RMS_NORM:
        if (!TakeNorm(at)) return false;
        at += 2;
        break;
      case GGML_OP_GLU:
        if (!TakeGlu(at)) return false;
        at += 1;
        break;
      default:
        g_.row = graph_->nodes[at]->src[1];
    }
    at = Next(graph_, at);
    while (at < graph_->n_nodes && Take(at)) at = Next(graph_, at);
    if (g_.n_products == 0) return false;
    g_.writes_made = g_.made && !IsUsedOnly(first_ + (g_.norm ? 1 : 0), g_.n_products);
    return AreProductsApart() && AreLaterApart() && (FindTasks(), true);
  }

 private:
  bool IsUsedOnly(int node, int times) const { return ggml_node_has_n_uses(graph_, node, times); }

  // As ggml itself computes both in one go, but the result may have more uses.
  bool TakeNorm(int at) {
    ggml_tensor* norm = graph_->nodes[at];
    if (ggml_nrows(norm) != 1 || !ggml_can_fuse(graph_, at, {GGML_OP_RMS_NORM, GGML_OP_MUL})) {
      return false;
    }
    ggml_tensor* scaled = graph_->nodes[at + 1];
    const int64_t width = norm->ne[0];
    const ggml_tensor* by = scaled->src[scaled->src[0] == norm ? 1 : 0];
    if (width > kMostOwn || !IsRow(norm->src[0], width) || !IsRow(by, width)) return false;
    if (!IsRow(scaled, width)) return false;
    g_.norm = norm;
    g_.made = scaled;
    g_.row = scaled;
    return true;
  }

  bool TakeGlu(int at) {
    ggml_tensor* node = graph_->nodes[at];
    const int64_t width = node->ne[0];
    const ggml_tensor *gate = node->src[0], *up = node->src[1];
    if (ggml_get_glu_op(node) != GGML_GLU_OP_SWIGLU || !up || width > kMostOwn) return false;
    if (!IsRow(node, width) || !IsRow(gate, width) || !IsRow(up, width)) return false;
    g_.made = node;
    g_.row = node;
    return true;
  }

  // Whether the node at `at` belongs to the group; then `at` is behind what was taken.
  bool Take(int& at) {
    ggml_tensor* node = graph_->nodes[at];
    if (!IsComputed(node)) return false;
    const bool is_taken = node->op == GGML_OP_MUL_MAT ? TakeProduct(at, node) : TakeLater(at, node);
    if (is_taken) g_.nodes = at - first_;
    return is_taken;
  }

  bool TakeProduct(int& at, ggml_tensor* node) {
    if (node->src[1] != g_.row || g_.n_products == kMostProducts || !IsRowProduct(node)) {
      return false;
    }
    GroupProduct& p = g_.products[g_.n_products++];
    p = {node, nullptr, node, at, at, kNotHidden};
    const int next = Next(graph_, ++at);
    if (next == graph_->n_nodes) return true;
    ggml_tensor* sum = graph_->nodes[next];
    if (sum->op != GGML_OP_ADD || !IsComputed(sum) || !IsUsedOnly(p.node, 1)) return true;
    if (sum->src[0] != node && sum->src[1] != node) return true;
    const ggml_tensor* added = sum->src[sum->src[0] == node ? 1 : 0];
    if (added == node || !IsRow(sum, node->ne[0]) || !IsRow(added, node->ne[0])) return true;
    p.added = added;
    p.out = sum;
    p.last = next;
    at = next + 1;
    return true;
  }

  // By one thread, with the room of a row for what ggml wants of the work buffer.
  bool TakeLater(int& at, ggml_tensor* node) {
    if (g_.row->ne[0] > kMostOwn || g_.n_later == kMostLater) return false;
    if (node->op != GGML_OP_ROPE && node->op != GGML_OP_SET_ROWS) return false;
    if (node->src[0]->type != GGML_TYPE_F32 || node->src[0]->ne[0] > g_.row->ne[0]) return false;
    g_.source[g_.n_later] = node->op == GGML_OP_ROPE ? Hide(node->src[0], at) : -1;
    g_.later[g_.n_later] = node;
    g_.later_node[g_.n_later++] = at++;
    return true;
  }

  // The product that `x`, used by node `at` and no other, is or views, -1 if there is none: its
  // result need not lie where others' may lie after that node. llama.cpp's graph has RoPE of
  // queries before the products of keys and values.
  int Hide(const ggml_tensor* x, int at) {
    const ggml_tensor* out = x->view_src ? x->view_src : x;
    int i = 0;
    while (i < g_.n_products && g_.products[i].out != out) ++i;
    if (i == g_.n_products) return -1;
    GroupProduct& p = g_.products[i];
    const int64_t width = out->ne[0];
    if (!IsUsedOnly(p.last, 1) || g_.n_hidden + width > HiddenFloats(int(g_.row->ne[0]))) return -1;
    if (x != out) {
      int view = p.last + 1;
      while (view < at && graph_->nodes[view] != x) ++view;
      const bool is_whole =
          ggml_is_contiguous(x) && ggml_nelements(x) == width && x->view_offs == 0;
      const bool is_used_once = view < at && ggml_node_get_use_count(graph_, view) == 1;
      if (!is_whole || !is_used_once || (x->flags & GGML_TENSOR_FLAG_OUTPUT)) return -1;
    }
    p.hidden = g_.n_hidden;
    g_.n_hidden += width;
    return i;
  }

  // Threads read the row, and write results, with nothing between.
  bool AreProductsApart() const {
    const ggml_tensor *read = g_.row, *by = read;
    if (g_.norm) {
      read = g_.norm->src[0];
      by = g_.made->src[g_.made->src[0] == g_.norm ? 1 : 0];
    } else if (g_.made) {
      read = g_.made->src[0];
      by = g_.made->src[1];
    }
    if (g_.writes_made && (Overlap(g_.made, read) || Overlap(g_.made, by))) return false;
    for (int i = 0; i < g_.n_products; ++i) {
      const GroupProduct& p = g_.products[i];
      if (g_.writes_made && DependsOn(p, g_.made)) return false;
      if (IsHidden(p)) continue;
      if (Overlap(p.out, read) || Overlap(p.out, by)) return false;
      if (p.added && p.added->data != p.out->data && Overlap(p.added, p.out)) return false;
      for (int j = 0; j < g_.n_products; ++j) {
        if (j != i && DependsOn(g_.products[j], p.out)) return false;
      }
    }
    return true;
  }

  static bool IsHidden(const GroupProduct& p) { return p.hidden != kNotHidden; }

  // What of a product, but its row, another node must not write meanwhile.
  static bool DependsOn(const GroupProduct& p, const ggml_tensor* written) {
    const Bytes bytes(written);
    return (!IsHidden(p) && Overlap(Bytes(p.out), bytes)) ||
           Overlap(Bytes(p.product->src[0]), bytes) || (p.added && Overlap(Bytes(p.added), bytes));
  }

  // Products are computed before nodes that stand before them.
  bool AreLaterApart() const {
    for (int i = 0; i < g_.n_later; ++i) {
      for (int j = 0; j < g_.n_products; ++j) {
        const GroupProduct& p = g_.products[j];
        if (p.last < g_.later_node[i]) continue;
        if (DependsOn(p, g_.later[i]) || (!IsHidden(p) && Reads(i, p.out))) return false;
      }
    }
    return true;
  }

  bool Reads(int later, const ggml_tensor* written) const {
    const ggml_tensor* node = g_.later[later];
    for (int i = g_.source[later] < 0 ? 0 : 1; i < GGML_MAX_SRC && node->src[i]; ++i) {
      if (Overlap(node->src[i], written)) return true;
    }
    return false;
  }

  void FindTasks() {
    for (int i = 0; i < g_.n_later; ++i) {
      g_.task[i] = i;
      for (int j = 0; j < i; ++j) {
        const ggml_tensor *a = g_.later[i], *b = g_.later[j];
        if (Overlap(a, b) || Reads(i, b) || Reads(j, a)) Join(g_.task[j], g_.task[i], i);
      }
    }
  }

  void Join(int a, int b, int last) {
    for (int i = 0; i <= last; ++i) {
      if (g_.task[i] == a || g_.task[i] == b) g_.task[i] = std::min(a, b);
    }
  }

  const ggml_cgraph* graph_;
  const int first_;
  Group& g_;
};

}  // namespace

bool FindGroup(const ggml_cgraph* graph, int first, Group* group) {
  const ggml_tensor* node = graph->nodes[first];
  const bool is_kind =
      node->op == GGML_OP_RMS_NORM || node->op == GGML_OP_GLU || node->op == GGML_OP_MUL_MAT;
  return is_kind && ggml_nrows(node) == 1 && Finder(graph, first, group).Find();
}

#else

bool FindGroup(const ggml_cgraph*, int, Group*) { return false; }

#endif

}  // namespace llavaov::kernels
