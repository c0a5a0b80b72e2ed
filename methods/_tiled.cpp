// The fused network in bfloat16, for processors with AMX: appended to _fused.cpp.
//
// A convolution is a matrix product whose left side is not made: 16 pixels beside each other are the
// rows of a tile of 16 x 32 values, which begin so far apart as the pixels do, and what a row of the
// kernel meets lies in one run of memory. So a layer is: `taps` rows of the picture, each read in
// `chunks` pieces of 32 values; pixels begin `step` values apart. Rows are normalised, rounded to
// bfloat16 and padded once, in a ring of `taps` rows a thread. Sums are float32 throughout.
#ifdef __AMX_BF16__
#include <immintrin.h>
#include <omp.h>
#include <sys/syscall.h>
#include <unistd.h>

typedef unsigned short half;  // a bfloat16
constexpr int TILE = 16, DEEP = 32;  // rows of a tile and its bfloat16 values a row
constexpr int BLOCK = 2 * TILE;      // pixels, and outputs, that four sums in registers take

static __m512 widened(const half *x) {
    const __m256i row = _mm256_loadu_si256((const __m256i *)x);
    return _mm512_castsi512_ps(_mm512_slli_epi32(_mm512_cvtepu16_epi32(row), 16));
}
static void narrow(half *to, __m512 low, __m512 high) {
    _mm512_storeu_si512(to, (__m512i)_mm512_cvtne2ps_pbh(high, low));
}
struct Norm {  // of the channels from c on; what is no number stays none
    __m512 scale, shift, least, most;
    Norm(const float *norm, int channels, int c)
        : scale(_mm512_loadu_ps(norm + c)), shift(_mm512_loadu_ps(norm + channels + c)),
          least(_mm512_loadu_ps(norm + 2 * channels + c)),
          most(_mm512_loadu_ps(norm + 3 * channels + c)) {}
    __m512 operator()(__m512 z) const {
        return _mm512_min_ps(most, _mm512_max_ps(least, _mm512_fmadd_ps(z, scale, shift)));
    }
};

struct Tiles {  // a thread's tile registers: all of full size
    Tiles() {
        alignas(64) unsigned char config[64] = {1};
        for (int t = 0; t < 8; t++) config[16 + 2 * t] = 64, config[48 + t] = TILE;
        _tile_loadconfig(config);
    }
    ~Tiles() { _tile_release(); }
};

// BLOCK outputs of 16 or 32 pixels; `sums` is pixels x BLOCK. What is done `meanwhile` hides that
// the last products take a while.
template <bool two, class Meanwhile>
static inline void multiply(const half *const *rows, int taps, int chunks, long from, long step,
                            const half *weight, float *sums, Meanwhile meanwhile) {
    _tile_zero(0);
    _tile_zero(1);
    if (two) {
        _tile_zero(2);
        _tile_zero(3);
    }
    for (int t = 0; t < taps; t++) {
        const half *a = rows[t] + from;
        for (int q = 0; q < chunks; q++, a += DEEP, weight += 2 * TILE * DEEP) {
            _tile_loadd(4, a, 2 * step);
            _tile_loadd(6, weight, 2 * DEEP);
            _tile_loadd(7, weight + TILE * DEEP, 2 * DEEP);
            _tile_dpbf16ps(0, 4, 6);
            _tile_dpbf16ps(1, 4, 7);
            if (two) {
                _tile_loadd(5, a + TILE * step, 2 * step);
                _tile_dpbf16ps(2, 5, 6);
                _tile_dpbf16ps(3, 5, 7);
            }
        }
    }
    meanwhile();
    _tile_stored(0, sums, 4 * BLOCK);
    _tile_stored(1, sums + TILE, 4 * BLOCK);
    if (two) {
        _tile_stored(2, sums + TILE * BLOCK, 4 * BLOCK);
        _tile_stored(3, sums + TILE * BLOCK + TILE, 4 * BLOCK);
    }
}

// Row i of a picture of `channels` values a pixel, normalised, with `margin` pixels on both sides.
static void stage(const half *x, int i, int height, int width, int channels, const float *before,
                  int margin, bool reflect, half *to) {
    const half *row = x + (long)inside(i, height, reflect) * width * channels;
    half *first = to + (long)margin * channels;
    if (!before) std::copy_n(row, (long)width * channels, first);
    else
        for (int c = 0; c < channels; c += DEEP) {
            const Norm low(before, channels, c), high(before, channels, c + W);
            for (long k = c; k < (long)width * channels; k += channels)
                narrow(first + k, low(widened(row + k)), high(widened(row + k + W)));
        }
    for (int k = 1; k <= margin; k++) {
        const int ends[][2] = {{-k, inside(-k, width, reflect)},
                               {width - 1 + k, inside(width - 1 + k, width, reflect)}};
        for (const auto &[outer, inner] : ends)
            std::copy_n(to + (long)(inner + margin) * channels, channels,
                        to + (long)(outer + margin) * channels);
    }
}

