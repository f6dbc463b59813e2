// Memory in large pages.
//
// Mapped files are read in them: a token reads every weight once, and in pages of 4 KiB a tenth of
// that time goes into finding them. Linux keeps a file in the pages by which it was first read, so
// this comes before llama.cpp maps it. Where more than an eighth is in memory already, that stays
// as it is. Elsewhere, and on kernels older than 5.14, it does nothing.
//
// What products write lies row by row, pages apart: a tile takes a fourteenth less time where its
// buffers are in large pages, for which systems mostly want to be asked ("madvise").
#pragma once

#include <cstddef>
#include <functional>
#include <string>
#include <vector>

namespace llavaov {

// Told the share of all their bytes that is in memory; false ends it.
using OnRead = std::function<bool(double share)>;

// What cannot be opened, mapped or read is left to whoever loads the files.
void ReadInLargePages(const std::vector<std::string>& paths, const OnRead& on_read);

// Before the memory is used.
void AskForLargePages(void* memory, size_t size);

}  // namespace llavaov
