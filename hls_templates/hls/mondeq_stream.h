// AXI4-Stream words: Vitis' ap_axiu where its header exists, the same fields elsewhere.
// hls::stream itself comes with both header sets.
#ifndef MONDEQ_STREAM_H
#define MONDEQ_STREAM_H

#include "mondeq_params.h"
#include <hls_stream.h>

#if __has_include(<ap_axi_sdata.h>)
#include <ap_axi_sdata.h>
namespace mondeq {
template <int W, int U = 0>
struct Axis {
    typedef ap_axiu<W, U, 0, 0> word;
    static word make(ap_uint<W> data, bool last) {
#pragma HLS INLINE
        word beat;
        beat.data = data;
        beat.keep = -1;
        beat.strb = -1;
        beat.last = last;
        return beat;
    }
};
}  // namespace mondeq
#else
namespace mondeq {
template <int W, int U = 0>
struct Axis {
    struct word {
        ap_uint<W> data;
        ap_uint<1> last;
        ap_uint<1> user = 0;
    };
    static word make(ap_uint<W> data, bool last) {
        word beat;
        beat.data = data;
        beat.last = last;
        return beat;
    }
};
}  // namespace mondeq
#endif

namespace mondeq {
typedef Axis<output_tdata_bits, MONDEQ_FLAGS_ENDS> OutputAxis;
typedef hls::stream<Axis<input_tdata_bits>::word> input_stream;
typedef hls::stream<OutputAxis::word> output_stream;

// TUSER of an output beat, where it has one.
inline void set_flag(OutputAxis::word& beat, bool flag) {
#pragma HLS INLINE
#if MONDEQ_FLAGS_ENDS
    beat.user = flag;
#else
    (void)beat, (void)flag;
#endif
}

inline bool flag_of(const OutputAxis::word& beat) {
#if MONDEQ_FLAGS_ENDS
    return beat.user == 1;
#else
    (void)beat;
    return false;
#endif
}
}  // namespace mondeq

#endif