// All of a layer but what is done to its sums. fill(i, to): writes row i of the input, of the rows
// that the kernel meets at row r these are r * stride .. + taps. done(r, phase, j, o, count, sums):
// takes BLOCK outputs from o on, of `count` pixels from j on.
template <class Fill, class Done>
static void layer(int height, int pixels, int taps, int stride, int chunks, long step, int phases,
                  int outputs, const half *weight, int threads, Fill fill, Done done) {
    const long size = (pixels + BLOCK) * step + (long)chunks * DEEP;  // of a row, and a block more
    const long matrix = (long)taps * chunks * DEEP * BLOCK;
#pragma omp parallel num_threads(threads)
    {
        const Tiles tiles;
        static thread_local Scratch scratch;
        half *ring = (half *)scratch.get(taps * size / 2 + W);
        std::fill_n(ring, taps * size, 0);
        alignas(64) float sums[2][BLOCK * BLOCK];
        struct { int r, phase, j, o, count; } last = {};
        int now = 0, filled = -1;
        const auto finish = [&] {
            if (last.count) done(last.r, last.phase, last.j, last.o, last.count, sums[1 - now]);
        };
#pragma omp for schedule(static) nowait
        for (int r = 0; r < height; r++) {
            const half *rows[KERNEL];
            for (int i = std::max(filled + 1, r * stride); i < r * stride + taps; filled = i++)
                fill(i, ring + i % taps * size);
            for (int t = 0; t < taps; t++) rows[t] = ring + (r * stride + t) % taps * size;
            for (int j = 0; j < pixels; j += BLOCK) {  // so that what is read stays in the L1 cache
                const half *panel = weight;
                for (int phase = 0; phase < phases; phase++)
                    for (int o = 0; o < outputs; o += BLOCK, panel += matrix) {
                        const bool two = pixels - j > TILE;
                        if (two)
                            multiply<true>(rows, taps, chunks, j * step, step, panel, sums[now],
                                           finish);
                        else
                            multiply<false>(rows, taps, chunks, j * step, step, panel, sums[now],
                                            finish);
                        last = {r, phase, j, o, std::min(BLOCK, pixels - j)};
                        now = 1 - now;
                    }
            }
        }
        finish();
    }
}

// Writes sums, rounded, and adds them up for the normalisation.
struct Written {
    half *y;
    int width, outputs;
    std::vector<float> totals;
    Written(half *y, int rows, int width, int outputs)
        : y(y), width(width), outputs(outputs), totals(2L * rows * outputs) {}
    void take(int row, int i, int j, int apart, int o, int count, const float *sums) {
        float *total = &totals[2L * row * outputs + o], *square = total + outputs;
        half *to = y + ((long)i * width + j) * outputs + o;
        __m512 t0 = _mm512_loadu_ps(total), t1 = _mm512_loadu_ps(total + W);
        __m512 s0 = _mm512_loadu_ps(square), s1 = _mm512_loadu_ps(square + W);
        for (int p = 0; p < count; p++, sums += BLOCK, to += (long)apart * outputs) {
            const __m512 a = _mm512_load_ps(sums), b = _mm512_load_ps(sums + W);
            t0 = _mm512_add_ps(t0, a), t1 = _mm512_add_ps(t1, b);
            s0 = _mm512_fmadd_ps(a, a, s0), s1 = _mm512_fmadd_ps(b, b, s1);
            narrow(to, a, b);
        }
        _mm512_storeu_ps(total, t0), _mm512_storeu_ps(total + W, t1);
        _mm512_storeu_ps(square, s0), _mm512_storeu_ps(square + W, s1);
    }
};

