// What both readout engines do around their product: walk the finished slots, row by row and column group by column
// group, free each slot after its last command, and buffer the outputs.
//
// A row starts only when the output buffer has room for it (a credit), so the pipeline in between never stalls.
module mondeq_readout_control #(
  parameter int Rows = 1,
  parameter int ColumnGroups = 1,
  parameter int Slots = 3,
  parameter int OutputBits = 20,
  parameter int Depth = 9,  // cycles from a row's last command to its output beat
  localparam int Groups = Rows * ColumnGroups,
  localparam int RowBits = (Rows > 1) ? $clog2(Rows) : 1,
  localparam int ColumnBits = (ColumnGroups > 1) ? $clog2(ColumnGroups) : 1,
  localparam int AddressBits = (Groups > 1) ? $clog2(Groups) : 1,
  localparam int SlotBits = $clog2(Slots)
) (
  input  logic                   clk_i,
  input  logic                   rst_ni,
  // Slots.
  input  logic [Slots-1:0]       done_i,
  output logic [SlotBits-1:0]    slot_o,
  output logic                   release_o,
  // Commands to the product, and its outputs.
  output logic                   issue_o,
  output logic [RowBits-1:0]     row_o,
  output logic [ColumnBits-1:0]  column_o,
  output logic [AddressBits-1:0] address_o,
  output logic                   first_column_o,
  output logic                   last_column_o,
  output logic                   last_row_o,
  input  logic                   write_i,
  input  logic                   write_last_i,
  input  logic [OutputBits-1:0]  write_output_i,
  // Stream.
  output logic                   valid_o,
  input  logic                   ready_i,
  output logic                   last_o,
  output logic [OutputBits-1:0]  output_o
);

  // A credit comes back this many cycles after a row of one column group started.
  localparam int BufferRows = Depth + 1;
  localparam logic [SlotBits-1:0] LastSlot = SlotBits'(Slots - 1);

  logic room;
  logic [SlotBits-1:0] slot_q;

  assign issue_o = done_i[slot_q] && (!first_column_o || room);
  assign release_o = issue_o && last_column_o && last_row_o;
  assign slot_o = slot_q;

  always_ff @(posedge clk_i) begin
    if (!rst_ni) slot_q <= '0;
    else if (release_o) slot_q <= (slot_q == LastSlot) ? '0 : slot_q + 1'b1;
  end

  mondeq_matvec_counter #(
    .RowGroups   (Rows),
    .ColumnGroups(ColumnGroups)
  ) u_counter (
    .clk_i,
    .rst_ni,
    .step_i        (issue_o),
    .skip_columns_i(1'b0),
    .row_o,
    .column_o,
    .address_o,
    .first_column_o,
    .last_column_o,
    .last_row_o
  );

  mondeq_credits #(
    .Credits(BufferRows)
  ) u_room (
    .clk_i,
    .rst_ni,
    .take_i(issue_o && first_column_o),
    .give_i(valid_o && ready_i),
    .left_o(room)
  );

  mondeq_fifo #(
    .Width(OutputBits + 1),
    .Depth(BufferRows)
  ) u_buffer (
    .clk_i,
    .rst_ni,
    .write_i,
    .data_i ({write_last_i, write_output_i}),
    .valid_o,
    .data_o ({last_o, output_o}),
    .ready_i
  );

endmodule
