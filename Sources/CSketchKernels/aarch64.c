#if defined(__aarch64__)

#include "CSketchKernels.h"

#include <arm_neon.h>
#include <sys/auxv.h>

#define CRYPTO __attribute__((target("aes")))

static const unsigned long hwcap_pmull = 1 << 4;  // HWCAP_PMULL of asm/hwcap.h

int CSketchKernels_multiply_level(void) { return getauxval(AT_HWCAP) & hwcap_pmull ? 1 : 0; }

// NEON has two lanes and no rotation: no gain over one lane in Swift.
int CSketchKernels_hash_lanes(void) { return 1; }

CRYPTO static inline uint64_t product(uint32_t left, uint32_t right) {
  return vgetq_lane_u64(vreinterpretq_u64_p128(vmull_p64(left, right)), 0);
}

// Two products of up to 63 bits, modulo the polynomial; see x86_64.c.
CRYPTO static inline uint64x2_t reduce_pair(uint64x2_t value) {
  uint32x4_t high = vreinterpretq_u32_u64(vshrq_n_u64(value, 32));
  high = veorq_u32(high, veorq_u32(veorq_u32(vshrq_n_u32(high, 30), vshrq_n_u32(high, 29)), vshrq_n_u32(high, 25)));
  uint32x4_t fold = veorq_u32(
      veorq_u32(vshlq_n_u32(high, 2), vshlq_n_u32(high, 3)), veorq_u32(vshlq_n_u32(high, 7), high));
  return veorq_u64(vandq_u64(value, vdupq_n_u64(0xffffffff)), vreinterpretq_u64_u32(fold));
}

CRYPTO static inline uint32_t reduce(uint64_t value) {
  return (uint32_t)vgetq_lane_u64(reduce_pair(vdupq_n_u64(value)), 0);
}

// Two elements, each in the low half of 64 bits.
CRYPTO static inline uint64x2_t multiply(uint64x2_t left, uint64x2_t right) {
  poly64x2_t a = vreinterpretq_p64_u64(left), b = vreinterpretq_p64_u64(right);
  uint64x2_t low = vreinterpretq_u64_p128(vmull_p64((poly64_t)vgetq_lane_p64(a, 0), (poly64_t)vgetq_lane_p64(b, 0)));
  uint64x2_t high = vreinterpretq_u64_p128(vmull_high_p64(a, b));
  return reduce_pair(vtrn1q_u64(low, high));
}

CRYPTO static inline uint64x2_t power(uint64x2_t base, size_t exponent) {
  uint64x2_t result = vdupq_n_u64(1);
  for (; exponent > 0; exponent >>= 1) {
    if (exponent & 1) result = multiply(result, base);
    base = multiply(base, base);
  }
  return result;
}

CRYPTO static inline void add(uint32_t *destination, uint64x2_t low, uint64x2_t high) {
  uint32x4_t values = vuzp1q_u32(vreinterpretq_u32_u64(low), vreinterpretq_u32_u64(high));
  vst1q_u32(destination, veorq_u32(vld1q_u32(destination), values));
}

CRYPTO void CSketchKernels_add_odd_powers(
    int level, const uint32_t *elements, const uint32_t *rows, size_t count, size_t first, size_t width,
    uint32_t *sums) {
  (void)level;
  for (size_t i = 0; i < count; i++) {
    uint32_t *row = sums + (rows ? rows[i] * width : 0);
    uint64x2_t x = vdupq_n_u64(elements[i]);
    uint64x2_t x2 = multiply(x, x), x4 = multiply(x2, x2), x8 = multiply(x4, x4), x16 = multiply(x8, x8);
    uint64x2_t v0 = multiply(x, vtrn1q_u64(vdupq_n_u64(1), x2));
    if (first > 0) v0 = multiply(v0, power(x2, first));
    uint64x2_t v1 = multiply(v0, x4), v2 = multiply(v0, x8), v3 = multiply(v1, x8);
    for (size_t k = 0;;) {
      add(row + k, v0, v1);
      add(row + k + 4, v2, v3);
      k += 8;
      if (k >= width) break;
      v0 = multiply(v0, x16);
      v1 = multiply(v1, x16);
      v2 = multiply(v2, x16);
      v3 = multiply(v3, x16);
    }
  }
}

CRYPTO void CSketchKernels_multiply_add(
    const uint32_t *source, size_t count, uint32_t factor, uint32_t *destination) {
  const uint64x2_t factors = vdupq_n_u64(factor);
  size_t i = 0;
  for (; i + 4 <= count; i += 4) {
    uint32x4_t values = vld1q_u32(source + i);
    add(destination + i, multiply(vmovl_u32(vget_low_u32(values)), factors), multiply(vmovl_high_u32(values), factors));
  }
  for (; i < count; i++) destination[i] ^= reduce(product(source[i], factor));
}

CRYPTO uint32_t CSketchKernels_dot(const uint32_t *left, const uint32_t *right, size_t count) {
  uint64_t sum = 0;
  for (size_t i = 0; i < count; i++) sum ^= product(left[i], right[i]);
  return reduce(sum);
}

CRYPTO void CSketchKernels_combine(
    const uint32_t *matrix, size_t stride, const uint32_t *factors, size_t rows, size_t columns,
    uint32_t *destination) {
  for (size_t j = 0; j < columns; j++) {
    uint64_t sum = 0;
    for (size_t i = 0; i < rows; i++) sum ^= product(matrix[i * stride + j], factors[i]);
    destination[j] ^= reduce(sum);
  }
}

void CSketchKernels_siphash(
    int lanes, const uint64_t *words, size_t count, uint64_t first_key, uint64_t second_key, uint64_t *hashes) {
  (void)lanes, (void)words, (void)count, (void)first_key, (void)second_key, (void)hashes;
}

#endif