extern "C" {

// Whether the system lets this process use the tiles (Linux: arch_prctl, ARCH_REQ_XCOMP_PERM).
int has_tiles() { return syscall(SYS_arch_prctl, 0x1023, 18) == 0; }

// The first convolution, of a picture of floats that was padded by KERNEL / 2.
void tiled_enter(const float *x, int height, int width, const half *weight, half *y, int outputs,
                 float *norm, int threads) {
    const long line = (long)(width + KERNEL - 1) * COLOURS;
    Written written(y, height, width, outputs);
    const auto fill = [&](int i, half *to) {
        const float *row = x + i * line;
        for (long k = 0; k < line; k += W) {
            const __mmask16 some = line - k < W ? (1 << (line - k)) - 1 : 0xffff;
            const __m256bh rounded = _mm512_cvtneps_pbh(_mm512_maskz_loadu_ps(some, row + k));
            _mm256_mask_storeu_epi16(to + k, some, (__m256i)rounded);
        }
    };
    const auto done = [&](int r, int, int j, int o, int count, const float *sums) {
        written.take(r, r, j, 1, o, count, sums);
    };
    layer(height, width, KERNEL, 1, 1, COLOURS, 1, outputs, weight, threads, fill, done);
    normalise(written.totals, height, outputs, (double)height * width, norm);
}

// A convolution of 3 x 3, of every or every other pixel; or, with 4 phases, one of 3 x 3 for each
// place of a pixel of the picture twice as large.
void tiled_convolve(const half *x, int height, int width, int inputs, const float *before,
                    const half *weight, half *y, int high, int wide, int outputs, int stride,
                    int phases, float *norm, int threads) {
    const int apart = phases == 4 ? 2 : 1, rows = high / apart;
    Written written(y, rows, wide, outputs);
    const auto fill = [&](int i, half *to) {
        stage(x, i - 1, height, width, inputs, before, 1, phases == 1, to);
    };
    const auto done = [&](int r, int phase, int j, int o, int count, const float *sums) {
        written.take(r, r * apart + phase / 2, j * apart + phase % 2, apart, o, count, sums);
    };
    layer(rows, wide / apart, 3, stride, 3 * inputs / DEEP, (long)stride * inputs, phases, outputs,
          weight, threads, fill, done);
    normalise(written.totals, rows, outputs, (double)high * wide, norm);
}

// The last convolution, as `leave`. y is COLOURS planes of floats.
void tiled_leave(const half *x, int height, int width, int inputs, const float *before,
                 const half *weight, const float *bias, float *y, int threads) {
    constexpr int margin = KERNEL / 2;
    const int padded = width + 2 * margin;
    std::vector<float> space((long)threads * (padded + BLOCK) * BLOCK);
    const auto fill = [&](int i, half *to) {
        stage(x, i - margin, height, width, inputs, before, margin, true, to);
    };
    const auto done = [&](int r, int, int j, int, int count, const float *sums) {
        float *shares = &space[(long)omp_get_thread_num() * (padded + BLOCK) * BLOCK];
        std::copy_n(sums, count * BLOCK, shares + (long)j * BLOCK);
        if (j + count < padded) return;
        const __m128 start = _mm_setr_ps(bias[0], bias[1], bias[2], 0);
        for (int p = 0; p < width; p++) {
            __m128 sum = start;
            for (int k = 0; k < KERNEL; k++)
                sum = _mm_add_ps(sum, _mm_loadu_ps(shares + (long)(p + k) * BLOCK + k * COLOURS));
            alignas(16) float colours[4];
            _mm_store_ps(colours, sum);
            for (int c = 0; c < COLOURS; c++) y[((long)c * height + r) * width + p] = colours[c];
        }
    };
    layer(height, padded, KERNEL, 1, inputs / DEEP, inputs, 1, BLOCK, weight, threads, fill, done);
}

// x + normalised z, or that alone where there is none yet; and that rounded.
void tiled_add(float *x, int first, const half *z, const float *norm, half *y, int height,
               int width, int channels, int threads) {
#pragma omp parallel for schedule(static) num_threads(threads)
    for (int row = 0; row < height; row++)
        for (int c = 0; c < channels; c += DEEP) {
            const Norm low(norm, channels, c), high(norm, channels, c + W);
            const long from = (long)row * width * channels + c;
            for (long i = from; i < from + (long)width * channels; i += channels) {
                __m512 a = low(widened(z + i)), b = high(widened(z + i + W));
                if (!first) {
                    a = _mm512_add_ps(_mm512_loadu_ps(x + i), a);
                    b = _mm512_add_ps(_mm512_loadu_ps(x + i + W), b);
                }
                _mm512_storeu_ps(x + i, a);
                _mm512_storeu_ps(x + i + W, b);
                narrow(y + i, a, b);
            }
        }
}

}
#else
extern "C" int has_tiles() { return 0; }
#endif
