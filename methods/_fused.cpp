// The layers of the transformation network, each fused with the normalisation around it.
//
// Pictures are height x width x channels floats (torch's channels_last, one picture at a time);
// channels are multiples of 16, but for the three colours. A `norm` is four rows: scales, shifts, and
// the least and largest values: what instance normalisation and ReLU do once the statistics are
// known, so that whoever reads a picture next can do it in passing. Who writes that picture is given
// a gain and a bias in the place of scale and shift. _fused.py puts the matrices of the algorithms
// before this text, since zeros and ones in them are left out at compile time.
#include <algorithm>
#include <cmath>
#include <memory>
#include <new>
#include <utility>
#include <vector>

constexpr int W = 16;  // floats in a vector; the compiler cuts it for narrower processors
typedef float vec __attribute__((vector_size(4 * W), aligned(4), may_alias));
#ifdef __AVX512F__
constexpr int ROWS = 8, PANEL = 2 * W;  // the block of a matrix product that registers hold
#else
constexpr int ROWS = 4, PANEL = W;
#endif
constexpr int TILES = 32;  // what a thread works on at a time: its products fit a cache of 2 MB
constexpr int KERNEL = 9;  // of the first and the last convolution
constexpr int COLOURS = 3, SPREAD = 2 * W;  // SPREAD: 9 x 3 values, filled up

static vec &at(float *p) { return *(vec *)p; }
static const vec &at(const float *p) { return *(const vec *)p; }
// Normalised values of the channels from c on; what is no number stays none.
static vec normed(vec z, const float *norm, int channels, int c) {
    const vec least = at(norm + 2 * channels + c), most = at(norm + 3 * channels + c);
    z = z * at(norm + c) + at(norm + channels + c);
    z = z < least ? least : z;
    return z > most ? most : z;
}

struct Scratch {  // one per thread; it grows and stays
    struct Free { void operator()(float *p) { operator delete[](p, std::align_val_t(64)); } };
    std::unique_ptr<float, Free> data;
    size_t size = 0;
    float *get(size_t count) {
        if (count > size) data.reset(new (std::align_val_t(64)) float[size = count]());
        return data.get();
    }
};

// ROWS x PANEL values of a matrix product: c = a b. Row r of `a` is made of `outer` runs of `inner`
// values, which begin at runs[..] + from + r * row. `next` is fetched meanwhile, if given.
static inline void product(const float *const *runs, int outer, long from, long row, int inner,
                           const float *b, float *c, long c_row, const float *next = nullptr) {
    constexpr int N = PANEL / W;
    vec sum[ROWS][N] = {};
    for (int o = 0; o < outer; o++) {
        const float *a = runs[o] + from;
        for (int k = 0; k < inner; k++, b += PANEL) {
            if (next) __builtin_prefetch(next + k * PANEL * ROWS / TILES);
            vec right[N];
#pragma GCC unroll 16
            for (int n = 0; n < N; n++) right[n] = at(b + n * W);
#pragma GCC unroll 16
            for (int r = 0; r < ROWS; r++)
#pragma GCC unroll 16
                for (int n = 0; n < N; n++) sum[r][n] += a[r * row + k] * right[n];
        }
    }
#pragma GCC unroll 16
    for (int r = 0; r < ROWS; r++)
#pragma GCC unroll 16
        for (int n = 0; n < N; n++) at(c + r * c_row + n * W) = sum[r][n];
}

// y = M x for a column of numbers or SIMD vectors, and y = M x M^T for a square.
template <class M, int I, int J, class T>
static inline void term(T &y, T x) {
    constexpr float m = M::value[I][J];
    if constexpr (m == 1) y += x;
    else if constexpr (m == -1) y -= x;
    else if constexpr (m != 0) y += m * x;
}
template <class M, int I, class T, int... J>
static inline T row(const T *x, int step, std::integer_sequence<int, J...>) {
    T y = {};
    (term<M, I, J>(y, x[J * step]), ...);
    return y;
}
template <class M, class T, int... I>
static inline void times(const T *x, T *y, int step, int y_step,
                         std::integer_sequence<int, I...>) {
    ((y[I * y_step] = row<M, I>(x, step, std::make_integer_sequence<int, M::columns>())), ...);
}
template <class M>
static inline void sandwich(const vec *x, vec *y) {
    constexpr int R = M::rows, C = M::columns;
    constexpr std::make_integer_sequence<int, R> all{};
    vec half[R * C];
#pragma GCC unroll 16
    for (int c = 0; c < C; c++) times<M>(x + c, half + c, C, C, all);
#pragma GCC unroll 16
    for (int r = 0; r < R; r++) times<M>(half + r * C, y + r * R, 1, 1, all);
}

