// A MonDEQ between other layers of hls4ml: the layer before is rounded and saturated to the program's input words, the
// engines of the program run, and their words become fixed-point numbers again. Nothing is computed here.
#ifndef NNET_MONDEQ_H_
#define NNET_MONDEQ_H_

#include "hls_stream.h"
#include "nnet_common.h"
#include "nnet_types.h"

namespace nnet {

// A layer's configuration has
//   program   mondeqN::mondeq::Outputs or mondeqN::mondeq::Equilibrium
//   input_t   the program's input format, an ap_ufixed
//   exact_t   the format of its results, an ap_(u)fixed
struct mondeq_config {
    static const unsigned n_in = 1;
    static const unsigned n_out = 1;
    static const unsigned reuse_factor = 1;
};

template <class data_T, typename CONFIG>
void mondeq_quantize(data_T data[CONFIG::n_in],
                     typename CONFIG::program::word words[CONFIG::program::groups][CONFIG::program::lanes]) {
    typedef typename CONFIG::program program;
    for (int group = 0; group < program::groups; group++) {
#pragma HLS PIPELINE II=1
        for (int lane = 0; lane < program::lanes; lane++) {
#pragma HLS UNROLL
            const int column = group * program::lanes + lane;
            typename program::word word = 0;
            if (column < program::inputs) {
                const typename CONFIG::input_t quantized = data[column];
                word = quantized.range(CONFIG::input_t::width - 1, 0);
            }
            words[group][lane] = word;
        }
    }
}

template <class res_T, typename CONFIG>
void mondeq_real(const typename CONFIG::program::result words[CONFIG::n_out], res_T res[CONFIG::n_out]) {
    for (int row = 0; row < CONFIG::program::results; row++) {
#pragma HLS UNROLL
        typename CONFIG::exact_t exact;
        exact.range(CONFIG::exact_t::width - 1, 0) = words[row].range(CONFIG::exact_t::width - 1, 0);
        res[row] = exact;
    }
}

// io_parallel
template <class data_T, class res_T, typename CONFIG>
void mondeq(data_T data[CONFIG::n_in], res_T res[CONFIG::n_out]) {
#pragma HLS DATAFLOW
    typedef typename CONFIG::program program;
    static_assert(int(CONFIG::n_in) == program::inputs && int(CONFIG::n_out) == program::results, "sizes");
    static_assert(int(CONFIG::input_t::width) == int(program::word::width), "width of an input word");
    static_assert(int(CONFIG::exact_t::width) == int(program::result::width), "width of a result");
    typename program::word words[program::groups][program::lanes];
    typename program::result results[program::results];
#pragma HLS ARRAY_RESHAPE variable=words complete dim=2
#pragma HLS ARRAY_PARTITION variable=results complete
    mondeq_quantize<data_T, CONFIG>(data, words);
    program::of(words, results);
    mondeq_real<res_T, CONFIG>(results, res);
}

// io_stream: an element of the stream holds data_T::size numbers
template <class data_T, class res_T, typename CONFIG>
void mondeq(hls::stream<data_T> &data_stream, hls::stream<res_T> &res_stream) {
    typename data_T::value_type data[CONFIG::n_in];
    typename res_T::value_type res[CONFIG::n_out];
#pragma HLS ARRAY_PARTITION variable=data complete
#pragma HLS ARRAY_PARTITION variable=res complete
    for (unsigned element = 0; element < CONFIG::n_in / data_T::size; element++) {
#pragma HLS PIPELINE
        data_T packed = data_stream.read();
        for (unsigned i = 0; i < data_T::size; i++) {
#pragma HLS UNROLL
            data[element * data_T::size + i] = packed[i];
        }
    }
    mondeq<typename data_T::value_type, typename res_T::value_type, CONFIG>(data, res);
    for (unsigned element = 0; element < CONFIG::n_out / res_T::size; element++) {
#pragma HLS PIPELINE
        res_T packed;
        PRAGMA_DATA_PACK(packed)
        for (unsigned i = 0; i < res_T::size; i++) {
#pragma HLS UNROLL
            packed[i] = res[element * res_T::size + i];
        }
        res_stream.write(packed);
    }
}

}  // namespace nnet

#endif
