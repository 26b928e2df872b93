// Constant tables. Weights lie in the order in which an engine reads them: [row group][column group][pe][simd],
// zero-padded to whole groups, so that one step of an engine is one word of one ROM.
#ifndef MONDEQ_WEIGHTS_H
#define MONDEQ_WEIGHTS_H

#include "mondeq_engine.h"

namespace mondeq {

#if MONDEQ_DRIVE_TABLES
// Sums of the products of drive_table_words columns, by the value of their words side by side.
static const int drive_table_depth = 1 << (drive_table_words * input_bits);
static const Rom<drive_table_bits>::word
    drive_sums[drive_row_groups][drive_column_groups][drive_tables][drive_table_depth][drive_pe] =
#include "weights/drive_tables.inc"
    ;
#else
static const Rom<drive_weight_bits>::word drive_weights[drive_row_groups][drive_column_groups][drive_pe][drive_simd] =
#include "weights/drive_weights.inc"
    ;
#endif
static const Rom<drive_bias_bits>::word drive_bias[drive_rows] =
#include "weights/drive_bias.inc"
    ;
static const unsigned char drive_right_shift[drive_rows] =
#include "weights/drive_right_shift.inc"
    ;

static const Rom<matrix_weight_bits>::word matrix_weights[solve_row_groups][solve_column_groups][solve_pe][solve_simd] =
#include "weights/matrix_weights.inc"
    ;
static const unsigned char matrix_shift[state_size] =
#include "weights/matrix_shift.inc"
    ;
// Which kind of the proximal operator a row is of; with a single kind there is nothing to look up.
static const Rom<clip_index_bits + 1>::word clip_rows[clip_kinds > 1 ? state_size : 1] =
#include "weights/clip_rows.inc"
    ;

static const Rom<readout_weight_bits>::word
    readout_weights[readout_row_groups][readout_column_groups][readout_pe][readout_simd] =
#include "weights/readout_weights.inc"
    ;
static const Rom<readout_bias_bits>::word readout_bias[readout_rows] =
#include "weights/readout_bias.inc"
    ;
static const unsigned char readout_left_shift[readout_rows] =
#include "weights/readout_left_shift.inc"
    ;

}  // namespace mondeq

#endif