// A row or column inside the picture for one outside: reflected, or the nearest.
static int inside(int i, int size, bool reflect) {
    if (reflect && i < 0) i = -i;
    if (reflect && i >= size) i = 2 * size - 2 - i;
    return std::clamp(i, 0, size - 1);
}

// Gain and bias to scale and shift, by sums and squares of `blocks` parts of a picture (eps 1e-5).
static void normalise(const std::vector<float> &sums, int blocks, int channels, double pixels,
                      float *norm) {
    for (int c = 0; c < channels; c++) {
        double sum = 0, square = 0;
        for (int b = 0; b < blocks; b++) {
            sum += sums[2L * b * channels + c];
            square += sums[(2L * b + 1) * channels + c];
        }
        double mean = sum / pixels, variance = std::max(square / pixels - mean * mean, 0.0);
        double scale = norm[c] / std::sqrt(variance + 1e-5);
        norm[c] = scale;
        norm[channels + c] -= mean * scale;
    }
}

// A convolution by tiles: every tile of the input is transformed (Input x Input^T), multiplied
// point by point, over channels, with the transformed kernel, and brought back (Output y Output^T).
template <class A>
static void convolve(const float *x, int height, int width, int inputs, const float *before,
                     const float *weight, float *y, int high, int wide, int outputs,
                     float *norm, int threads) {
    constexpr int n = A::Input::columns, points = A::Input::rows * A::Input::rows;
    constexpr int m = A::Output::rows;
    const int across = (wide + m - 1) / m, tiles = across * ((high + m - 1) / m);
    const int blocks = (tiles + TILES - 1) / TILES;
    // a vector more than needed between the points, lest all fall into one set of the cache
    const long u_step = (long)TILES * inputs + W, v_step = (long)TILES * outputs + W;
    std::vector<float> sums(2L * blocks * outputs);
#pragma omp parallel for schedule(dynamic) num_threads(threads)
    for (int block = 0; block < blocks; block++) {
        static thread_local Scratch first, second;
        float *u = first.get(points * u_step), *v = second.get(points * v_step);
        const int begin = block * TILES, count = std::min(TILES, tiles - begin);
        for (int t = 0; t < count; t++) {
            const int top = (begin + t) / across * A::step - 1;
            const int left = (begin + t) % across * A::step - 1;
            long rows[n], columns[n];
            for (int i = 0; i < n; i++) {
                rows[i] = (long)inside(top + i, height, A::reflect) * width * inputs;
                columns[i] = (long)inside(left + i, width, A::reflect) * inputs;
            }
            for (int c = 0; c < inputs; c += W) {
                vec tile[n * n], made[points];
#pragma GCC unroll 16
                for (int i = 0; i < n; i++)
#pragma GCC unroll 16
                    for (int j = 0; j < n; j++)
                        tile[i * n + j] = at(x + rows[i] + columns[j] + c);
                if (before)
#pragma GCC unroll 64
                    for (vec &z : tile) z = normed(z, before, inputs, c);
                sandwich<typename A::Input>(tile, made);
#pragma GCC unroll 64
                for (int k = 0; k < points; k++)
                    at(u + k * u_step + (long)t * inputs + c) = made[k];
            }
        }
        for (int k = 0; k < points; k++)
            for (int o = 0; o < outputs; o += PANEL) {
                const float *panel = weight + ((long)k * outputs + o) * inputs;
                const float *next = panel + (long)PANEL * inputs;  // by a part per block of rows
                const float *point = u + k * u_step;
                for (int t = 0; t < count; t += ROWS)
                    product(&point, 1, (long)t * inputs, inputs, inputs, panel,
                            v + k * v_step + (long)t * outputs + o, outputs,
                            next + (long)t * PANEL / TILES * inputs);
            }
        float *sum = &sums[2L * block * outputs], *square = sum + outputs;
        for (int t = 0; t < count; t++) {
            const int top = (begin + t) / across * m, left = (begin + t) % across * m;
            const int last = std::min(m, high - top), end = std::min(m, wide - left);
            for (int o = 0; o < outputs; o += W) {
                vec tile[points], made[m * m];
#pragma GCC unroll 64
                for (int k = 0; k < points; k++)
                    tile[k] = at(v + k * v_step + (long)t * outputs + o);
                sandwich<typename A::Output>(tile, made);
                vec total = at(sum + o), squares = at(square + o);
                for (int i = 0; i < last; i++)
                    for (int j = 0; j < end; j++) {
                        const vec z = made[i * m + j];
                        total += z;
                        squares += z * z;
                        at(y + ((long)(top + i) * wide + left + j) * outputs + o) = z;
                    }
                at(sum + o) = total;
                at(square + o) = squares;
            }
        }
    }
    normalise(sums, blocks, outputs, (double)high * wide, norm);
}

