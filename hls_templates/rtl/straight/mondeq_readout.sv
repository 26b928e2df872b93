// Readout engine of a straight core: all outputs of a sample in one beat, y = ((readout prox(s)) << left) + bias.
//
// The state comes as it leaves the solver.  A sample has its place in the output buffer from the drive's first command
// on (a slot is such a place), so nothing in between ever waits.  Alignments and biases are constants.
//
//   cycle        0          state
//                1          prox enters the graph
//           Stages+1        product
//           Stages+2        aligned, with bias
//           Stages+3        offered
module mondeq_readout #(
  parameter int Rows = mondeq_pkg::OutputWords,
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
  input  logic [Slots-1:0]             done_i,          // the slot whose state comes in this cycle
  output logic [SlotBits-1:0]          slot_o,
  output logic                         column_o,
  input  logic [Columns*StateBits-1:0] state_i,
  output logic                         release_o,       // slot_o is free from the next cycle on
  output logic                         step_o,
  output logic                         step_last_o,
  output logic                         error_o,
  output logic                         memory_error_o,
  input  logic [OutputBits-1:0]        direct_i,
  output logic                         valid_o,
  input  logic                         ready_i,
  output logic                         last_o,
  output logic [Rows*OutputBits-1:0]   output_o,
  output logic                         carried_write_o,
  output logic                         carried_last_o,
  output logic [OutputBits-1:0]        carried_o
);

  localparam logic [SlotBits-1:0] LastSlot = SlotBits'(Slots - 1);

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

  // A straight core has no slots that are read, no feed-through and no carried words.
  logic unused_words;
  assign unused_words = ^direct_i;
  assign column_o = 1'b0;
  assign step_o = 1'b0;
  assign step_last_o = 1'b0;
  assign memory_error_o = 1'b0;
  assign carried_write_o = 1'b0;
  assign carried_last_o = 1'b0;
  assign carried_o = '0;

  logic [Columns*ProxBits-1:0] z, z_q;
  logic [Rows*OutputBits-1:0] product, output_q;
  logic write;

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

  for (genvar i = 0; i < Rows; i++) begin : g_row
    logic [OutputBits-1:0] aligned, bias;

    assign aligned = product[i*OutputBits+:OutputBits] << RowShifts[i*RowShiftBits+:RowShiftBits];
    assign bias = Biases[i*OutputBits+:OutputBits];
    always_ff @(posedge clk_i) begin
      output_q[i*OutputBits+:OutputBits] <= NegativeRows[i] ? bias - aligned : bias + aligned;
    end
  end

  mondeq_delay #(
    .Width(1),
    .Depth(Stages + 2)
  ) u_write (
    .clk_i,
    .rst_ni,
    .data_i(done_i != '0),
    .data_o(write)
  );

  mondeq_fifo #(
    .Width(Rows * OutputBits),
    .Depth(Slots)
  ) u_buffer (
    .clk_i,
    .rst_ni,
    .write_i(write),
    .data_i (output_q),
    .valid_o,
    .data_o (output_o),
    .ready_i,
    .error_o
  );

  assign last_o = 1'b1;
  assign release_o = valid_o && ready_i;

  always_ff @(posedge clk_i) begin
    if (!rst_ni) slot_o <= '0;
    else if (release_o) slot_o <= (slot_o == LastSlot) ? '0 : slot_o + 1'b1;
  end

`ifdef MONDEQ_ASSERT
  // They leave one at a time, in the order of their slots.
  logic [Slots-1:0] next_q;

  always_ff @(posedge clk_i) begin
    if (!rst_ni) next_q <= Slots'(1);
    else if (done_i != '0) next_q <= {next_q[Slots-2:0], next_q[Slots-1]};
  end
  mondeq_assert u_order (.clk_i, .rst_ni, .holds_i((done_i == '0) || (done_i == next_q)));
`endif

endmodule
