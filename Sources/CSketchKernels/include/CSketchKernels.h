#ifndef CSKETCHKERNELS_H
#define CSKETCHKERNELS_H

#include <stddef.h>
#include <stdint.h>

// The inner loops of SetReconciliation where the processor has instructions that Swift cannot name. Every one has a
// portable twin in Swift, and the tests hold the two against each other.
//
// The field is GF(2^32) modulo x^32 + x^7 + x^3 + x^2 + 1; an element's bit i is the coefficient of x^i.

/// How well the processor multiplies without carries: 0 not at all, and no function below but the hash may be called;
/// 1 by PCLMULQDQ or PMULL; 2 by VPCLMULQDQ on 512 bits too.
int CSketchKernels_multiply_level(void);

/// Adds to row `rows[i]` (row 0 where `rows` is null) of `sums`, for each of the `count` elements x, the powers
/// x^(2 first + 1), x^(2 first + 3), … A row has `width` sums, a multiple of 8.
void CSketchKernels_add_odd_powers(
    int level, const uint32_t *_Nonnull elements, const uint32_t *_Nullable rows, size_t count, size_t first,
    size_t width, uint32_t *_Nonnull sums);

/// destination[i] += factor * source[i]
void CSketchKernels_multiply_add(
    const uint32_t *_Nonnull source, size_t count, uint32_t factor, uint32_t *_Nonnull destination);

/// The sum of left[i] * right[i].
uint32_t CSketchKernels_dot(const uint32_t *_Nonnull left, const uint32_t *_Nonnull right, size_t count);

/// destination[j] += the sum of factors[i] * matrix[i * stride + j], for `rows` rows of `columns`.
void CSketchKernels_combine(
    const uint32_t *_Nonnull matrix, size_t stride, const uint32_t *_Nonnull factors, size_t rows, size_t columns,
    uint32_t *_Nonnull destination);

/// How many lanes of 64 bits the hash has work for at once: 8, 4, or 1 where it is not worth calling.
int CSketchKernels_hash_lanes(void);

/// SipHash-2-4 of `count` strings of four words; `count` is a multiple of 8.
void CSketchKernels_siphash(
    int lanes, const uint64_t *_Nonnull words, size_t count, uint64_t first_key, uint64_t second_key,
    uint64_t *_Nonnull hashes);

#endif
