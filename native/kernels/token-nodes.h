// A group of nodes of one row (token-group.h), computed by every thread of the pool.
#pragma once

#include <cstddef>

struct ggml_cgraph;
struct ggml_compute_params;

namespace llavaov::kernels {

// As ggml asks (scripts/build/patches/node-groups.patch): computes nodes from `first` on where they
// are a group, and says how many. `room` is the graph's, RoomOfGroups of its threads.
int ComputeGroup(const ggml_compute_params* params, const ggml_cgraph* graph, int first,
                 void* room);
size_t RoomOfGroups(int threads);

}  // namespace llavaov::kernels
