#include "ops/fft/transform.hpp"

#include <algorithm>

#include "ops/fft/fft_loops.hpp"
#include "parallel/parallel.hpp"
#include "tensor/tensor.hpp"
#include "vec/isa.hpp"

namespace tallow::fft {
namespace baseline { const FftTable* fft_table(); }
namespace avx2 { const FftTable* fft_table(); }
namespace avx512 { const FftTable* fft_table(); }

namespace {

constexpr int64_t kGrain = 16384;  // numbers of a piece of work

template <class T>
const FftLoops<T>& loops() {
  static const FftTable* table = TL_FOR_THIS_PROCESSOR(fft_table());
  if constexpr (sizeof(T) == 8) return table->in_double;
  else return table->in_float;
}

// Memory from the core's allocator, 64-byte aligned.
template <class T>
class Room {
 public:
  explicit Room(int64_t count) : storage_(make_storage(count * static_cast<int64_t>(sizeof(T)), kCpu)) {}
  ~Room() { storage_->release(); }
  Room(const Room&) = delete;
  Room& operator=(const Room&) = delete;
  T* data() const { return static_cast<T*>(storage_->data); }

 private:
  Storage* storage_;
};


template <class T>
void direct(const Plan<T>& p, const Input<T>& in, const Output<T>& out, int64_t count, Direction direction, T scale, const Plan<T>* turned_by = nullptr) {
  const int64_t lanes = loops<T>().lanes, blocks = (count + lanes - 1) / lanes;
  parallel_for(0, blocks, std::max<int64_t>(1, kGrain / (lanes * p.n)), [&](int64_t begin, int64_t end) {
    const Room<T> scratch(scratch_size<T>(p.n));
    std::vector<std::complex<T>> far(turned_by ? static_cast<size_t>(p.n) : 0);
    int64_t from[kLanes<T>], to[kLanes<T>];
    for (int64_t b = begin; b < end; ++b) {
      const int64_t first = b * lanes, n = std::min(lanes, count - first);
      for (int64_t l = 0; l < n; ++l) from[l] = in.at(first + l), to[l] = out.at(first + l);
      for (size_t k = 0; k < far.size(); ++k) {
        const std::complex<double> w = turned_by->power(static_cast<int64_t>(k) * first);
        far[k] = {static_cast<T>(w.real()), static_cast<T>(w.imag())};
      }
      loops<T>().run(p, {in.data, from, in.step, out.data, to, out.step, n, direction, scale, turned_by ? turned_by->near.data() : nullptr, far.data(),
                         scratch.data()});
    }
  });
}

// x[column + columns row]: transforms over the rows, factors, transforms over the columns.
template <class T>
void four_step(const Plan<T>& p, const std::complex<T>* in, int64_t in_step, std::complex<T>* out, int64_t out_step, Direction direction, T scale) {
  const Room<std::complex<T>> middle(p.n);
  direct<T>(*p.row_plan, {in, in_step * p.columns, 0, p.columns, in_step}, {middle.data(), p.columns, 0, p.columns, 1}, p.columns, direction, 1, &p);
  transform<T>(*p.column_plan, {middle.data(), 1, 0, p.rows, p.columns}, {out, out_step * p.rows, 0, p.rows, out_step}, p.rows, direction, scale);
}

template <class T>
void bluestein(const Plan<T>& p, const Input<T>& in, const Output<T>& out, int64_t count, Direction direction, T scale) {
  using C = std::complex<T>;
  const FftLoops<T>& run = loops<T>();
  const bool backward = direction == Direction::Backward;
  // Transforms side by side, as many as a vector holds and memory allows.
  const int64_t width = std::clamp<int64_t>((int64_t{1} << 22) / p.padded, 1, run.lanes);
  parallel_for(0, (count + width - 1) / width, 1, [&](int64_t begin, int64_t end) {
    const Room<C> a(p.padded * width);
    for (int64_t b = begin; b < end; ++b) {
      const int64_t first = b * width, n = std::min(width, count - first);
      C* x = a.data();
      for (int64_t l = 0; l < n; ++l) {
        const C* from = in.data + in.at(first + l);
        for (int64_t j = 0; j < p.n; ++j) x[j * n + l] = backward ? std::conj(from[j * in.step]) : from[j * in.step];
      }
      run.multiply(x, p.chirp.data(), x, p.n, n, false);
      std::fill(x + p.n * n, x + p.padded * n, C());
      transform<T>(*p.convolution, {x, n, 0, n, 1}, {x, n, 0, n, 1}, n, Direction::Forward, 1);
      run.multiply(x, p.response.data(), x, p.padded, n, false);
      transform<T>(*p.convolution, {x, n, 0, n, 1}, {x, n, 0, n, 1}, n, Direction::Backward, scale);
      run.multiply(x, p.chirp.data(), x, p.n, n, false);
      for (int64_t l = 0; l < n; ++l) {
        C* to = out.data + out.at(first + l);
        for (int64_t j = 0; j < p.n; ++j) to[j * out.step] = backward ? std::conj(x[j * n + l]) : x[j * n + l];
      }
    }
  });
}

template <class T>
std::vector<std::complex<T>> roots_for(int64_t n) {
  std::vector<std::complex<T>> w(static_cast<size_t>(n / 4 + 1));
  for (size_t k = 0; k < w.size(); ++k) {
    const std::complex<double> z = root_of_unity(static_cast<int64_t>(k), n);
    w[k] = {static_cast<T>(z.real()), static_cast<T>(z.imag())};
  }
  return w;
}

}  // namespace

template <class T>
void transform(const Plan<T>& p, const Input<T>& in, const Output<T>& out, int64_t count, Direction direction, T scale) {
  if (p.convolution) return bluestein(p, in, out, count, direction, scale);
  const bool fills_vectors = 2 * count > loops<T>().lanes;
  if (p.n <= kDirect && (fills_vectors || !p.row_plan)) return direct(p, in, out, count, direction, scale);
  parallel_for(0, count, std::max<int64_t>(1, kGrain / p.n), [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) four_step(p, in.data + in.at(i), in.step, out.data + out.at(i), out.step, direction, scale);
  });
}

