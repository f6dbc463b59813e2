// Some rows of activations by quantised weights on AMX's tiles (tiles.h), as several chats and
// drafts have them: as product-bytes.cc, but weights are the left side, sixteen rows of them a
// tile, in the order that they have in the file. So nothing is turned, and of q8_0 nothing moved.
//
// A tile of sums has sixteen columns. Where there are fewer rows of activations, it takes several
// units (tile-weights.h) side by side, each of whose activations stand in columns of their own
// between zeros: what is done with a tile of sums costs the same, so it is done once for all of
// them. Products of two tiles of sums take turns, and a pair is read while the next one is
// computed, for a product's result takes 52 cycles and the next may begin after 16.
//
// Memory serves sixteen rows of weights best where they lie apart: a thread divides its rows into
// so many stretches and goes through all of them side by side.
#include "few-tiles.h"

namespace llavaov::kernels {

#if defined(LLAVAOV_TILES)

namespace {

template <class W>
class FewRows {
 public:
  static Kernel Entry() { return {Work, Run}; }

 private:
  // Room for the activations of a pass, whatever its kernel, and for each thread's results of it.
  static size_t PackedSize(int blocks) {
    constexpr int kMostUnits = FewTiles<W, 4>::kUnits;  // of a group, of which the last is filled
    static_assert(sizeof(typename FewTiles<W, 4>::Group) <= kMostUnits * sizeof(WidestGroup));
    return Align((blocks * W::kScales + kMostUnits - 1) * sizeof(WidestGroup));
  }
  using WidestGroup = typename FewTiles<W, kPass>::Group;
  static constexpr size_t kResultsSize = sizeof(typename FewTiles<W, kPass>::Results);
  static int Passes(const ggml_tensor* op) {
    return int(ggml_nrows(op->src[1]) + kPass - 1) / kPass;
  }

  static size_t Work(int threads, const ggml_tensor* op) {
    return Passes(op) * (PackedSize(Blocks(op->src[0])) + threads * kResultsSize) + 128;
  }

  static void Run(const ggml_compute_params* params, ggml_tensor* op) {
    const FewRows product(params, op);
    product.Pack();
    ggml_barrier(params->threadpool);
    const auto [begin, end] = Lines(product.n_, params->ith, params->nth);
    const int64_t most = MostRows(op->src[0]->nb[1]);
    for (int64_t first = begin; first < end; first += most) {
      product.Rows(first, std::min(most, end - first));
    }
  }

  // Panels tell their rows apart by offsets of 31 bits.
  static int64_t MostRows(size_t row_size) {
    return std::max<int64_t>(INT32_MAX / int64_t(row_size) / kHeight, 1) * kHeight;
  }

  void Rows(int64_t first, int64_t count) const {
    const int64_t length = count / kHeight, rest = count % kHeight;
    if (length > 0) Stretches(first, length, kHeight);
    if (rest > 0) Stretches(first + count - rest, 1, int(rest));
  }

  FewRows(const ggml_compute_params* params, ggml_tensor* op)
      : params_(*params),
        op_(op),
        n_(op->src[0]->ne[1]),
        rows_(int(ggml_nrows(op->src[1]))),
        blocks_(Blocks(op->src[0])),
        pass_size_(PackedSize(blocks_)),
        packed_(AlignUp(params->wdata)),
        results_(packed_ + Passes(op) * (pass_size_ + params->ith * kResultsSize)) {}

  // For each pass: its kernel, activations, results, and which rows.
  template <class Use>
  void ForPasses(Use use) const {
    for (int first = 0; first < rows_; first += kPass) {
      const int pass = first / kPass, some = std::min(rows_ - first, kPass);
      ForRows<W>(some, [&](auto kernel) {
        using Kernel = decltype(kernel);
        use(kernel, reinterpret_cast<typename Kernel::Group*>(packed_ + pass * pass_size_),
            *reinterpret_cast<typename Kernel::Results*>(results_ + pass * kResultsSize), first,
            some);
      });
    }
  }

  void Pack() const {
    ForPasses([&](auto kernel, auto* groups, auto&, int first, int some) {
      decltype(kernel)::Pack(op_->src[1], first, some, params_.ith, params_.nth, groups);
    });
  }

  // `height` stretches of `length` rows of weights, the first from `col` on.
  void Stretches(int64_t col, int64_t length, int height) const {
    const ggml_tensor* w = op_->src[0];
    const TilesInUse tiles(FewTiles<W, kPass>::Shapes(height));
    for (int64_t from = 0; from < length; from += kLanes) {
      const int panels = int(std::min<int64_t>(length - from, kLanes));
      for (int i = 0; i < panels; ++i) {
        const Panel panel(static_cast<const char*>(w->data) + (col + from + i) * w->nb[1],
                          length * w->nb[1], height);
        ForPasses([&](auto kernel, auto* groups, auto& results, int, int) {
          decltype(kernel)::Multiply(panel, groups, blocks_, i, results);
        });
      }
      ForPasses([&](auto kernel, auto*, auto& results, int first, int some) {
        float* out = static_cast<float*>(op_->data) + first * n_ + col + from;
        for (int r = 0; r < height; ++r) {
          decltype(kernel)::Turn(results[r], panels, some, out + r * length, n_);
        }
      });
    }
  }

  const ggml_compute_params& params_;
  ggml_tensor* op_;
  int64_t n_;
  int rows_, blocks_;
  size_t pass_size_;
  char *packed_, *results_;
};

}  // namespace

Kernel FewTileProduct(ggml_type type) {
  if (!HasTiles()) return {};
  switch (type) {
    case GGML_TYPE_Q8_0:
      return FewRows<Q8_0>::Entry();
    case GGML_TYPE_Q4_0:
      return FewRows<Q4_0>::Entry();
    case GGML_TYPE_Q4_1:
      return FewRows<Q4_1>::Entry();
    case GGML_TYPE_Q5_0:
      return FewRows<Q5_0>::Entry();
    case GGML_TYPE_Q5_1:
      return FewRows<Q5_1>::Entry();
    case GGML_TYPE_IQ4_NL:
      return FewRows<IQ4_NL>::Entry();
    case GGML_TYPE_Q4_K:
      return FewRows<Q4_K>::Entry();
    case GGML_TYPE_Q5_K:
      return FewRows<Q5_K>::Entry();
    case GGML_TYPE_Q6_K:
      return FewRows<Q6_K>::Entry();
    default:
      return {};
  }
}

#else

Kernel FewTileProduct(ggml_type) { return {}; }

#endif

}  // namespace llavaov::kernels
