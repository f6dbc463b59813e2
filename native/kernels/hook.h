// How the kernels get into ggml's CPU backend without a change to it.
#pragma once

#include <cstdint>

namespace llavaov::kernels {

// Makes ggml ask for our kernels before it computes a node. Does nothing after the first call, and
// must come before anything asks for the CPU's buffer types: llama.cpp keeps the list it first
// sees.
void Register();

// Whether they are used, in the whole process: the hook does not know whose node it is asked about.
// Whoever computes holds the choice while it lives; false, and nothing is held, where others hold
// the other one.
bool Hold(bool ours);
void Release();

// Whether the build has kernels and they are chosen.
bool IsEnabled();

// Nodes of the kinds that we have kernels for (products, attention), each time a graph is planned,
// and how many of them were ours.
struct Counts {
  uint64_t asked, taken;
};
Counts CountNodes();

}  // namespace llavaov::kernels