// A convolution whose kernel has three times three rows, three rows of the result at a time: every
// five rows of the input are combined into POINTS lines, each of which meets three such
// combinations of the kernel, and so do the two tiles of rows after it.
// fill(t, lines): the lines, `line` floats each, of the tile of rows that begins at row 3 t.
// done(i, made): takes row i of the result, pixels x outputs. `row` floats lie between two pixels.
template <class Fill, class Done>
static void convolve_tall(int height, int pixels, long line, int row, int inner, int outputs,
                          const float *weight, int threads, Fill fill, Done done) {
    constexpr int POINTS = Algorithm_tall::Input::rows, GROUPS = 3, STEP = Algorithm_tall::step;
    const long size = (long)pixels * outputs;
#pragma omp parallel num_threads(threads)
    {
        Scratch first, second;
        float *ring = first.get(GROUPS * POINTS * line), *made = second.get(POINTS * size);
        int filled = -1;  // the last tile in the ring
#pragma omp for schedule(static)
        for (int b = 0; b < (height + STEP - 1) / STEP; b++) {
            for (int t = std::max(b, filled + 1); t < b + GROUPS; filled = t++)
                fill(t, ring + t % GROUPS * POINTS * line);
            for (int p = 0; p < POINTS; p++) {
                const float *runs[GROUPS];
                for (int g = 0; g < GROUPS; g++)
                    runs[g] = ring + ((b + g) % GROUPS * POINTS + p) * line;
                for (int j = 0; j < pixels; j += ROWS) {
                    const int from = std::min(j, pixels - ROWS);  // the last may begin earlier
                    for (int o = 0; o < outputs; o += PANEL)
                        product(runs, GROUPS, (long)from * row, row, inner,
                                weight + ((long)p * outputs + o) * GROUPS * inner,
                                made + p * size + (long)from * outputs + o, outputs);
                }
            }
            for (long k = 0; k < size; k += W) {
                vec point[POINTS], back[STEP];
                for (int p = 0; p < POINTS; p++) point[p] = at(made + p * size + k);
                times<Algorithm_tall::Output>(point, back, 1, 1,
                                              std::make_integer_sequence<int, STEP>());
                for (int i = 0; i < STEP; i++) at(made + i * size + k) = back[i];
            }
            for (int i = b * STEP; i < std::min(height, (b + 1) * STEP); i++)
                done(i, made + (i - b * STEP) * size);
        }
    }
}

extern "C" {

int panel() { return PANEL; }

#define EXPORT(A)                                                                                \
    void A(const float *x, int height, int width, int inputs, const float *before,               \
           const float *weight, float *y, int high, int wide, int outputs, float *norm,          \
           int threads) {                                                                        \
        convolve<Algorithm_##A>(x, height, width, inputs, before, weight, y, high, wide, outputs, \
                                norm, threads);                                                  \
    }
