// A mapped file that somebody cuts short ends a process, by SIGBUS, at its next read of what is
// gone. While a file is watched here, such reads give zeros instead, and its watch says so. Linux
// only: Windows does not let mapped files be cut, and elsewhere watches see nothing.
#pragma once

#include <memory>
#include <string>
#include <vector>

namespace llavaov {

class WatchedFile;

class MappedFiles {
 public:
  // Before they are mapped. Files that cannot be opened are not watched: whoever maps them will say
  // so.
  explicit MappedFiles(const std::vector<std::string>& paths);
  ~MappedFiles();
  MappedFiles(const MappedFiles&) = delete;
  MappedFiles& operator=(const MappedFiles&) = delete;

  // Whether zeros were read in place of what a file had.
  bool are_cut() const;

 private:
  std::vector<WatchedFile*> watched_;
};

}  // namespace llavaov
