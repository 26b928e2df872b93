// Drive engine whose matrix is an adder graph: d = ((sum_j drive[i,j] x_j << left) + bias_i) rounded right by shift_i,
// all rows of a sample with one command, those of a feed-through above those of the states.
//
// Beats shift through a register until all but the last are there; the last completes the sample's words, which wait
// for a free slot of the solver (a credit) while the next sample's beats come in.  Rounding is wiring and part of the
// one addition behind the graph, for row shifts and biases are constants.
//
//   cycle        0          command: the words enter the graph
//           Stages          product
//           Stages+1        bias and half added: written, loaded
module mondeq_drive #(
  parameter int Rows = mondeq_pkg::DriveRows,
  parameter int Columns = mondeq_pkg::DriveColumns,
  parameter int Inputs = mondeq_pkg::InputWords,  // the columns behind them are carried words
  parameter int Simd = mondeq_pkg::DriveSimd,
  parameter int Slots = mondeq_pkg::Slots,
  parameter int InputBits = mondeq_pkg::InputBits,
  parameter int SumBits = mondeq_pkg::DriveAccumulatorBits,
  parameter int DriveBits = mondeq_pkg::DriveBits,
  parameter int Stages = mondeq_pkg::DriveStages,
  parameter int LeftShift = mondeq_pkg::DriveLeftShift,
  parameter int RowShiftBits = mondeq_pkg::DriveRowShiftBits,
  parameter bit [Rows*RowShiftBits-1:0] RowShifts = mondeq_pkg::DriveRowShifts,
  parameter bit [Rows*SumBits-1:0] Biases = mondeq_pkg::DriveBiases,
  parameter bit [Rows-1:0] NegativeRows = mondeq_pkg::DriveNegativeRows,
  localparam int Beats = (Inputs + Simd - 1) / Simd,
  localparam int IndexBits = (Beats > 1) ? $clog2(Beats) : 1,
  localparam int CarriedBits = (Columns > Inputs) ? (Columns - Inputs) * InputBits : 1,
  localparam int SlotBits = (Slots > 1) ? $clog2(Slots) : 1
) (
  input  logic                      clk_i,
  input  logic                      rst_ni,
  input  logic [Simd*InputBits-1:0] beat_i,
  input  logic                      beat_valid_i,
  input  logic [IndexBits-1:0]      beat_index_i,   // in its frame
  input  logic                      beat_whole_i,   // the last of a whole frame
  input  logic                      beat_broken_i,  // the frame is broken: nothing of it was kept
  output logic                      beat_ready_o,
  input  logic [CarriedBits-1:0]    carried_i,
  input  logic                      fresh_i,      // it is that of the sample that comes next
  output logic                      taken_o,      // it has been read
  input  logic                      release_i,    // the readout has freed a slot
  output logic                      write_o,
  output logic [SlotBits-1:0]       slot_o,
  output logic                      row_o,
  output logic [Rows*DriveBits-1:0] drive_o,
  output logic                      loaded_o,
  output logic                      error_o,
  output logic                      memory_error_o
);

  localparam int BeatBits = Simd * InputBits;
  localparam logic [IndexBits-1:0] LastBeat = IndexBits'(Beats - 1);
  localparam logic [SlotBits-1:0] LastSlot = SlotBits'(Slots - 1);

  // Wrong parameters do not elaborate: there is no such module.
  if (Slots < 2) begin : g_wrong_slots
    mondeq_error_fewer_than_two_slots u_error ();
  end
  if (Rows < 1 || Simd < 1 || Simd > Inputs || Inputs > Columns) begin : g_wrong_folding
    mondeq_error_drive_folding_beyond_the_matrix u_error ();
  end
  if (InputBits < 1 || SumBits < 1 || DriveBits < 1 || DriveBits > SumBits) begin : g_wrong_widths
    mondeq_error_drive_widths u_error ();
  end
  if (Stages < 1 || LeftShift < 0 || RowShiftBits < 1) begin : g_wrong_shifts
    mondeq_error_drive_stages_or_shifts u_error ();
  end

  assign memory_error_o = 1'b0;  // weights and constants are logic

  // ---------------------------------------------------------------------------------------------------------------
  // Beats to words.

  logic accept, last_beat, complete_q, issue, slot_free;
  // Lanes beyond the last word carry nothing.
  /* verilator lint_off UNUSEDSIGNAL */
  logic [Beats*BeatBits-1:0] words_q;
  /* verilator lint_on UNUSEDSIGNAL */

  logic unused_broken;
  assign unused_broken = beat_broken_i;
  assign last_beat = beat_index_i == LastBeat;
  assign beat_ready_o = !(last_beat && complete_q) || issue;
  assign accept = beat_valid_i && beat_ready_o;
  assign issue = complete_q && slot_free && fresh_i;
  assign taken_o = issue;

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      complete_q <= 1'b0;
    end else begin
      complete_q <= (accept && beat_whole_i) || (complete_q && !issue);
    end
  end

  if (Beats == 1) begin : g_one
    always_ff @(posedge clk_i) begin
      if (accept && beat_whole_i) words_q <= beat_i;
    end
  end else begin : g_collect
    logic [(Beats-1)*BeatBits-1:0] collected_q;
    logic [Beats*BeatBits-1:0] collected;

    // The newest beat at the top, so that the oldest ends at the bottom.
    assign collected = {beat_i, collected_q};
    always_ff @(posedge clk_i) begin
      if (accept) collected_q <= collected[Beats*BeatBits-1:BeatBits];
      if (accept && beat_whole_i) words_q <= collected;
    end
  end

  // ---------------------------------------------------------------------------------------------------------------
  // Command: a sample into the next slot of the ring.

  logic [SlotBits-1:0] slot_q;

  mondeq_credits #(
    .Credits(Slots)
  ) u_slots (
    .clk_i,
    .rst_ni,
    .take_i (issue),
    .give_i (release_i),
    .left_o (slot_free),
    .error_o
  );

  always_ff @(posedge clk_i) begin
    if (!rst_ni) slot_q <= '0;
    else if (issue) slot_q <= (slot_q == LastSlot) ? '0 : slot_q + 1'b1;
  end

  mondeq_delay #(
    .Width(1 + SlotBits),
    .Depth(Stages + 1)
  ) u_tag (
    .clk_i,
    .rst_ni,
    .data_i({issue, slot_q}),
    .data_o({write_o, slot_o})
  );

  assign row_o = 1'b0;
  assign loaded_o = write_o;

  // ---------------------------------------------------------------------------------------------------------------
  // Product, bias, rounding.

  logic [Rows*SumBits-1:0] product;
  logic [Columns*InputBits-1:0] words;

  if (Columns > Inputs) begin : g_carried
    assign words = {carried_i, words_q[Inputs*InputBits-1:0]};
  end else begin : g_inputs
    logic unused_carried;
    assign unused_carried = ^carried_i;
    assign words = words_q[Columns*InputBits-1:0];
  end

  mondeq_drive_graph #(
    .Rows    (Rows),
    .Columns (Columns),
    .WordBits(InputBits),
    .SumBits (SumBits),
    .Stages  (Stages)
  ) u_graph (
    .clk_i,
    .words_i  (words),
    .product_o(product)
  );

  for (genvar i = 0; i < Rows; i++) begin : g_row
    localparam int Shift = int'(RowShifts[i*RowShiftBits+:RowShiftBits]);
    localparam logic [SumBits-1:0] Half = (SumBits'(1) << Shift) >> 1;
    localparam logic [SumBits-1:0] Offset = Biases[i*SumBits+:SumBits] + Half;
    logic [SumBits-1:0] addend;
    // Below the point nothing is kept.
    /* verilator lint_off UNUSEDSIGNAL */
    logic signed [SumBits-1:0] sum_q;
    /* verilator lint_on UNUSEDSIGNAL */

    assign addend = product[i*SumBits+:SumBits] << LeftShift;
    always_ff @(posedge clk_i) sum_q <= NegativeRows[i] ? Offset - addend : Offset + addend;
    assign drive_o[i*DriveBits+:DriveBits] = DriveBits'(sum_q >>> Shift);
  end

`ifdef MONDEQ_ASSERT
  mondeq_assert u_slot (.clk_i, .rst_ni, .holds_i(int'(slot_q) < Slots));
  mondeq_assert u_beat (.clk_i, .rst_ni, .holds_i(!accept || (int'(beat_index_i) < Beats)));
  mondeq_assert u_no_overrun (.clk_i, .rst_ni, .holds_i(!(accept && beat_whole_i && complete_q && !issue)));
`endif

endmodule
