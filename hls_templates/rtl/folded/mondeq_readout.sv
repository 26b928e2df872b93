// Readout engine: y_k = ((sum_i readout[k,i] prox(s_i) + u_k) << left_k) + bias_k, one row at a time; u is what a
// feed-through adds, or zero.
//
// One row per matrix pass is never the limit: the stream carries one output word per cycle anyway.
module mondeq_readout #(
  parameter int Rows = mondeq_pkg::OutputWords + mondeq_pkg::CarriedWords,
  parameter int Carried = mondeq_pkg::CarriedWords,  // the last rows, which do not go to the stream
  parameter int Columns = mondeq_pkg::StateWords,
  parameter int Simd = mondeq_pkg::ReadoutSimd,
  parameter int Slots = mondeq_pkg::Slots,
  parameter int StateBits = mondeq_pkg::StateBits,
  parameter int ProxBits = mondeq_pkg::ProxBits,
  parameter bit ProxSigned = mondeq_pkg::ProxSigned != 0,
  parameter int WeightBits = mondeq_pkg::ReadoutWeightBits,
  parameter int OutputBits = mondeq_pkg::OutputBits,
  parameter int ShiftBits = mondeq_pkg::ReadoutShiftBits,
  parameter int Adders = mondeq_pkg::ReadoutAdders,
  parameter WeightFile = {mondeq_pkg::MemDir, "/readout"},
  parameter BiasFile = {mondeq_pkg::MemDir, "/readout_bias.mem"},
  parameter ShiftFile = {mondeq_pkg::MemDir, "/readout_shift.mem"},
  localparam int ColumnGroups = (Columns + Simd - 1) / Simd,
  localparam int ColumnBits = (ColumnGroups > 1) ? $clog2(ColumnGroups) : 1,
  localparam int SlotBits = (Slots > 1) ? $clog2(Slots) : 1
) (
  input  logic                      clk_i,
  input  logic                      rst_ni,
  input  logic [Slots-1:0]          done_i,       // slots whose state is final
  output logic [SlotBits-1:0]       slot_o,       // the slot being read
  output logic [ColumnBits-1:0]     column_o,
  input  logic [Simd*StateBits-1:0] state_i,      // three cycles after slot_o and column_o
  output logic                      release_o,    // slot_o is free from the next cycle on
  output logic                      step_o,       // the next row of u from the next cycle on
  output logic                      step_last_o,  // of the next sample
  output logic                      error_o,
  output logic                      memory_error_o,  // a wrong word of a memory
  input  logic [OutputBits-1:0]     direct_i,     // u of the row
  output logic                      valid_o,
  input  logic                      ready_i,
  output logic                      last_o,
  output logic [OutputBits-1:0]     output_o,
  output logic                      carried_write_o,
  output logic                      carried_last_o,
  output logic [OutputBits-1:0]     carried_o
);

  localparam int Groups = Rows * ColumnGroups;
  localparam int RowBits = (Rows > 1) ? $clog2(Rows) : 1;
  localparam int AddressBits = (Groups > 1) ? $clog2(Groups) : 1;
  localparam int Stages = $clog2(Simd) / ((Adders < 1) ? 1 : Adders);
  localparam int Late = (Groups > mondeq_pkg::WeightBankDepth) ? 1 : 0;
  localparam int TagBits = RowBits + 1;

  // Wrong parameters do not elaborate: there is no such module.
  if (Slots < 2) begin : g_wrong_slots
    mondeq_error_fewer_than_two_slots u_error ();
  end
  if (Rows < 1 || Simd < 1 || Simd > Columns) begin : g_wrong_folding
    mondeq_error_readout_folding_beyond_the_matrix u_error ();
  end
  if (StateBits < 2 || OutputBits < 1 || ShiftBits < 1 || Adders < 1) begin : g_wrong_widths
    mondeq_error_readout_widths u_error ();
  end

  logic issue, first_column, last_column, last_row, output_last_q, output_valid;
  logic [RowBits-1:0] row;
  logic [AddressBits-1:0] address;
  logic [OutputBits-1:0] output_q;

  mondeq_readout_control #(
    .Rows        (Rows),
    .Carried     (Carried),
    .ColumnGroups(ColumnGroups),
    .Slots       (Slots),
    .OutputBits  (OutputBits),
    .Depth       (10 + Late + Stages)
  ) u_control (
    .clk_i,
    .rst_ni,
    .done_i,
    .slot_o,
    .release_o,
    .issue_o       (issue),
    .row_o         (row),
    .column_o,
    .address_o     (address),
    .first_column_o(first_column),
    .last_column_o (last_column),
    .last_row_o    (last_row),
    .write_i       (output_valid),
    .write_last_i  (output_last_q),
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

  assign step_o = issue && last_column;
  assign step_last_o = last_row;

  // u, when the row's first products are summed.
  logic [OutputBits-1:0] direct;

  mondeq_delay #(
    .Width(OutputBits),
    .Depth(5 + Late + Stages)
  ) u_direct (
    .clk_i,
    .rst_ni,
    .data_i(direct_i),
    .data_o(direct)
  );

  // z = prox(s), 3 + Late cycles after the command.
  logic [Simd*ProxBits-1:0] z, z_q;

  mondeq_clip_lanes #(
    .Rows     (Columns),
    .Lanes    (Simd),
    .Latency  (3),
    .StateBits(StateBits),
    .WordBits (ProxBits),
    .Reflect  (1'b0)
  ) u_prox (
    .clk_i,
    .rst_ni,
    .group_i(column_o),
    .state_i,
    .word_o (z)
  );

  mondeq_delay #(
    .Width(Simd * ProxBits),
    .Depth(1 + Late)
  ) u_z (
    .clk_i,
    .rst_ni,
    .data_i(z),
    .data_o(z_q)
  );

  // Row constants, read in cycle 4 + Late + Stages of the row's first command.
  logic [TagBits-1:0] tag;
  logic [OutputBits-1:0] bias;
  logic [ShiftBits-1:0] shift;
  logic tag_valid, tag_last_q, weight_error, bias_error, shift_error;

  assign memory_error_o = weight_error || bias_error || shift_error;

  mondeq_delay #(
    .Width(TagBits + 1),
    .Depth(4 + Late + Stages)
  ) u_tag (
    .clk_i,
    .rst_ni,
    .data_i({issue, row, last_row}),
    .data_o({tag_valid, tag})
  );

  mondeq_rom #(
    .Width(OutputBits),
    .Depth(Rows),
    .File (BiasFile)
  ) u_bias (
    .clk_i,
    .rst_ni,
    .read_i   (tag_valid),
    .address_i(tag[RowBits:1]),
    .data_o   (bias),
    .error_o  (bias_error)
  );

  mondeq_rom #(
    .Width(ShiftBits),
    .Depth(Rows),
    .File (ShiftFile)
  ) u_shift (
    .clk_i,
    .rst_ni,
    .read_i   (tag_valid),
    .address_i(tag[RowBits:1]),
    .data_o   (shift),
    .error_o  (shift_error)
  );

  always_ff @(posedge clk_i) tag_last_q <= tag[0];

  // Multiply-accumulate.
  logic load, sum_valid;
  logic [OutputBits-1:0] sum;

  mondeq_matvec #(
    .Pe        (1),
    .Simd      (Simd),
    .Groups    (Groups),
    .WeightBits(WeightBits),
    .DataBits  (ProxBits),
    .DataSigned(ProxSigned),
    .SumBits   (OutputBits),
    .LeftShift (0),
    .Adders    (Adders),
    .File      (WeightFile)
  ) u_matvec (
    .clk_i,
    .rst_ni,
    .valid_i  (issue),
    .first_i  (first_column),
    .last_i   (last_column),
    .address_i(address),
    .data_i   (z_q),
    .preload_i(direct),
    .load_o   (load),
    .valid_o  (sum_valid),
    .sum_o    (sum),
    .memory_error_o(weight_error)
  );

  // Align the row to the common grid, then add its bias.
  logic [OutputBits-1:0] sum_bias_q, aligned_q, aligned_bias_q;
  logic [ShiftBits-1:0] sum_shift_q;
  logic sum_last_q, aligned_last_q;

  always_ff @(posedge clk_i) begin
    if (load) begin
      sum_bias_q  <= bias;
      sum_shift_q <= shift;
      sum_last_q  <= tag_last_q;
    end
    aligned_q <= sum << sum_shift_q;
    aligned_bias_q <= sum_bias_q;
    aligned_last_q <= sum_last_q;
    output_q <= aligned_q + aligned_bias_q;
    output_last_q <= aligned_last_q;
  end

  mondeq_delay #(
    .Width(1),
    .Depth(2)
  ) u_output_valid (
    .clk_i,
    .rst_ni,
    .data_i(sum_valid),
    .data_o(output_valid)
  );

`ifdef MONDEQ_ASSERT
  mondeq_assert u_row_address (.clk_i, .rst_ni, .holds_i(int'(tag[RowBits:1]) < Rows));
`endif

endmodule
