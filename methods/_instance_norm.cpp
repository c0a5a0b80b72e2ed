// Instance normalisation of channels-last tensors, with its first and second derivatives.
//
// What each function computes stands in _instance_norm.py. A tensor is count x pixels x channels;
// statistics and parameters are count x channels, in float for bfloat16. A picture is gone through
// twice, in blocks that stay in the cache: the first time for sums, which are added in the order
// of the blocks whatever the number of threads, the second time for the result.
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <type_traits>
#include <vector>
#ifdef __AVX512F__
#include <immintrin.h>  // for what compilers do not make of __builtin_convertvector
#endif

constexpr int W = 16;      // channels in a vector; the compiler cuts it for narrower processors
constexpr int BLOCK = 64;  // pixels

template <class A> struct Vectors { typedef A type __attribute__((vector_size(W * sizeof(A)))); };
template <class A> using Vec = typename Vectors<A>::type;

// How a type is stored and calculated with.
template <class T> struct Type {
    using Wide = T;
    using Stored = T;
    static Vec<T> widen(Vec<T> x) { return x; }
    static Vec<T> narrow(Vec<T> x) { return x; }
};
struct bfloat16 { uint16_t bits; };
template <> struct Type<bfloat16> {
    using Wide = float;
    using Stored = uint16_t;
    static Vec<float> widen(Vec<uint16_t> x) {
#ifdef __AVX512F__
        const auto wide = (Vec<uint32_t>)_mm512_cvtepu16_epi32((__m256i)x);
#else
        const auto wide = __builtin_convertvector(x, Vec<uint32_t>);
#endif
        return (Vec<float>)(wide << 16);
    }
    static Vec<uint16_t> narrow(Vec<float> x) {  // to the nearest, ties to even
#ifdef __AVX512BF16__
        return (Vec<uint16_t>)_mm512_cvtneps_pbh((__m512)x);
#else
        const auto bits = (Vec<uint32_t>)x, rounded = bits + 0x7fff + (bits >> 16 & 1);
        return __builtin_convertvector((x == x ? rounded : bits | 0x400000) >> 16, Vec<uint16_t>);
#endif
    }
};
using float32 = float;
using float64 = double;
template <class T> using Wide = typename Type<T>::Wide;
template <class T> using Of = Vec<Wide<T>>;

// body(c, n) for all strips of channels: n of them from c on, W as a constant but in the last.
template <class Body> static inline void strips(int channels, Body body) {
    int c = 0;
    for (; c + W <= channels; c += W) body(c, std::integral_constant<int, W>{});
    if (c < channels) body(c, channels - c);
}
// n channels from p on; lanes beyond are nought.
template <class T, class N> static inline Of<T> get(const T *p, N n) {
    Vec<typename Type<T>::Stored> x = {};
    memcpy(&x, p, n * sizeof(T));
    return Type<T>::widen(x);
}
template <class T, class N> static inline void put(T *p, Of<T> value, N n) {
    const auto x = Type<T>::narrow(value);
    memcpy(p, &x, n * sizeof(T));
}
template <class V> static inline V where_positive(V y, V g) { return y <= 0 ? V{} : g; }
template <class V, class A> static inline V clamped(V h, A limit) {
    const V top = V{} + limit;
    h = h > top ? top : h;
    return h < -top ? -top : h;
}
template <class V, class A> static inline V where_inside(V h, A limit, V g) {
    return h < V{} - limit ? V{} : h > V{} + limit ? V{} : g;
}

struct Shape {
    int count, pixels, channels, threads;
    int blocks() const { return (pixels + BLOCK - 1) / BLOCK; }
};

// SUMS numbers per channel of every block of a picture.
template <class A, int SUMS> struct Sums {
    int channels;
    std::vector<A> data;
    Sums(Shape s) : channels(s.channels), data(size_t(s.count) * s.blocks() * SUMS * s.channels) {}
    A *at(size_t block, int sum) { return data.data() + (block * SUMS + sum) * channels; }
    double total(size_t from, size_t to, int sum, int channel) {
        double added = 0;
        for (size_t b = from; b < to; b++) added += at(b, sum)[channel];
        return added;
    }
};

// first(block, from, to) for all blocks of a picture, then between(picture), then second(…) like
// first; `block` counts over all pictures, as do the pixels `from` and `to`.
template <class First, class Between, class Second>
static void twice(Shape s, First first, Between between, Second second) {
    auto each = [=](int picture, int block, auto &pass) {
        size_t begin = size_t(picture) * s.pixels, end = begin + s.pixels;
        size_t from = begin + size_t(block) * BLOCK;
        pass(size_t(picture) * s.blocks() + block, picture, from, std::min(from + BLOCK, end));
    };
    if (s.count >= s.threads) {
#pragma omp parallel for num_threads(s.threads)
        for (int n = 0; n < s.count; n++) {
            for (int b = 0; b < s.blocks(); b++) each(n, b, first);
            between(n);
            for (int b = 0; b < s.blocks(); b++) each(n, b, second);
        }
        return;
    }
    for (int n = 0; n < s.count; n++) {
#pragma omp parallel for num_threads(s.threads)
        for (int b = 0; b < s.blocks(); b++) each(n, b, first);
        between(n);
#pragma omp parallel for num_threads(s.threads)
        for (int b = 0; b < s.blocks(); b++) each(n, b, second);
    }
}

