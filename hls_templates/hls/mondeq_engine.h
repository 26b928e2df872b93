// Arithmetic that the three engines share: table words, the pe x simd multiply-accumulate array,
// rounding, saturation and the proximal operator. Every function is exact; see docs/numerics.md.
#ifndef MONDEQ_ENGINE_H
#define MONDEQ_ENGINE_H

#include "mondeq_params.h"

#include <type_traits>

namespace mondeq {

// Types of the multiply-accumulate array. The synthesiser gets exact widths. A C++ compiler gets native integers where
// they hold every value, as the widths prove (ap_int there costs some 20 instructions an operation, and a large table
// of ap_int would be code, one constructor call a word, and not data), and ap_int where they do not.
// Sums, states and outputs are ap_int in both, so a width that is too small shows in C simulation.
// MONDEQ_EXACT_WIDTHS gives a C++ compiler the synthesiser's types, to test them.
#if defined(__SYNTHESIS__) || defined(MONDEQ_EXACT_WIDTHS)
template <int BITS>
struct Rom {
    typedef ap_int<BITS> word;
};
template <int BITS>
struct Signed {
    typedef ap_int<BITS> word;
};
template <int BITS>
struct Unsigned {
    typedef ap_uint<BITS> word;
};
#else
template <bool CONDITION, typename YES, typename NO>
using choose = typename std::conditional<CONDITION, YES, NO>::type;

template <int BITS>
struct Rom {
    typedef choose<BITS <= 8, signed char, choose<BITS <= 16, short, choose<BITS <= 32, int, long long>>> word;
};
template <int BITS>
struct Signed {
    typedef choose<BITS <= 32, int, choose<BITS <= 64, long long, ap_int<BITS>>> word;
};
template <int BITS>
struct Unsigned {
    typedef choose<BITS <= 31, int, choose<BITS <= 63, long long, ap_uint<BITS>>> word;
};
#endif

// The type in which the array holds a data word.
template <typename WORD>
struct Operand;
template <int BITS>
struct Operand<ap_uint<BITS>> : Unsigned<BITS> {};
template <int BITS>
struct Operand<ap_int<BITS>> : Signed<BITS> {};

// weight * x. One and two bits need no multiplier: the sign selects x or -x, and zero selects nothing.
template <int BITS>
struct Product {
    template <typename Dot, typename Weight, typename X>
    static Dot of(Weight weight, X x) {
#pragma HLS INLINE
        return Dot(weight) * Dot(x);
    }
};

template <>
struct Product<1> {
    // The two values of ap_int<1> are 0, which stands for +1, and -1: the only bit is the sign.
    template <typename Dot, typename Weight, typename X>
    static Dot of(Weight weight, X x) {
#pragma HLS INLINE
        const Dot positive = x;
        return weight < 0 ? Dot(-positive) : positive;
    }
};

template <>
struct Product<2> {
    template <typename Dot, typename Weight, typename X>
    static Dot of(Weight weight, X x) {
#pragma HLS INLINE
        const Dot positive = x;
        return weight == 0 ? Dot(0) : weight < 0 ? Dot(-positive) : positive;
    }
};

// Bits that a count up to `count` adds to a sum.
constexpr int growth(int count) {
    return count <= 1 ? 0 : 1 + growth((count + 1) / 2);
}

// sum[p] += weights[p][.] * x[.] for every p: the whole pe x simd array, once a cycle.
// The products are summed first, so that the loop-carried path is a single adder.
template <int BITS, typename X, int PE, int SIMD, int SUM>
void multiply_accumulate(const typename Rom<BITS>::word (&weights)[PE][SIMD], const X (&x)[SIMD],
                         ap_int<SUM> (&sum)[PE]) {
#pragma HLS INLINE
    typedef typename Signed<BITS + X::width + growth(SIMD)>::word Dot;
    typename Operand<X>::word operand[SIMD];
#pragma HLS ARRAY_PARTITION variable=operand complete
    for (int column = 0; column < SIMD; column++) {
#pragma HLS UNROLL
        operand[column] = x[column];
    }
    for (int row = 0; row < PE; row++) {
#pragma HLS UNROLL
        Dot dot = 0;
        for (int column = 0; column < SIMD; column++) {
#pragma HLS UNROLL
            dot += Product<BITS>::template of<Dot>(weights[row][column], operand[column]);
        }
        sum[row] += dot;
    }
}

template <int PE, int SUM>
void clear(ap_int<SUM> (&sum)[PE]) {
#pragma HLS INLINE
    for (int row = 0; row < PE; row++) {
#pragma HLS UNROLL
        sum[row] = 0;
    }
}

// floor(value / 2^shift + 1/2): round half up, AP_RND. The widths are proved with the rounding constant included.
template <int W>
ap_int<W> round_shift(ap_int<W> value, unsigned shift) {
#pragma HLS INLINE
    const ap_uint<W + 1> half = (ap_uint<W + 1>(1) << shift) >> 1;  // a shift of W too: of a value next to zero
    return (value + half) >> shift;
}

// AP_SAT_SYM: the most negative word does not occur, so a magnitude fits one bit less.
template <int W>
state_word saturate(ap_int<W> value) {
#pragma HLS INLINE
    if (value > state_max) return state_max;
    if (value < -state_max) return -state_max;
    return value;
}

// clip(state, lower, upper) of a kind of row. A bound that no state passes is not looked at.
inline state_word clip(int kind, state_word state) {
#pragma HLS INLINE
    if (clip_below[kind] && state < clip_lower[kind]) return clip_lower[kind];
    if (clip_above[kind] && state > clip_upper[kind]) return clip_upper[kind];
    return state;
}

// The proximal operator of a kind of row: the clip, or what it leaves.
inline state_word prox_of(int kind, state_word state) {
#pragma HLS INLINE
    const state_word clipped = clip(kind, state);
    return clip_complement[kind] ? state_word(state - clipped) : clipped;
}

// The reflected operator, 2 prox - id. Inside its bounds a clip reflects nothing; of relu this is the magnitude.
inline state_word reflection_of(int kind, state_word state) {
#pragma HLS INLINE
    state_word reflected = state;
    if (clip_below[kind] && state < clip_lower[kind]) reflected = 2 * ap_int<state_bits + 1>(clip_lower[kind]) - state;
    if (clip_above[kind] && state > clip_upper[kind]) reflected = 2 * ap_int<state_bits + 1>(clip_upper[kind]) - state;
    return clip_complement[kind] ? state_word(-reflected) : reflected;
}

}  // namespace mondeq

#endif