ALGORITHMS(EXPORT)

// The first convolution, of a picture that was padded by KERNEL / 2.
void enter(const float *x, int height, int width, const float *weight, float *y, int outputs,
           float *norm, int threads) {
    using Input = Algorithm_tall::Input;
    const long line = (long)(width + KERNEL - 1) * COLOURS;
    std::vector<float> sums(2L * height * outputs);
    const auto fill = [&](int t, float *lines) {
        const float *rows[Input::columns];
        for (int i = 0; i < Input::columns; i++)
            rows[i] = x + std::min(t * Algorithm_tall::step + i, height + KERNEL - 2) * line;
        for (long k = 0; k < line; k++) {
            float in[Input::columns], out[Input::rows];
            for (int i = 0; i < Input::columns; i++) in[i] = rows[i][k];
            times<Input>(in, out, 1, 1, std::make_integer_sequence<int, Input::rows>());
            for (int i = 0; i < Input::rows; i++) lines[i * line + k] = out[i];
        }
    };
    const auto done = [&](int i, const float *made) {
        for (int o = 0; o < outputs; o += W) {
            vec total = {}, squares = {};
            for (int j = 0; j < width; j++) {
                const vec z = at(made + (long)j * outputs + o);
                total += z;
                squares += z * z;
                at(y + ((long)i * width + j) * outputs + o) = z;
            }
            at(&sums[2L * i * outputs + o]) = total;
            at(&sums[(2L * i + 1) * outputs + o]) = squares;
        }
    };
    convolve_tall(height, width, line, COLOURS, KERNEL * COLOURS, outputs, weight, threads, fill,
                  done);
    normalise(sums, height, outputs, (double)height * width, norm);
}

// The last convolution, of normalised values padded by reflection: first every pixel's share
// in a row of KERNEL pixels (KERNEL x COLOURS values), then their sums. y is COLOURS planes.
void leave(const float *x, int height, int width, int inputs, const float *before,
           const float *weight, const float *bias, float *y, int threads) {
    using Input = Algorithm_tall::Input;
    constexpr int margin = KERNEL / 2;
    const int padded = width + 2 * margin;
    const long line = (long)padded * inputs;
    const auto fill = [&](int t, float *lines) {
        const float *rows[Input::columns];
        for (int i = 0; i < Input::columns; i++)
            rows[i] = x + (long)inside(t * Algorithm_tall::step + i - margin, height, true) *
                              width * inputs;
        for (int j = 0; j < padded; j++) {
            const long pixel = (long)inside(j - margin, width, true) * inputs;
            for (int c = 0; c < inputs; c += W) {
                vec in[Input::columns], out[Input::rows];
                for (int i = 0; i < Input::columns; i++)
                    in[i] = normed(at(rows[i] + pixel + c), before, inputs, c);
                times<Input>(in, out, 1, 1, std::make_integer_sequence<int, Input::rows>());
                for (int i = 0; i < Input::rows; i++)
                    at(lines + i * line + (long)j * inputs + c) = out[i];
            }
        }
    };
    const auto done = [&](int i, const float *shares) {
        for (int c = 0; c < COLOURS; c++)
            for (int j = 0; j < width; j++) {
                float sum = bias[c];
                for (int k = 0; k < KERNEL; k++)
                    sum += shares[(long)(j + k) * SPREAD + k * COLOURS + c];
                y[((long)c * height + i) * width + j] = sum;
            }
    };
    convolve_tall(height, padded, line, inputs, inputs, SPREAD, weight, threads, fill, done);
}

// y = x + normalised z, or that alone where there is no x.
void add(const float *x, const float *z, const float *norm, float *y, int height, int width,
         int channels, int threads) {
#pragma omp parallel for schedule(static) num_threads(threads)
    for (long i = 0; i < (long)height * width * channels; i += channels)
        for (int c = 0; c < channels; c += W) {
            const vec value = normed(at(z + i + c), norm, channels, c);
            at(y + i + c) = x ? at(x + i + c) + value : value;
        }
}

}
