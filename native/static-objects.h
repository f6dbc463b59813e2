// The end of the process, before any static object of the addon is destroyed: llama.cpp has some
// that are made during a load, which exit() would destroy first, under the very thread that loads.
#pragma once

namespace llavaov {

// Runs `call` before each of those destructors. It may come many times, and when the addon alone is
// unloaded; it outlives every static object.
void BeforeStaticObjectsEnd(void (*call)());

}  // namespace llavaov
