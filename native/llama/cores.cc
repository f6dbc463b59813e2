#include "llama/cores.h"

#include <algorithm>
#include <thread>

#if defined(__APPLE__)
#include <sys/sysctl.h>
#elif defined(_WIN32)
#include <windows.h>
#include <vector>
#else
#include <sched.h>

#include <fstream>
#include <set>
#include <string>
#include <utility>
#endif

namespace llavaov {
namespace {

int LogicalCores() { return std::max(1, int(std::thread::hardware_concurrency())); }

#if defined(__APPLE__)

int CountCores() {
  for (const char* name : {"hw.perflevel0.physicalcpu", "hw.physicalcpu"}) {
    int cores = 0;
    size_t size = sizeof cores;
    if (sysctlbyname(name, &cores, &size, nullptr, 0) == 0 && cores > 0) return cores;
  }
  return LogicalCores();
}

#elif defined(_WIN32)

int CountCores() {
  DWORD bytes = 0;
  GetLogicalProcessorInformation(nullptr, &bytes);
  std::vector<SYSTEM_LOGICAL_PROCESSOR_INFORMATION> entries(
      bytes / sizeof(SYSTEM_LOGICAL_PROCESSOR_INFORMATION));
  if (entries.empty() || !GetLogicalProcessorInformation(entries.data(), &bytes)) {
    return LogicalCores();
  }
  int cores = 0;
  for (const auto& entry : entries) cores += entry.Relationship == RelationProcessorCore;
  return cores > 0 ? cores : LogicalCores();
}

#else

int TopologyId(int cpu, const char* file) {
  std::ifstream in("/sys/devices/system/cpu/cpu" + std::to_string(cpu) + "/topology/" + file);
  int id = -1;
  return in >> id ? id : -1;
}

int CountCores() {
  cpu_set_t allowed;
  CPU_ZERO(&allowed);
  if (sched_getaffinity(0, sizeof allowed, &allowed) != 0) return LogicalCores();
  std::set<std::pair<int, int> > cores;  // (package, core)
  for (int cpu = 0; cpu < CPU_SETSIZE; ++cpu) {
    if (!CPU_ISSET(cpu, &allowed)) continue;
    const int core = TopologyId(cpu, "core_id");
    // Unknown topology: every CPU counts for itself.
    cores.insert({core < 0 ? -1 : TopologyId(cpu, "physical_package_id"), core < 0 ? cpu : core});
  }
  return std::max(1, int(cores.size()));
}

#endif

}  // namespace

int PhysicalCores() { return CountCores(); }

}  // namespace llavaov
