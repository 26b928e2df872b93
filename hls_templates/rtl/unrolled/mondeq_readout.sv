// Readout engine whose matrix is an adder graph: y_k = ((sum_i readout[k,i] prox(s_i) + u_k) << left_k) + bias_k; u is
// what a feed-through adds, or zero.
//
// The stream carries one output word per cycle, so a sample stays before the graph for as many commands as it has
// outputs, and each command takes one row of the product.  Alignments and biases are constants.
//
//   cycle        0          command
//                2          state of the slot
//                3          prox enters the graph
//           Stages+3        product; its row, aligned
//           Stages+4        bias
//           Stages+5        written to the output buffer
module mondeq_readout #(
  parameter int Rows = mondeq_pkg::OutputWords + mondeq_pkg::CarriedWords,
  parameter int Carried = mondeq_pkg::CarriedWords,  // the last rows, which do not go to the stream
  parameter int Columns = mondeq_pkg::StateWords,
  parameter int Slots = mondeq_pkg::Slots,
  parameter int StateBits = mondeq_pkg::StateBits,
  parameter int ProxBits = mondeq_pkg::ProxBits,
  parameter int OutputBits = mondeq_pkg::OutputBits,
  parameter int Stages = mondeq_pkg::ReadoutStages,
  parameter int RowShiftBits = mondeq_pkg::ReadoutRowShiftBits,
  parameter bit [Rows*RowShiftBits-1:0] RowShifts = mondeq_pkg::ReadoutRowShifts,
  parameter bit [Rows*OutputBits-1:0] Biases = mondeq_pkg::ReadoutBiases,
  parameter bit [Rows-1:0] NegativeRows = mondeq_pkg::ReadoutNegativeRows,
  localparam int SlotBits = (Slots > 1) ? $clog2(Slots) : 1
) (
  input  logic                         clk_i,
  input  logic                         rst_ni,
  input  logic [Slots-1:0]             done_i,       // slots whose state is final
  output logic [SlotBits-1:0]          slot_o,       // the slot being read
  output logic                         column_o,
  input  logic [Columns*StateBits-1:0] state_i,      // three cycles after slot_o
  output logic                         release_o,    // slot_o is free from the next cycle on
  output logic                         step_o,       // the next row of u from the next cycle on
  output logic                         step_last_o,  // of the next sample
  output logic                         error_o,
  output logic                         memory_error_o,
  input  logic [OutputBits-1:0]        direct_i,     // u of the row
  output logic                         valid_o,
  input  logic                         ready_i,
  output logic                         last_o,
  output logic [OutputBits-1:0]        output_o,
  output logic                         carried_write_o,
  output logic                         carried_last_o,
  output logic [OutputBits-1:0]        carried_o
);

  localparam int RowBits = (Rows > 1) ? $clog2(Rows) : 1;

  // Wrong parameters do not elaborate: there is no such module.
  if (Slots < 2) begin : g_wrong_slots
    mondeq_error_fewer_than_two_slots u_error ();
  end
  if (Rows < 1 || Columns < 1 || StateBits < 2 || OutputBits < 1) begin : g_wrong_size
    mondeq_error_readout_sizes u_error ();
  end
  if (Stages < 1 || RowShiftBits < 1) begin : g_wrong_shifts
    mondeq_error_readout_stages_or_shifts u_error ();
  end

  assign memory_error_o = 1'b0;  // weights and constants are logic

  // ---------------------------------------------------------------------------------------------------------------
  // Commands and outputs.

  logic issue, last_row, write, write_last;
  logic [RowBits-1:0] row;
  logic [OutputBits-1:0] output_q;
  // There is one column group: its number and the address of its weights say nothing more.
  logic [RowBits-1:0] unused_address;
  logic unused_first, unused_last;

  assign step_o = issue;
  assign step_last_o = last_row;

  mondeq_readout_control #(
    .Rows      (Rows),
    .Carried   (Carried),
    .Slots     (Slots),
    .OutputBits(OutputBits),
    .Depth     (Stages + 7)
  ) u_control (
    .clk_i,
    .rst_ni,
    .done_i,
    .slot_o,
    .release_o,
    .issue_o       (issue),
    .row_o         (row),
    .column_o,
    .address_o     (unused_address),
    .first_column_o(unused_first),
    .last_column_o (unused_last),
    .last_row_o    (last_row),
    .write_i       (write),
    .write_last_i  (write_last),
    .write_output_i(output_q),
    .valid_o,
    .ready_i,
    .last_o,
    .output_o,
    .error_o,
    .carried_write_o,
    .carried_last_o,
    .carried_o
  );

  // ---------------------------------------------------------------------------------------------------------------
  // z = prox(s), and its product.

  logic [Columns*ProxBits-1:0] z, z_q;
  logic [Rows*OutputBits-1:0] product;

  mondeq_clip_lanes #(
    .Rows     (Columns),
    .Lanes    (Columns),
    .StateBits(StateBits),
    .WordBits (ProxBits),
    .Reflect  (1'b0)
  ) u_prox (
    .clk_i,
    .rst_ni,
    .group_i(1'b0),
    .state_i,
    .word_o (z)
  );

  always_ff @(posedge clk_i) z_q <= z;

  mondeq_readout_graph #(
    .Rows    (Rows),
    .Columns (Columns),
    .WordBits(ProxBits),
    .SumBits (OutputBits),
    .Stages  (Stages)
  ) u_graph (
    .clk_i,
    .words_i  (z_q),
    .product_o(product)
  );

  // ---------------------------------------------------------------------------------------------------------------
  // The command's row of it.

  logic select_valid, select_last, negative, negative_q;
  logic [RowBits-1:0] select_row;
  logic [OutputBits-1:0] direct, aligned, aligned_q, bias, bias_q;

  mondeq_delay #(
    .Width(RowBits + 2),
    .Depth(Stages + 3)
  ) u_select (
    .clk_i,
    .rst_ni,
    .data_i({row, last_row, issue}),
    .data_o({select_row, select_last, select_valid})
  );

  mondeq_delay #(
    .Width(OutputBits),
    .Depth(3 + Stages)
  ) u_direct (
    .clk_i,
    .rst_ni,
    .data_i(direct_i),
    .data_o(direct)
  );

  mondeq_delay #(
    .Width(2),
    .Depth(2)
  ) u_write (
    .clk_i,
    .rst_ni,
    .data_i({select_last, select_valid}),
    .data_o({write_last, write})
  );

  always_comb begin
    aligned = '0;
    bias = '0;
    negative = 1'b0;
    for (int i = 0; i < Rows; i++) begin
      if (select_row == RowBits'(i)) begin
        aligned = product[i*OutputBits+:OutputBits] << RowShifts[i*RowShiftBits+:RowShiftBits];
        bias = Biases[i*OutputBits+:OutputBits] + (direct << RowShiftBits'(RowShifts >> (i * RowShiftBits)));
        negative = NegativeRows[i];
      end
    end
  end

  always_ff @(posedge clk_i) begin
    aligned_q <= aligned;
    bias_q <= bias;
    negative_q <= negative;
    output_q <= negative_q ? bias_q - aligned_q : bias_q + aligned_q;
  end

`ifdef MONDEQ_ASSERT
  mondeq_assert u_row_address (.clk_i, .rst_ni, .holds_i(int'(select_row) < Rows));
`endif

endmodule
