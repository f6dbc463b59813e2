// In place of all others where ggml is somebody's shared library (cmake/shared-ggml.cmake), which
// does not show its list of buffer types: no kernels.
#include "attention.h"
#include "finish.h"
#include "hook.h"
#include "table.h"

namespace llavaov::kernels {

void Register() {}
bool Hold(bool) { return true; }
void Release() {}
bool IsEnabled() { return false; }
Counts CountNodes() { return {0, 0}; }
bool FinishWith(ggml_tensor*, Finish, ggml_tensor*, ggml_tensor*) { return false; }
void SetRounded(ggml_tensor*) {}
bool TakesType(ggml_type) { return false; }
bool LeavesRepacked() { return true; }
std::vector<TypeEntry> Table() { return {}; }
const char* InstructionSet() { return nullptr; }

}  // namespace llavaov::kernels
