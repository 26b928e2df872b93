// What both readout engines do around their product: walk the finished slots, row by row and column group by column
// group, free each slot after its last command, and buffer the outputs.
//
// A row starts only when the output buffer has room for it (a credit), so the pipeline in between never stalls.
// Slot and column go to the solver's memory, which registers them; the rest of a command leaves registers here.
module mondeq_readout_control #(
  parameter int Rows = 1,
  parameter int Carried = 0,  // the last rows, which do not go to the stream
  parameter int ColumnGroups = 1,
  parameter int Slots = 3,
  parameter int OutputBits = 20,
  parameter int Depth = 10,  // cycles from the choice of a row's last command to its output beat
  localparam int Groups = Rows * ColumnGroups,
  localparam int RowBits = (Rows > 1) ? $clog2(Rows) : 1,
  localparam int ColumnBits = (ColumnGroups > 1) ? $clog2(ColumnGroups) : 1,
  localparam int AddressBits = (Groups > 1) ? $clog2(Groups) : 1,
  localparam int SlotBits = (Slots > 1) ? $clog2(Slots) : 1
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
  output logic                   error_o,  // of the output buffer, its credits or the slot's number
  // Stream.
  output logic                   valid_o,
  input  logic                   ready_i,
  output logic                   last_o,
  output logic [OutputBits-1:0]  output_o,
  // Carried words.
  output logic                   carried_write_o,
  output logic                   carried_last_o,
  output logic [OutputBits-1:0]  carried_o
);

  // A credit comes back this many cycles after a row of one column group was chosen.
  localparam int BufferRows = Depth + 2;
  localparam logic [SlotBits-1:0] LastSlot = SlotBits'(Slots - 1);

  // Wrong parameters do not elaborate: there is no such module.
  if (Slots < 2) begin : g_wrong_slots
    mondeq_error_fewer_than_two_slots u_error ();
  end
  if (Rows < 1 || Carried < 0 || Carried >= Rows
      || ColumnGroups < 1 || OutputBits < 1 || Depth < 1) begin : g_wrong_size
    mondeq_error_readout_of_nothing u_error ();
  end

  logic issue, first_column, last_column, last_row, room, left, streams, stream_write, stream_last, leaves_q;
  logic room_error, buffer_error;
  logic [RowBits-1:0] row;
  logic [AddressBits-1:0] address;
  logic [SlotBits-1:0] slot_q;

  assign issue = done_i[slot_q] && (!first_column || room);
  assign release_o = issue && last_column && last_row;
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
    .step_i        (issue),
    .skip_columns_i(1'b0),
    .row_o         (row),
    .column_o,
    .address_o     (address),
    .first_column_o(first_column),
    .last_column_o (last_column),
    .last_row_o    (last_row)
  );

  always_ff @(posedge clk_i) begin
    if (!rst_ni) issue_o <= 1'b0;
    else issue_o <= issue;
  end

  always_ff @(posedge clk_i) begin
    row_o          <= row;
    address_o      <= address;
    first_column_o <= first_column;
    last_column_o  <= last_column;
    last_row_o     <= last_row;
  end

  // Registered, so that the buffer need not be placed beside the counters.
  always_ff @(posedge clk_i) begin
    if (!rst_ni) leaves_q <= 1'b0;
    else leaves_q <= valid_o && ready_i;
  end

  mondeq_credits #(
    .Credits(BufferRows)
  ) u_room (
    .clk_i,
    .rst_ni,
    .take_i (issue && first_column && streams),
    .give_i (leaves_q),
    .left_o (left),
    .error_o(room_error)
  );

  assign error_o = room_error || buffer_error || (int'(slot_q) >= Slots);
  assign room = left || !streams;
  assign carried_o = write_output_i;
  assign carried_last_o = write_last_i;

  if (Carried > 0) begin : g_carried
    localparam logic [RowBits-1:0] FirstCarried = RowBits'(Rows - Carried);
    localparam logic [RowBits-1:0] LastShown = RowBits'(Rows - Carried - 1);
    logic [RowBits-1:0] written_q;

    assign streams = row < FirstCarried;
    assign stream_write = write_i && (written_q < FirstCarried);
    assign stream_last = written_q == LastShown;
    assign carried_write_o = write_i && (written_q >= FirstCarried);

    always_ff @(posedge clk_i) begin
      if (!rst_ni) written_q <= '0;
      else if (write_i) written_q <= write_last_i ? '0 : written_q + 1'b1;
    end
  end else begin : g_streamed
    assign streams = 1'b1;
    assign stream_write = write_i;
    assign stream_last = write_last_i;
    assign carried_write_o = 1'b0;
  end

  mondeq_fifo #(
    .Width(OutputBits + 1),
    .Depth(BufferRows)
  ) u_buffer (
    .clk_i,
    .rst_ni,
    .write_i(stream_write),
    .data_i ({stream_last, write_output_i}),
    .valid_o,
    .data_o ({last_o, output_o}),
    .ready_i,
    .error_o(buffer_error)
  );

`ifdef MONDEQ_ASSERT
  logic [RowBits-1:0] arrived_q;  // rows of the sample

  always_ff @(posedge clk_i) begin
    if (!rst_ni) arrived_q <= '0;
    else if (write_i) arrived_q <= (int'(arrived_q) == Rows - 1) ? '0 : arrived_q + 1'b1;
  end
  mondeq_assert u_slot (.clk_i, .rst_ni, .holds_i(int'(slot_q) < Slots));
  mondeq_assert u_last_row (.clk_i, .rst_ni, .holds_i(!write_i || (write_last_i == (int'(arrived_q) == Rows - 1))));
  mondeq_assert u_carried_last (.clk_i, .rst_ni, .holds_i(!carried_write_o || (int'(arrived_q) >= Rows - Carried)));
`endif

endmodule
