// Log-probabilities of a whole vocabulary, fast enough to compute for every token.
#pragma once

#include <cstdint>
#include <vector>

namespace llavaov {

// out = exp(x - max), where max is no less than any x, with a relative error below 1e-6. Values
// under max - 87 give exp(-87).
void ExpDifferences(const float* x, int n, float max, float* out);

// log(sum(exp(x))), with a relative error of the sum below 1e-6. NaN when any value is NaN or +inf,
// or all are -inf.
double LogSumExp(const float* x, int n);

// The first of the largest values, not looking at NaN behind it; n where x[0] is NaN.
int IndexOfMax(const float* x, int n);

// The ids of the `count` largest values, best first, the lower id first among equals.
std::vector<int32_t> LargestIds(const float* x, int n, int count);

}  // namespace llavaov
