// The engines of one program as types, since a namespace cannot be the argument of a template.
//
// Included once for each layer of a project, inside a namespace of the layer's own (see mondeq_layer.h.j2). So it has
// no guard, and lifts those of the program's headers at its end, for the next layer's.
#undef AP_INT_MAX_W  // ap_int.h has been read before; what this program's parameters say would be a second definition
#include "mondeq_solver.h"

namespace mondeq {

// What the drive engine reads: column groups of `lanes` words, the last padded with zeros.
struct Inputs {
    static const int inputs = input_size;
    static const int groups = drive_column_groups;
    static const int lanes = drive_simd;
    typedef input_word word;
};

// y = O z + F x + c, on the program's common output grid.
struct Outputs : Inputs {
    static const int results = output_size;
    typedef output_word result;
    static void of(const word x[groups][lanes], result y[results]) {
#pragma HLS DATAFLOW
        drive_word d[state_size];
        drive_word u[direct_size];
        prox_word z[state_size];
#pragma HLS ARRAY_PARTITION variable=d cyclic factor=solve_pe
#pragma HLS ARRAY_PARTITION variable=z complete
        drive(x, d, u);
        solve(d, z);
        readout(z, u, y);
    }
};

// The equilibrium z = prox(s) itself, on the state's grid.
struct Equilibrium : Inputs {
    static const int results = state_size;
    typedef prox_word result;
    static void of(const word x[groups][lanes], result z[results]) {
#pragma HLS DATAFLOW
        drive_word d[state_size];
        drive_word u[direct_size];  // of outputs that nobody asks for
#pragma HLS ARRAY_PARTITION variable=d cyclic factor=solve_pe
        drive(x, d, u);
        solve(d, z);
    }
};

}  // namespace mondeq

#undef MONDEQ_PARAMS_H
#undef MONDEQ_ENGINE_H
#undef MONDEQ_WEIGHTS_H
#undef MONDEQ_SOLVER_H