template <class T, class A = Wide<T>>
static void normalise(const T *x, const A *gain, const A *bias, double eps, A limit, int relu,
                      T *y, A *mean, A *inverse, Shape s) {
    const int C = s.channels;
    Sums<A, 2> sums(s);  // of each block the mean, and the squared distances from it
    twice(
        s,
        [&](size_t block, int, size_t from, size_t to) {
            strips(C, [&](int c, auto n) {
                const Of<T> near = get(x + from * C + c, n);  // so that squares do not cancel
                Of<T> sum = {}, squares = {};
                for (size_t p = from; p < to; p++) {
                    const Of<T> d = get(x + p * C + c, n) - near;
                    sum += d;
                    squares += d * d;
                }
                const Of<T> from_near = sum / Wide<T>(to - from);
                put(sums.at(block, 0) + c, near + from_near, n);
                put(sums.at(block, 1) + c, squares - sum * from_near, n);
            });
        },
        [&](int picture) {
            const size_t first = size_t(picture) * s.blocks(), last = first + s.blocks() - 1;
            const double rest = s.pixels - double(s.blocks() - 1) * BLOCK;  // in the last block
            for (int c = 0; c < C; c++) {
                double middle = sums.total(first, last, 0, c) * BLOCK + sums.at(last, 0)[c] * rest;
                middle /= s.pixels;
                double squares = sums.total(first, last + 1, 1, c);
                for (size_t b = first; b <= last; b++) {
                    const double d = sums.at(b, 0)[c] - middle;
                    squares += d * d * (b < last ? BLOCK : rest);
                }
                mean[picture * C + c] = middle;
                inverse[picture * C + c] = 1 / std::sqrt(squares / s.pixels + eps);
            }
        },
        [&](size_t, int picture, size_t from, size_t to) {
            strips(C, [&](int c, auto n) {
                const int at = picture * C + c;
                const Of<T> middle = get(mean + at, n), factor = get(inverse + at, n);
                const Of<T> scale = get(gain + at, n), shift = get(bias + at, n);
                for (size_t p = from; p < to; p++) {
                    const Of<T> h = (get(x + p * C + c, n) - middle) * factor;
                    const Of<T> z = clamped(h, limit) * scale + shift;
                    put(y + p * C + c, relu ? (z < 0 ? Of<T>{} : z) : z, n);
                }
            });
        });
}

template <class T, class A = Wide<T>>
static void first(const T *slope, const T *x, const A *gain, const A *mean, const A *inverse,
                  A limit, const T *y, T *dx, A *dgain, A *dbias, Shape s) {
    const int C = s.channels;
    enum { SLOPE, GAIN, G, GH, SUMS };
    Sums<A, SUMS> sums(s);
    std::vector<A> means(size_t(s.count) * 2 * C);  // of G and GH
    auto slope_at = [=](size_t i, auto n) {
        const Of<T> g = get(slope + i, n);
        return y ? where_positive(get(y + i, n), g) : g;
    };
    twice(
        s,
        [&](size_t block, int picture, size_t from, size_t to) {
            strips(C, [&](int c, auto n) {
                const int at = picture * C + c;
                const Of<T> middle = get(mean + at, n), factor = get(inverse + at, n);
                Of<T> sum[SUMS] = {};
                for (size_t p = from; p < to; p++) {
                    const Of<T> slope = slope_at(p * C + c, n);
                    const Of<T> h = (get(x + p * C + c, n) - middle) * factor;
                    const Of<T> g = where_inside(h, limit, slope);
                    sum[SLOPE] += slope;
                    sum[GAIN] += slope * clamped(h, limit);
                    sum[G] += g;
                    sum[GH] += g * h;
                }
                for (int k = 0; k < SUMS; k++) put(sums.at(block, k) + c, sum[k], n);
            });
        },
        [&](int picture) {
            const size_t first = size_t(picture) * s.blocks(), end = first + s.blocks();
            for (int c = 0; c < C; c++) {
                dbias[picture * C + c] = sums.total(first, end, SLOPE, c);
                dgain[picture * C + c] = sums.total(first, end, GAIN, c);
                means[picture * 2 * C + c] = sums.total(first, end, G, c) / s.pixels;
                means[(picture * 2 + 1) * C + c] = sums.total(first, end, GH, c) / s.pixels;
            }
        },
        [&](size_t, int picture, size_t from, size_t to) {
            strips(C, [&](int c, auto n) {
                const int at = picture * C + c;
                const Of<T> middle = get(mean + at, n), factor = get(inverse + at, n);
                const Of<T> scale = get(gain + at, n) * factor;
                const Of<T> level = get(&means[picture * 2 * C + c], n);
                const Of<T> along = get(&means[(picture * 2 + 1) * C + c], n);
                for (size_t p = from; p < to; p++) {
                    const size_t i = p * C + c;
                    const Of<T> h = (get(x + i, n) - middle) * factor;
                    const Of<T> g = where_inside(h, limit, slope_at(i, n));
                    put(dx + i, scale * (g - level - h * along), n);
                }
            });
        });
}

