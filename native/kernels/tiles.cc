#include "tiles.h"

#if defined(LLAVAOV_TILES)
#include <sys/syscall.h>
#include <unistd.h>
#endif

namespace llavaov::kernels {

#if defined(LLAVAOV_TILES)

bool HasTiles() {
  constexpr int kRequest = 0x1023, kTileData = 18;  // ARCH_REQ_XCOMP_PERM of asm/prctl.h
  static const bool has = syscall(SYS_arch_prctl, kRequest, kTileData) == 0;
  return has;
}

#else

bool HasTiles() { return false; }

#endif

}  // namespace llavaov::kernels