template <class T>
void real_to_complex(int64_t n, const T* in, std::complex<T>* out, int64_t rows, T scale) {
  const int64_t values = n / 2 + 1;
  if (n % 2 == 0) {
    const int64_t half = n / 2;
    transform<T>(*plan<T>(half), {reinterpret_cast<const std::complex<T>*>(in), 1, half, 1, 0}, {out, 1, values, 1, 0}, rows, Direction::Forward, scale);
    const auto roots = roots_for<T>(n);
    return parallel_for(0, rows, std::max<int64_t>(1, kGrain / n), [&](int64_t b, int64_t e) {
      for (; b < e; ++b) loops<T>().join(out + b * values, half, roots.data());
    });
  }
  const auto p = plan<T>(n);
  parallel_for(0, rows, std::max<int64_t>(loops<T>().lanes, kGrain / n), [&](int64_t b, int64_t e) {
    const Room<std::complex<T>> full((e - b) * n);
    std::copy(in + b * n, in + e * n, full.data());
    transform<T>(*p, {full.data(), 1, n, 1, 0}, {full.data(), 1, n, 1, 0}, e - b, Direction::Forward, scale);
    for (int64_t i = b; i < e; ++i) std::copy_n(full.data() + (i - b) * n, values, out + i * values);
  });
}

template <class T>
void complex_to_real(int64_t n, const std::complex<T>* in, T* out, int64_t rows, T scale) {
  const int64_t values = n / 2 + 1;
  if (n % 2 == 0) {
    const int64_t half = n / 2;
    const auto roots = roots_for<T>(n);
    auto* z = reinterpret_cast<std::complex<T>*>(out);
    parallel_for(0, rows, std::max<int64_t>(1, kGrain / n), [&](int64_t b, int64_t e) {
      for (; b < e; ++b) loops<T>().part(in + b * values, z + b * half, half, roots.data());
    });
    return transform<T>(*plan<T>(half), {z, 1, half, 1, 0}, {z, 1, half, 1, 0}, rows, Direction::Backward, scale);
  }
  const auto p = plan<T>(n);
  parallel_for(0, rows, std::max<int64_t>(loops<T>().lanes, kGrain / n), [&](int64_t b, int64_t e) {
    const Room<std::complex<T>> full((e - b) * n);
    for (int64_t i = b; i < e; ++i) {
      std::complex<T>* x = full.data() + (i - b) * n;
      x[0] = in[i * values].real();
      for (int64_t k = 1; k < values; ++k) x[k] = in[i * values + k], x[n - k] = std::conj(x[k]);
    }
    transform<T>(*p, {full.data(), 1, n, 1, 0}, {full.data(), 1, n, 1, 0}, e - b, Direction::Backward, scale);
    for (int64_t i = b * n; i < e * n; ++i) out[i] = full.data()[i - b * n].real();
  });
}

#define TL_FOR_TYPE(T)                                                                                                \
  template void transform<T>(const Plan<T>&, const Input<T>&, const Output<T>&, int64_t, Direction, T);               \
  template void real_to_complex<T>(int64_t, const T*, std::complex<T>*, int64_t, T);                                  \
  template void complex_to_real<T>(int64_t, const std::complex<T>*, T*, int64_t, T);
TL_FOR_TYPE(float)
TL_FOR_TYPE(double)

}  // namespace tallow::fft
