#include "mapped-files.h"

#ifdef __linux__
#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstdint>
#include <cstdlib>
#include <mutex>
#endif

namespace llavaov {

#ifdef __linux__

// As /proc/self/maps lists a mapping: it may call a file's device otherwise than stat does.
struct Listing {
  uintptr_t begin = 0, end = 0;
  uint64_t device = 0, inode = 0;
};

class WatchedFile {
 public:
  std::atomic<bool> is_used{false};
  std::atomic<uint64_t> device{0}, inode{0};
  std::atomic<bool> is_cut{false};
};

namespace {

// Of all models of the process; more are not watched. Never freed, since a signal may come at any
// time.
WatchedFile files[64];
std::mutex files_mutex;
struct sigaction previous;

// What follows runs in a signal handler: system calls and memory of its own, nothing else.

uint64_t ReadHex(const char*& text) {
  uint64_t value = 0;
  for (;; ++text) {
    if (*text >= '0' && *text <= '9') {
      value = value * 16 + uint64_t(*text - '0');
    } else if (*text >= 'a' && *text <= 'f') {
      value = value * 16 + uint64_t(*text - 'a' + 10);
    } else {
      return value;
    }
  }
}

// "begin-end perms offset major:minor inode path"
Listing ParseLine(const char* text) {
  Listing line;
  line.begin = ReadHex(text);
  ++text;
  line.end = ReadHex(text);
  for (int field = 0; field < 3; ++field) {
    while (*text && *text != ' ') ++text;
    while (*text == ' ') ++text;
  }
  line.device = ReadHex(text) << 32;
  if (*text == ':') ++text;
  line.device |= ReadHex(text);
  while (*text == ' ') ++text;
  while (*text >= '0' && *text <= '9') line.inode = line.inode * 10 + uint64_t(*text++ - '0');
  return line;
}

// The mapping that an address is in; one of nothing when there is none.
Listing FindMapping(uintptr_t address) {
  const int maps = open("/proc/self/maps", O_RDONLY | O_CLOEXEC);
  if (maps < 0) return {};
  Listing found;
  char line[128];  // its beginning is enough
  size_t length = 0;
  char buffer[2048];
  for (ssize_t n; found.end == 0 && (n = read(maps, buffer, sizeof buffer)) > 0;) {
    for (ssize_t i = 0; i < n; ++i) {
      if (buffer[i] != '\n') {
        if (length + 1 < sizeof line) line[length++] = buffer[i];
        continue;
      }
      line[length] = '\0';
      length = 0;
      const Listing mapping = ParseLine(line);
      if (address < mapping.begin || address >= mapping.end) continue;
      found = mapping;
      break;
    }
  }
  close(maps);
  return found;
}

// Zeros from the page of the address to the end of the mapping: what comes after it in the file is
// gone too.
bool FillIn(uintptr_t address) {
  const Listing mapping = FindMapping(address);
  bool is_watched = false;
  for (WatchedFile& file : files) {
    if (!file.is_used || file.inode != mapping.inode || file.device != mapping.device) continue;
    file.is_cut = true;  // by whoever has it mapped
    is_watched = true;
  }
  if (!is_watched) return false;
  const uintptr_t page = address & ~(uintptr_t(sysconf(_SC_PAGESIZE)) - 1);
  const int flags = MAP_FIXED | MAP_PRIVATE | MAP_ANONYMOUS;
  void* const start = reinterpret_cast<void*>(page);
  return mmap(start, mapping.end - page, PROT_READ, flags, -1, 0) != MAP_FAILED;
}

void OnBusError(int signal, siginfo_t* info, void* context) {
  const int saved = errno;
  const bool is_filled = info->si_code == BUS_ADRERR && FillIn(uintptr_t(info->si_addr));
  errno = saved;
  if (is_filled) return;
  if (previous.sa_flags & SA_SIGINFO) {
    previous.sa_sigaction(signal, info, context);
  } else if (previous.sa_handler != SIG_DFL && previous.sa_handler != SIG_IGN) {
    previous.sa_handler(signal);
  } else {
    // A fault comes again when this returns, and then ends the process; one that was sent does not.
    sigaction(SIGBUS, &previous, nullptr);
    if (info->si_code <= 0) raise(signal);
  }
}

void InstallOnce() {
  static std::once_flag once;
  std::call_once(once, [] {
    struct sigaction action = {};
    action.sa_sigaction = OnBusError;
    action.sa_flags = SA_SIGINFO | SA_ONSTACK;
    sigemptyset(&action.sa_mask);
    sigaction(SIGBUS, &action, &previous);
  });
}

// How its mappings are listed, which a mapping of a page tells.
Listing ListingOf(const std::string& path) {
  const int file = open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (file < 0) return {};
  void* const page = mmap(nullptr, size_t(sysconf(_SC_PAGESIZE)), PROT_READ, MAP_SHARED, file, 0);
  close(file);
  if (page == MAP_FAILED) return {};
  const Listing listing = FindMapping(uintptr_t(page));
  munmap(page, size_t(sysconf(_SC_PAGESIZE)));
  return listing;
}

}  // namespace

MappedFiles::MappedFiles(const std::vector<std::string>& paths) {
  for (const std::string& path : paths) {
    const Listing listing = ListingOf(path);
    if (listing.inode == 0) continue;
    InstallOnce();
    const std::lock_guard<std::mutex> lock(files_mutex);
    for (WatchedFile& file : files) {
      if (file.is_used) continue;
      file.device = listing.device;
      file.inode = listing.inode;
      file.is_cut = false;
      file.is_used = true;
      watched_.push_back(&file);
      break;
    }
  }
}

MappedFiles::~MappedFiles() {
  const std::lock_guard<std::mutex> lock(files_mutex);
  for (WatchedFile* file : watched_) file->is_used = false;
}

bool MappedFiles::are_cut() const {
  for (const WatchedFile* file : watched_) {
    if (file->is_cut) return true;
  }
  return false;
}

#else

class WatchedFile {};

MappedFiles::MappedFiles(const std::vector<std::string>&) {}
MappedFiles::~MappedFiles() = default;
bool MappedFiles::are_cut() const { return false; }

#endif

}  // namespace llavaov