template <class T, class A = Wide<T>>
static void second(const T *u, const A *v, const A *w, const T *slope, const T *x, const A *gain,
                   const A *mean, const A *inverse, A limit, const T *y, T *dslope, T *dx,
                   A *dgain, Shape s) {
    const int C = s.channels;
    enum { G, U, GH, UH, UG, SUMS };
    Sums<A, SUMS> sums(s);
    std::vector<A> means(size_t(s.count) * SUMS * C);
    auto slope_at = [=](size_t i, auto n) {
        const Of<T> g = get(slope + i, n);
        return y ? where_positive(get(y + i, n), g) : g;
    };
    twice(
        s,
        [&](size_t block, int picture, size_t from, size_t to) {
            strips(C, [&](int c, auto n) {
                const int at = picture * C + c;
                const Of<T> middle = get(mean + at, n), factor = get(inverse + at, n);
                Of<T> sum[SUMS] = {};
                for (size_t p = from; p < to; p++) {
                    const size_t i = p * C + c;
                    const Of<T> h = (get(x + i, n) - middle) * factor, up = get(u + i, n);
                    const Of<T> g = where_inside(h, limit, slope_at(i, n));
                    sum[G] += g;
                    sum[U] += up;
                    sum[GH] += g * h;
                    sum[UH] += up * h;
                    sum[UG] += up * g;
                }
                for (int k = 0; k < SUMS; k++) put(sums.at(block, k) + c, sum[k], n);
            });
        },
        [&](int picture) {
            const size_t first = size_t(picture) * s.blocks(), end = first + s.blocks();
            for (int c = 0; c < C; c++) {
                double m[SUMS];
                for (int k = 0; k < SUMS; k++) {
                    m[k] = sums.total(first, end, k, c) / s.pixels;
                    means[(size_t(picture) * SUMS + k) * C + c] = m[k];
                }
                const double change = m[UG] - m[U] * m[G] - m[UH] * m[GH];
                dgain[picture * C + c] = s.pixels * inverse[picture * C + c] * change;
            }
        },
        [&](size_t, int picture, size_t from, size_t to) {
            strips(C, [&](int c, auto n) {
                const int at = picture * C + c;
                Of<T> m[SUMS];
                for (int k = 0; k < SUMS; k++)
                    m[k] = get(&means[(size_t(picture) * SUMS + k) * C + c], n);
                const Of<T> middle = get(mean + at, n), factor = get(inverse + at, n);
                const Of<T> scale = get(gain + at, n) * factor;
                const Of<T> of_gain = get(v + at, n), of_bias = get(w + at, n);
                const Of<T> of_g = factor * (of_gain - scale * m[UH]), of_u = -factor * scale * m[GH];
                const Of<T> level = of_g * m[G] + of_u * m[U];
                const Of<T> along = of_g * m[GH] + of_u * m[UH] +
                                    scale * factor * (m[UG] - m[U] * m[G] - m[UH] * m[GH]);
                for (size_t p = from; p < to; p++) {
                    const size_t i = p * C + c;
                    const Of<T> h = (get(x + i, n) - middle) * factor, up = get(u + i, n);
                    const Of<T> g = where_inside(h, limit, slope_at(i, n));
                    Of<T> back = where_inside(h, limit, scale * (up - m[U] - m[UH] * h));
                    back += of_gain * clamped(h, limit) + of_bias;
                    put(dslope + i, y ? where_positive(get(y + i, n), back) : back, n);
                    put(dx + i, of_g * g + of_u * up - level - along * h, n);
                }
            });
        });
}

#define SIZES int count, int pixels, int channels, int threads
#define SHAPE Shape{count, pixels, channels, threads}
#define EXPORT(T, A)                                                                               \
    extern "C" void normalise_##T(const T *x, const A *gain, const A *bias, double eps,            \
                                  double limit, int relu, T *y, A *mean, A *inverse, SIZES) {      \
        normalise(x, gain, bias, eps, A(limit), relu, y, mean, inverse, SHAPE);                    \
    }                                                                                              \
    extern "C" void first_##T(const T *slope, const T *x, const A *gain, const A *mean,            \
                              const A *inverse, double limit, const T *y, T *dx, A *dgain,         \
                              A *dbias, SIZES) {                                                   \
        first(slope, x, gain, mean, inverse, A(limit), y, dx, dgain, dbias, SHAPE);                \
    }                                                                                              \
    extern "C" void second_##T(const T *u, const A *v, const A *w, const T *slope, const T *x,     \
                               const A *gain, const A *mean, const A *inverse, double limit,       \
                               const T *y, T *dslope, T *dx, A *dgain, SIZES) {                    \
        second(u, v, w, slope, x, gain, mean, inverse, A(limit), y, dslope, dx, dgain, SHAPE);     \
    }
EXPORT(bfloat16, float)
EXPORT(float32, float32)
EXPORT(float64, float64)
