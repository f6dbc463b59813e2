// How many threads are worth starting.
#pragma once

namespace llavaov {

// Physical cores that this process may use, at least 1: SMT siblings share the vector units, so a
// second thread on one core slows matrix products down. Of two kinds of cores only the fast ones
// count: one slow thread holds all others up.
int PhysicalCores();

}  // namespace llavaov
