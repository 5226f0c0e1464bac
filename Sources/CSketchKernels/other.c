#if !defined(__x86_64__) && !defined(__aarch64__)

#include "CSketchKernels.h"

int CSketchKernels_multiply_level(void) { return 0; }

int CSketchKernels_hash_lanes(void) { return 1; }

// Never called, as the header has it.
void CSketchKernels_add_odd_powers(
    int level, const uint32_t *elements, const uint32_t *rows, size_t count, size_t first, size_t width,
    uint32_t *sums) {
  (void)level, (void)elements, (void)rows, (void)count, (void)first, (void)width, (void)sums;
}

void CSketchKernels_multiply_add(
    const uint32_t *source, size_t count, uint32_t factor, uint32_t *destination) {
  (void)source, (void)count, (void)factor, (void)destination;
}

uint32_t CSketchKernels_dot(const uint32_t *left, const uint32_t *right, size_t count) {
  (void)left, (void)right, (void)count;
  return 0;
}

void CSketchKernels_combine(
    const uint32_t *matrix, size_t stride, const uint32_t *factors, size_t rows, size_t columns,
    uint32_t *destination) {
  (void)matrix, (void)stride, (void)factors, (void)rows, (void)columns, (void)destination;
}

void CSketchKernels_siphash(
    int lanes, const uint64_t *words, size_t count, uint64_t first_key, uint64_t second_key, uint64_t *hashes) {
  (void)lanes, (void)words, (void)count, (void)first_key, (void)second_key, (void)hashes;
}

#endif
