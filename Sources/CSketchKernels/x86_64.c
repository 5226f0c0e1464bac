#if defined(__x86_64__)

#include "CSketchKernels.h"

#include <immintrin.h>
#include <string.h>

#define NARROW __attribute__((target("pclmul,sse4.1")))
#define WIDE __attribute__((target("avx512f,avx512bw,avx512dq,avx512vl,pclmul,vpclmulqdq")))

int CSketchKernels_multiply_level(void) {
  __builtin_cpu_init();
  if (!__builtin_cpu_supports("pclmul") || !__builtin_cpu_supports("sse4.1")) return 0;
  return __builtin_cpu_supports("vpclmulqdq") && __builtin_cpu_supports("avx512f") &&
                 __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512dq") &&
                 __builtin_cpu_supports("avx512vl")
             ? 2
             : 1;
}

int CSketchKernels_hash_lanes(void) {
  __builtin_cpu_init();
  return __builtin_cpu_supports("avx512f") ? 8 : __builtin_cpu_supports("avx2") ? 4 : 1;
}

// Two products of up to 63 bits, modulo the polynomial. The first fold would leave 7 bits above 32: `over` is what they
// are, and folding them with the rest makes one fold enough.
NARROW static inline __m128i reduce_narrow(__m128i product) {
  __m128i high = _mm_srli_epi64(product, 32);
  __m128i over = _mm_xor_si128(
      _mm_xor_si128(_mm_srli_epi32(high, 30), _mm_srli_epi32(high, 29)), _mm_srli_epi32(high, 25));
  high = _mm_xor_si128(high, over);
  __m128i fold = _mm_xor_si128(
      _mm_xor_si128(_mm_slli_epi32(high, 2), _mm_slli_epi32(high, 3)),
      _mm_xor_si128(_mm_slli_epi32(high, 7), high));
  return _mm_xor_si128(_mm_and_si128(product, _mm_set1_epi64x(0xffffffff)), fold);
}

// Two elements, each in the low half of 64 bits.
NARROW static inline __m128i multiply_narrow(__m128i left, __m128i right) {
  return reduce_narrow(_mm_unpacklo_epi64(
      _mm_clmulepi64_si128(left, right, 0x00), _mm_clmulepi64_si128(left, right, 0x11)));
}

NARROW static inline __m128i power_narrow(__m128i base, size_t exponent) {
  __m128i result = _mm_set1_epi64x(1);
  for (; exponent > 0; exponent >>= 1) {
    if (exponent & 1) result = multiply_narrow(result, base);
    base = multiply_narrow(base, base);
  }
  return result;
}

// Low halves of four times 64 bits.
NARROW static inline __m128i join_narrow(__m128i low, __m128i high) {
  return _mm_castps_si128(_mm_shuffle_ps(_mm_castsi128_ps(low), _mm_castsi128_ps(high), 0x88));
}

NARROW static inline void add_narrow(uint32_t *destination, __m128i value) {
  __m128i *place = (__m128i *)destination;
  _mm_storeu_si128(place, _mm_xor_si128(_mm_loadu_si128(place), value));
}

NARROW static void add_odd_powers_narrow(
    const uint32_t *elements, const uint32_t *rows, size_t count, size_t first, size_t width, uint32_t *sums) {
  for (size_t i = 0; i < count; i++) {
    uint32_t *row = sums + (rows ? rows[i] * width : 0);
    __m128i x = _mm_set1_epi64x(elements[i]);
    __m128i x2 = multiply_narrow(x, x), x4 = multiply_narrow(x2, x2);
    __m128i x8 = multiply_narrow(x4, x4), x16 = multiply_narrow(x8, x8);
    __m128i v0 = multiply_narrow(x, _mm_unpacklo_epi64(_mm_set1_epi64x(1), x2));
    if (first > 0) v0 = multiply_narrow(v0, power_narrow(x2, first));
    __m128i v1 = multiply_narrow(v0, x4), v2 = multiply_narrow(v0, x8), v3 = multiply_narrow(v1, x8);
    for (size_t k = 0;;) {
      add_narrow(row + k, join_narrow(v0, v1));
      add_narrow(row + k + 4, join_narrow(v2, v3));
      k += 8;
      if (k >= width) break;
      v0 = multiply_narrow(v0, x16);
      v1 = multiply_narrow(v1, x16);
      v2 = multiply_narrow(v2, x16);
      v3 = multiply_narrow(v3, x16);
    }
  }
}

