// The words of a feed-through on their way around the solver: row groups of the drive wait in a buffer and leave row by
// row, in the order of the samples.
//
// A sample's words come before it is loaded and leave with its slot, so the buffer has room for as many samples as
// there are slots.  Rows of the states in a group, which are the first, are skipped.
module mondeq_feedthrough #(
  parameter int States = mondeq_pkg::StateWords,
  parameter int Rows = mondeq_pkg::OutputWords + mondeq_pkg::CarriedWords,
  parameter int Pe = mondeq_pkg::DrivePe,
  parameter int Slots = mondeq_pkg::Slots,
  parameter int WordBits = mondeq_pkg::DriveBits,
  localparam int RowGroups = (States + Rows + Pe - 1) / Pe,
  localparam int RowBits = (RowGroups > 1) ? $clog2(RowGroups) : 1
) (
  input  logic                   clk_i,
  input  logic                   rst_ni,
  // From the drive engine.
  input  logic                   write_i,
  input  logic [RowBits-1:0]     row_i,
  input  logic [Pe*WordBits-1:0] words_i,
  // To the readout engine.
  input  logic                   step_i,  // the next row from the next cycle on
  input  logic                   last_i,  // of the next sample
  output logic [WordBits-1:0]    word_o,
  output logic                   error_o  // rows and groups are out of step
);

  localparam int Skipped = States / Pe;
  localparam int Groups = RowGroups - Skipped;
  // Of a single group the lanes of the states are not kept.
  localparam int LowestLane = (Groups == 1) ? States % Pe : 0;
  localparam int FirstLane = States % Pe - LowestLane;
  localparam int Lanes = Pe - LowestLane;
  localparam int LaneBits = (Lanes > 1) ? $clog2(Lanes) : 1;

  // Wrong parameters do not elaborate: there is no such module.
  if (States < 1 || Rows < 1 || Pe < 1 || Slots < 2 || WordBits < 1) begin : g_wrong_size
    mondeq_error_feedthrough_of_nothing u_error ();
  end

  logic write, pop, valid, last_group, buffer_error;
  logic [LaneBits-1:0] lane_q;
  logic [Lanes*WordBits-1:0] head;

  if (Skipped > 0) begin : g_skip
    assign write = write_i && (row_i >= RowBits'(Skipped));
  end else begin : g_all
    assign write = write_i;
  end

  assign pop = step_i && (last_i || (lane_q == LaneBits'(Lanes - 1)));

  always_ff @(posedge clk_i) begin
    if (!rst_ni) lane_q <= LaneBits'(FirstLane);
    else if (step_i) lane_q <= last_i ? LaneBits'(FirstLane) : pop ? '0 : lane_q + 1'b1;
  end

  mondeq_fifo #(
    .Width(Lanes * WordBits + 1),
    .Depth(Slots * Groups)
  ) u_buffer (
    .clk_i,
    .rst_ni,
    .write_i(write),
    .data_i ({row_i == RowBits'(RowGroups - 1), words_i[Pe*WordBits-1:LowestLane*WordBits]}),
    .valid_o(valid),
    .data_o ({last_group, head}),
    .ready_i(pop),
    .error_o(buffer_error)
  );

  // A sample's last row comes from its last group.
  assign error_o = buffer_error || (step_i && !valid) || (pop && (last_i != last_group));

  always_comb begin
    word_o = '0;
    for (int l = 0; l < Lanes; l++) begin
      if (lane_q == LaneBits'(l)) word_o = head[l*WordBits+:WordBits];
    end
  end

  // Row groups of the states and their lanes say nothing here.
  logic unused;
  assign unused = ^{row_i, words_i};

`ifdef MONDEQ_ASSERT
  mondeq_assert u_no_underrun (.clk_i, .rst_ni, .holds_i(!step_i || valid));
  mondeq_assert u_lane (.clk_i, .rst_ni, .holds_i(int'(lane_q) < Lanes));
`endif

endmodule
