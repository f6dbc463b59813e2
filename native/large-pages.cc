#include "large-pages.h"

#ifdef __linux__
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdint>
#endif

namespace llavaov {

#ifdef __linux__

namespace {

constexpr size_t kStep = 64 << 20;  // bytes between two reports
constexpr int kPopulateRead = 22;   // MADV_POPULATE_READ, which glibc names from 2.35 on

class Mapping {
 public:
  explicit Mapping(const std::string& path) {
    const int file = open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (file < 0) return;
    struct stat about;
    if (fstat(file, &about) == 0 && S_ISREG(about.st_mode) && about.st_size > 0) {
      void* const start = mmap(nullptr, size_t(about.st_size), PROT_READ, MAP_SHARED, file, 0);
      if (start != MAP_FAILED) {
        data_ = static_cast<char*>(start);
        size_ = size_t(about.st_size);
        const double in_memory = ShareInMemory();
        is_read_ = in_memory > 7.0 / 8;
        // What little is in memory, a header and samples, is given up: large pages find no room
        // around it.
        if (in_memory < 1.0 / 8) posix_fadvise(file, 0, 0, POSIX_FADV_DONTNEED);
        madvise(data_, size_, MADV_HUGEPAGE);  // refused where the system has no large pages
      }
    }
    close(file);
  }
  Mapping(Mapping&& other) noexcept
      : data_(other.data_), size_(other.size_), is_read_(other.is_read_) {
    other.size_ = 0;
  }
  ~Mapping() {
    if (size_) munmap(data_, size_);
  }

  size_t bytes_to_read() const { return is_read_ ? 0 : size_; }
  // False where the system cannot, or what was read before has to go for it.
  bool Read(size_t at, size_t bytes) const {
    int failed;
    do {
      failed = madvise(data_ + at, bytes, kPopulateRead);
    } while (failed && errno == EINTR);
    unsigned char first = 0;
    return !failed && mincore(data_, 1, &first) == 0 && first & 1;
  }

 private:
  double ShareInMemory() const {
    const size_t page = size_t(sysconf(_SC_PAGESIZE));
    std::vector<unsigned char> pages((size_ + page - 1) / page);
    if (mincore(data_, size_, pages.data()) != 0) return 1.0;
    const auto in_memory =
        std::count_if(pages.begin(), pages.end(), [](unsigned char state) { return state & 1; });
    return double(in_memory) / double(pages.size());
  }

  char* data_ = nullptr;
  size_t size_ = 0;
  bool is_read_ = false;
};

}  // namespace

void ReadInLargePages(const std::vector<std::string>& paths, const OnRead& on_read) {
  double total = 0, done = 0;
  std::vector<Mapping> files;
  for (const std::string& path : paths) total += double(files.emplace_back(path).bytes_to_read());
  for (const Mapping& file : files) {
    for (size_t at = 0; at < file.bytes_to_read(); at += kStep) {
      const size_t bytes = std::min(kStep, file.bytes_to_read() - at);
      done += double(bytes);
      if (!file.Read(at, bytes) || !on_read(done / total)) return;
    }
  }
}

void AskForLargePages(void* memory, size_t size) {
  const uintptr_t page = uintptr_t(sysconf(_SC_PAGESIZE));
  const uintptr_t first = (reinterpret_cast<uintptr_t>(memory) + page - 1) / page * page;
  const uintptr_t end = (reinterpret_cast<uintptr_t>(memory) + size) / page * page;
  if (first < end) madvise(reinterpret_cast<void*>(first), end - first, MADV_HUGEPAGE);
}

#else

void AskForLargePages(void*, size_t) {}

void ReadInLargePages(const std::vector<std::string>&, const OnRead&) {}

#endif

}  // namespace llavaov