WIDE static inline __m512i multiply_wide(__m512i left, __m512i right) {
  __m512i product = _mm512_unpacklo_epi64(
      _mm512_clmulepi64_epi128(left, right, 0x00), _mm512_clmulepi64_epi128(left, right, 0x11));
  __m512i high = _mm512_srli_epi64(product, 32);
  __m512i over = _mm512_ternarylogic_epi64(
      _mm512_srli_epi32(high, 30), _mm512_srli_epi32(high, 29), _mm512_srli_epi32(high, 25), 0x96);
  high = _mm512_xor_si512(high, over);
  __m512i fold = _mm512_ternarylogic_epi64(
      _mm512_slli_epi32(high, 2), _mm512_slli_epi32(high, 3), _mm512_slli_epi32(high, 7), 0x96);
  fold = _mm512_xor_si512(fold, high);
  return _mm512_ternarylogic_epi64(product, _mm512_set1_epi64(0xffffffff), fold, 0x6a);  // (a & b) ^ c
}

WIDE static inline __m512i power_wide(__m512i base, size_t exponent) {
  __m512i result = _mm512_set1_epi64(1);
  for (; exponent > 0; exponent >>= 1) {
    if (exponent & 1) result = multiply_wide(result, base);
    base = multiply_wide(base, base);
  }
  return result;
}

WIDE static void add_odd_powers_wide(
    const uint32_t *elements, const uint32_t *rows, size_t count, size_t first, size_t width, uint32_t *sums) {
  const __m512i one = _mm512_set1_epi64(1);
  for (size_t i = 0; i < count; i += 8) {
    size_t left = count - i < 8 ? count - i : 8;
    __mmask8 mask = (__mmask8)((1u << left) - 1);
    // The squares of eight elements at once, then each element's powers, eight at once.
    __m512i x = _mm512_cvtepu32_epi64(_mm256_maskz_loadu_epi32(mask, elements + i));
    __m512i x2 = multiply_wide(x, x), x4 = multiply_wide(x2, x2);
    __m512i x8 = multiply_wide(x4, x4), x16 = multiply_wide(x8, x8);
    if (first > 0) x = multiply_wide(x, power_wide(x2, first));
    uint64_t powers[5][8] __attribute__((aligned(64)));
    _mm512_store_si512(powers[0], x);
    _mm512_store_si512(powers[1], x2);
    _mm512_store_si512(powers[2], x4);
    _mm512_store_si512(powers[3], x8);
    _mm512_store_si512(powers[4], x16);
    for (size_t j = 0; j < left; j++) {
      uint32_t *row = sums + (rows ? rows[i + j] * width : 0);
      __m512i value = multiply_wide(
          multiply_wide(
              _mm512_set1_epi64((long long)powers[0][j]),
              _mm512_mask_set1_epi64(one, 0xaa, (long long)powers[1][j])),
          multiply_wide(
              _mm512_mask_set1_epi64(one, 0xcc, (long long)powers[2][j]),
              _mm512_mask_set1_epi64(one, 0xf0, (long long)powers[3][j])));
      const __m512i step = _mm512_set1_epi64((long long)powers[4][j]);
      for (size_t k = 0;;) {
        __m256i *place = (__m256i *)(row + k);
        _mm256_storeu_si256(place, _mm256_xor_si256(_mm256_loadu_si256(place), _mm512_cvtepi64_epi32(value)));
        k += 8;
        if (k >= width) break;
        value = multiply_wide(value, step);
      }
    }
  }
}

void CSketchKernels_add_odd_powers(
    int level, const uint32_t *elements, const uint32_t *rows, size_t count, size_t first, size_t width,
    uint32_t *sums) {
  (level > 1 ? add_odd_powers_wide : add_odd_powers_narrow)(elements, rows, count, first, width, sums);
}

NARROW static inline __m128i product(uint32_t left, uint32_t right) {
  return _mm_clmulepi64_si128(_mm_cvtsi32_si128((int)left), _mm_cvtsi32_si128((int)right), 0x00);
}

NARROW void CSketchKernels_multiply_add(
    const uint32_t *source, size_t count, uint32_t factor, uint32_t *destination) {
  const __m128i factors = _mm_set1_epi64x(factor);
  size_t i = 0;
  for (; i + 4 <= count; i += 4) {
    __m128i values = _mm_loadu_si128((const __m128i *)(source + i));
    __m128i low = multiply_narrow(_mm_cvtepu32_epi64(values), factors);
    __m128i high = multiply_narrow(_mm_cvtepu32_epi64(_mm_srli_si128(values, 8)), factors);
    add_narrow(destination + i, join_narrow(low, high));
  }
  for (; i < count; i++)
    destination[i] ^= (uint32_t)_mm_cvtsi128_si32(reduce_narrow(product(source[i], factor)));
}

NARROW uint32_t CSketchKernels_dot(const uint32_t *left, const uint32_t *right, size_t count) {
  __m128i sum = _mm_setzero_si128();
  for (size_t i = 0; i < count; i++) sum = _mm_xor_si128(sum, product(left[i], right[i]));
  return (uint32_t)_mm_cvtsi128_si32(reduce_narrow(sum));
}

