// Reads mapped files into memory in large pages: a token reads every weight once, and in pages of
// 4 KiB a tenth of that time goes into finding them. Linux keeps a file in the pages by which it
// was first read, so this comes before llama.cpp maps it; what is in memory already stays as it is.
// Elsewhere, and on kernels older than 5.14, it does nothing.
#pragma once

#include <functional>
#include <string>
#include <vector>

namespace llavaov {

// Told the share of all their bytes that is in memory; false ends it.
using OnRead = std::function<bool(double share)>;

// What cannot be opened, mapped or read is left to whoever loads the files.
void ReadInLargePages(const std::vector<std::string>& paths, const OnRead& on_read);

}  // namespace llavaov
