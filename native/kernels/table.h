// Which nodes are ours: by type of the weights, number of rows, and instruction set of the build.
#pragma once

#include <vector>

#include "product.h"

namespace llavaov::kernels {

// Null where ggml's own kernel computes the node. A pure function of the node, so that every thread
// and the plan of the work buffer decide alike.
Kernel KernelFor(const ggml_tensor* op);

// Whether products with many rows of weights of this type are ours.
bool TakesType(ggml_type type);

// Whether tokens are faster with what ggml repacks of the weights, when it may: on ARM.
bool LeavesRepacked();

struct TypeEntry {
  ggml_type type;
  const char* many;  // how many rows are multiplied; null: by ggml
  int least_rows;    // that this kernel takes
  const char* few;   // how fewer are (Q2_K, Q3_K: from five on); null: by ggml
  const char* one;   // how one row is; null: by ggml
};

// For people: the types that model files have.
std::vector<TypeEntry> Table();

// As "AVX-512 VNNI"; null where there are no kernels.
const char* InstructionSet();

}  // namespace llavaov::kernels