NARROW void CSketchKernels_combine(
    const uint32_t *matrix, size_t stride, const uint32_t *factors, size_t rows, size_t columns,
    uint32_t *destination) {
  size_t j = 0;
  for (; j + 8 <= columns; j += 8) {
    __m128i sums[8];
    for (int k = 0; k < 8; k++) sums[k] = _mm_setzero_si128();
    for (size_t i = 0; i < rows; i++) {
      const __m128i factor = _mm_cvtsi32_si128((int)factors[i]);
      for (int k = 0; k < 8; k += 2) {
        __m128i pair = _mm_cvtepu32_epi64(_mm_loadl_epi64((const __m128i *)(matrix + i * stride + j + k)));
        sums[k] = _mm_xor_si128(sums[k], _mm_clmulepi64_si128(pair, factor, 0x00));
        sums[k + 1] = _mm_xor_si128(sums[k + 1], _mm_clmulepi64_si128(pair, factor, 0x01));
      }
    }
    for (int k = 0; k < 8; k += 4)
      add_narrow(
          destination + j + k,
          join_narrow(
              reduce_narrow(_mm_unpacklo_epi64(sums[k], sums[k + 1])),
              reduce_narrow(_mm_unpacklo_epi64(sums[k + 2], sums[k + 3]))));
  }
  for (; j < columns; j++) {
    __m128i sum = _mm_setzero_si128();
    for (size_t i = 0; i < rows; i++) sum = _mm_xor_si128(sum, product(matrix[i * stride + j], factors[i]));
    destination[j] ^= (uint32_t)_mm_cvtsi128_si32(reduce_narrow(sum));
  }
}

typedef uint64_t lanes8 __attribute__((vector_size(64)));

#define ROTATE(x, bits) ((x) << (bits) | (x) >> (64 - (bits)))
#define ROUND \
  v0 += v1; \
  v2 += v3; \
  v1 = ROTATE(v1, 13) ^ v0; \
  v3 = ROTATE(v3, 16) ^ v2; \
  v0 = ROTATE(v0, 32); \
  v2 += v1; \
  v0 += v3; \
  v1 = ROTATE(v1, 17) ^ v2; \
  v3 = ROTATE(v3, 21) ^ v0; \
  v2 = ROTATE(v2, 32);
#define SHUFFLE __builtin_shufflevector

// Eight strings at once; how many vectors that takes is the compiler's business.
#define SIPHASH_BODY \
  for (size_t i = 0; i < count; i += 8) { \
    lanes8 a, b, c, d; \
    memcpy(&a, words + 4 * i, 64); \
    memcpy(&b, words + 4 * i + 8, 64); \
    memcpy(&c, words + 4 * i + 16, 64); \
    memcpy(&d, words + 4 * i + 24, 64); \
    lanes8 ab01 = SHUFFLE(a, b, 0, 4, 8, 12, 1, 5, 9, 13), ab23 = SHUFFLE(a, b, 2, 6, 10, 14, 3, 7, 11, 15); \
    lanes8 cd01 = SHUFFLE(c, d, 0, 4, 8, 12, 1, 5, 9, 13), cd23 = SHUFFLE(c, d, 2, 6, 10, 14, 3, 7, 11, 15); \
    lanes8 word[4] = { \
        SHUFFLE(ab01, cd01, 0, 1, 2, 3, 8, 9, 10, 11), SHUFFLE(ab01, cd01, 4, 5, 6, 7, 12, 13, 14, 15), \
        SHUFFLE(ab23, cd23, 0, 1, 2, 3, 8, 9, 10, 11), SHUFFLE(ab23, cd23, 4, 5, 6, 7, 12, 13, 14, 15)}; \
    lanes8 v0 = (lanes8){0} + (first_key ^ 0x736f6d6570736575), v1 = (lanes8){0} + (second_key ^ 0x646f72616e646f6d); \
    lanes8 v2 = (lanes8){0} + (first_key ^ 0x6c7967656e657261), v3 = (lanes8){0} + (second_key ^ 0x7465646279746573); \
    for (int j = 0; j < 4; j++) { \
      v3 ^= word[j]; \
      ROUND ROUND \
      v0 ^= word[j]; \
    } \
    v3 ^= (uint64_t)32 << 56; \
    ROUND ROUND \
    v0 ^= (uint64_t)32 << 56; \
    v2 ^= 0xff; \
    ROUND ROUND ROUND ROUND \
    v0 ^= v1 ^ v2 ^ v3; \
    memcpy(hashes + i, &v0, 64); \
  }

__attribute__((target("avx512f"))) static void siphash8(
    const uint64_t *words, size_t count, uint64_t first_key, uint64_t second_key, uint64_t *hashes) {
  SIPHASH_BODY
}

__attribute__((target("avx2"))) static void siphash4(
    const uint64_t *words, size_t count, uint64_t first_key, uint64_t second_key, uint64_t *hashes) {
  SIPHASH_BODY
}

void CSketchKernels_siphash(
    int lanes, const uint64_t *words, size_t count, uint64_t first_key, uint64_t second_key, uint64_t *hashes) {
  (lanes == 8 ? siphash8 : siphash4)(words, count, first_key, second_key, hashes);
}

#endif
