// AXI4-Stream words: Vitis' ap_axiu where its header exists, the same two fields elsewhere.
// hls::stream itself comes with both header sets.
#ifndef MONDEQ_STREAM_H
#define MONDEQ_STREAM_H

#include "mondeq_params.h"
#include <hls_stream.h>

#if __has_include(<ap_axi_sdata.h>)
#include <ap_axi_sdata.h>
namespace mondeq {
template <int W>
struct Axis {
    typedef ap_axiu<W, 0, 0, 0> word;
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
template <int W>
struct Axis {
    struct word {
        ap_uint<W> data;
        ap_uint<1> last;
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
typedef hls::stream<Axis<input_tdata_bits>::word> input_stream;
typedef hls::stream<Axis<output_tdata_bits>::word> output_stream;
}  // namespace mondeq

#endif
