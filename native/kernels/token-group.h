// Runs of nodes of one row, as a token's graph has them, that threads compute in one go: an RMS
// norm or SwiGLU, the products of what it gives, what is added to each of them, and RoPE and the
// cache's new rows behind them.
#pragma once

#include <ggml.h>

namespace llavaov::kernels {

constexpr int kMostProducts = 4, kMostLater = 6;  // of a group

struct GroupProduct {
  const ggml_tensor* product;
  const ggml_tensor* added;  // one row; null: nothing
  ggml_tensor* out;          // the last node of it, alone written
  int node, last;            // the product's, and that node's, in the graph
  int64_t hidden;  // where `later` alone needs the result: its place among floats of that kind
};

struct Group {
  const ggml_tensor* row;  // of all products
  ggml_tensor* made;       // the node that gives it: MUL, behind a norm, or GLU; null: it is there
  ggml_tensor* norm;       // null: none
  bool writes_made;        // others use it too
  GroupProduct products[kMostProducts];
  int n_products;
  // Nodes that are computed when all products are there, each by one thread: those of the same
  // task in this order, as one needs the other's result or memory.
  ggml_tensor* later[kMostLater];
  int later_node[kMostLater], task[kMostLater];
  int source[kMostLater];  // the product whose hidden result takes the place of src[0]; -1: none
  int n_later;
  int64_t n_hidden;  // floats
  int nodes;         // of the graph, views among them
};

// Whether the nodes from `first` on are one. A pure function of the graph.
bool FindGroup(const ggml_cgraph* graph, int first, Group* group);

}  // namespace llavaov::kernels
