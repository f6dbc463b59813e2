// Memory that products walk through row by row: a row lies pages apart from the next one, and with
// pages of 2 MiB a CPU knows where all of them are. Where the system leaves the choice to programs
// (Linux, "madvise") it has to be asked, before the memory is used; elsewhere nothing is done.
#pragma once

#include <cstddef>

namespace llavaov {

void PreferHugePages(void* memory, size_t size);

}  // namespace llavaov
