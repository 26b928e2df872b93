// Solve engine of a straight core: the recurrence as a ring through mondeq_solve_graph, whose states go straight to the
// readout.  Every sample takes all its updates, so none overtakes another, and no state is kept or compared.
//
// A sample enters where d is added, because its start s = sat_sym(d rounded right by g) is the update of a product of
// nothing: the words of a free place are zero.  Behind the sum there is one register, before the graph.  What rounds, a
// half, is in the drive's start values, and rows are as wide as their sums are proved to be.
//
//   cycle   Stages-2    choice: the ring's sample, or else the one that has waited longest
//           Stages-1    its drive words are read
//           Stages      product, drive words
//           Stages+1    sum, rounded and saturated: leaves as the state, or ...
//           Stages+2    ... enters the graph again as phi(s), cycle 0
module mondeq_solve #(
  parameter int Rows = mondeq_pkg::StateWords,
  parameter int Slots = mondeq_pkg::Slots,
  parameter int StateBits = mondeq_pkg::StateBits,
  parameter int DriveBits = mondeq_pkg::StateDriveBits,
  parameter int LeftShift = mondeq_pkg::DriveLeftShift,
  parameter int StartBits = mondeq_pkg::DriveAccumulatorBits,
  parameter bit [Rows*StartBits-1:0] Starts = mondeq_pkg::DriveBiases,
  parameter int DriveShiftBits = mondeq_pkg::DriveRowShiftBits,
  parameter bit [Rows*DriveShiftBits-1:0] DriveShifts = mondeq_pkg::DriveRowShifts,
  parameter int SumBits = mondeq_pkg::AccumulatorBits,
  parameter int Stages = mondeq_pkg::SolveStages,
  parameter int LeakShift = mondeq_pkg::LeakShift,
  parameter int FirstWarmUpdate = mondeq_pkg::FirstWarmUpdate,
  parameter int PhiBits = mondeq_pkg::PhiBits,
  parameter bit PhiReflects = mondeq_pkg::PhiReflects != 0,
  parameter int Iterations = mondeq_pkg::Iterations,
  parameter int RowShiftBits = mondeq_pkg::SolveRowShiftBits,
  parameter bit [Rows*RowShiftBits-1:0] RowShifts = mondeq_pkg::SolveRowShifts,
  parameter bit [Rows-1:0] NegativeRows = mondeq_pkg::SolveNegativeRows,
  parameter int WidthBits = mondeq_pkg::StraightWidthBits,
  parameter bit [Rows*WidthBits-1:0] Widths = mondeq_pkg::StraightWidths,
  localparam int SlotBits = (Slots > 1) ? $clog2(Slots) : 1
) (
  input  logic                      clk_i,
  input  logic                      rst_ni,
  // From the drive engine: the accumulators' upper bits, those below LeftShift being the start values'.
  input  logic                      write_i,
  input  logic [SlotBits-1:0]       write_slot_i,
  input  logic                      write_row_i,
  input  logic [Rows*DriveBits-1:0] drive_i,
  input  logic                      loaded_i,
  // To the readout engine: the slot of the state that leaves in this cycle.
  output logic [Slots-1:0]          done_o,
  input  logic [SlotBits-1:0]       read_slot_i,
  input  logic                      read_column_i,
  output logic [Rows*StateBits-1:0] state_o,
  input  logic                      release_i,
  output logic                      error_o,
  output logic                      memory_error_o
);

  localparam int IterationBits = $clog2(Iterations + 1);
  localparam int TagBits = 1 + SlotBits + IterationBits;
  localparam int WaitingBits = $clog2(Slots + 1);
  localparam logic [IterationBits-1:0] LastIteration = IterationBits'(Iterations);
  localparam logic [SlotBits-1:0] LastSlot = SlotBits'(Slots - 1);
  // Rows that share a register of what all rows need in a cycle: one for all would be far from most of them.
  localparam int Near = 25;
  localparam int Blocks = (Rows + Near - 1) / Near;

  // Wrong parameters do not elaborate: there is no such module.
  if (Slots < 2) begin : g_wrong_slots
    mondeq_error_fewer_than_two_slots u_error ();
  end
  if (StateBits < 2 || DriveBits < 1 || Iterations < 1 || WidthBits < 1) begin : g_wrong_widths
    mondeq_error_solve_widths_or_iterations u_error ();
  end
  if (LeakShift != 0 || FirstWarmUpdate != 0) begin : g_wrong_form
    mondeq_error_straight_solve_with_leak_or_warm_start u_error ();
  end
  if (StartBits != DriveBits + LeftShift) begin : g_wrong_starts
    mondeq_error_solve_of_other_drive_words u_error ();
  end
  if (Stages < 3 || LeftShift < 0 || RowShiftBits < 1 || DriveShiftBits < 1) begin : g_wrong_shifts
    mondeq_error_solve_stages_or_shifts u_error ();
  end

  logic unused_protocol;
  assign unused_protocol = ^{write_row_i, read_slot_i, read_column_i, release_i};
  assign error_o = 1'b0;  // no guard stands beside a straight core
  assign memory_error_o = 1'b0;

  // ---------------------------------------------------------------------------------------------------------------
  // Ring: who is chosen.  Samples are loaded, enter and leave in the order of their slots.

  logic take, again, again_q, leave;
  logic [SlotBits-1:0] next_slot_q;
  logic [WaitingBits-1:0] waiting_q;
  // A sample's tag travels beside its words.
  logic [TagBits-1:0] ring_tag, chosen_tag, product_tag, sum_tag, tag_q;
  logic ring_valid, product_valid, sum_valid;
  logic [SlotBits-1:0] ring_slot, sum_slot;
  logic [IterationBits-1:0] product_iteration, sum_iteration;

  assign ring_valid = ring_tag[TagBits-1];
  assign ring_slot = ring_tag[IterationBits+:SlotBits];
  assign product_valid = product_tag[TagBits-1];
  assign product_iteration = product_tag[IterationBits-1:0];
  assign {sum_valid, sum_slot, sum_iteration} = sum_tag;

  // A sample that is loaded in this cycle is there in the next, in which its words are read.
  assign take = !ring_valid && (loaded_i || (waiting_q != '0));
  assign chosen_tag = ring_valid ? ring_tag : {take, next_slot_q, {IterationBits{1'b0}}};

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      next_slot_q <= '0;
      waiting_q   <= '0;
    end else begin
      if (take) next_slot_q <= (next_slot_q == LastSlot) ? '0 : next_slot_q + 1'b1;
      if (loaded_i && !take) waiting_q <= waiting_q + 1'b1;
      if (!loaded_i && take) waiting_q <= waiting_q - 1'b1;
    end
  end

  mondeq_delay #(
    .Width(TagBits),
    .Depth(2)
  ) u_product_tag (
    .clk_i,
    .rst_ni,
    .data_i(chosen_tag),
    .data_o(product_tag)
  );

  mondeq_delay #(
    .Width(TagBits),
    .Depth(1)
  ) u_sum_tag (
    .clk_i,
    .rst_ni,
    .data_i(product_tag),
    .data_o(sum_tag)
  );

  // Known a cycle before the sum is, so that it comes from registers.
  assign again = product_valid && (product_iteration != LastIteration);
  assign leave = sum_valid && (sum_iteration == LastIteration);

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      again_q <= 1'b0;
      tag_q   <= '0;
    end else begin
      again_q <= again;
      tag_q   <= {again_q, sum_slot, sum_iteration + 1'b1};
    end
  end

  mondeq_delay #(
    .Width(TagBits),
    .Depth(Stages - 2)
  ) u_ring_tag (
    .clk_i,
    .rst_ni,
    .data_i(tag_q),
    .data_o(ring_tag)
  );

  for (genvar s = 0; s < Slots; s++) begin : g_done
    assign done_o[s] = leave && (sum_slot == SlotBits'(s));
  end

  // ---------------------------------------------------------------------------------------------------------------
  // Cycles 0 to Stages: the product; and the drive words beside its end.

  logic [Rows*PhiBits-1:0] phi, phi_q;
  logic [Rows*SumBits-1:0] product;
  logic [Rows*DriveBits-1:0] drive_q;

  mondeq_solve_graph #(
    .Rows    (Rows),
    .Columns (Rows),
    .WordBits(PhiBits),
    .SumBits (SumBits),
    .Stages  (Stages)
  ) u_graph (
    .clk_i,
    .words_i  (phi_q),
    .product_o(product)
  );

  for (genvar b = 0; b < Blocks; b++) begin : g_block
    localparam int First = b * Near;
    localparam int Count = (b == Blocks - 1) ? Rows - First : Near;
    (* keep *)
    logic [SlotBits-1:0] slot_q;
    (* ram_style = "distributed" *)
    logic [Count*DriveBits-1:0] memory[1<<SlotBits];

    always_ff @(posedge clk_i) begin
      if (write_i) memory[write_slot_i] <= drive_i[First*DriveBits+:Count*DriveBits];
    end
    always_ff @(posedge clk_i) begin
      slot_q <= ring_valid ? ring_slot : next_slot_q;
      drive_q[First*DriveBits+:Count*DriveBits] <= memory[slot_q];
    end
  end

  // ---------------------------------------------------------------------------------------------------------------
  // Cycle Stages + 1: sum, of which a row's shift is wiring, saturated.

  for (genvar i = 0; i < Rows; i++) begin : g_update
    localparam int Shift = int'(RowShifts[i*RowShiftBits+:RowShiftBits]);
    localparam int Bits = int'(Widths[i*WidthBits+:WidthBits]);
    localparam int Kept = (Bits > Shift + StateBits) ? Bits - Shift : StateBits;
    logic signed [StartBits-1:0] start;
    logic [Bits-1:0] preload, addend;
    logic signed [Bits-1:0] sum_q;
    logic signed [Kept-1:0] kept;
    logic negative, fits, least;

    if (LeftShift > 0) begin : g_low
      assign start = {drive_q[i*DriveBits+:DriveBits], Starts[i*StartBits+:LeftShift]};
    end else begin : g_high
      assign start = drive_q[i*DriveBits+:DriveBits];
    end
    assign preload = Bits'(start >>> DriveShifts[i*DriveShiftBits+:DriveShiftBits]);
    assign addend = Bits'($signed(product[i*SumBits+:SumBits]));
    always_ff @(posedge clk_i) sum_q <= NegativeRows[i] ? preload - addend : preload + addend;

    // Symmetric saturation by the sign and the bits above the state: one of them differs, or the word is the least.
    assign kept = Kept'(sum_q >>> Shift);
    assign negative = kept[Kept-1];
    assign fits = kept[Kept-1:StateBits-1] == {Kept - StateBits + 1{negative}};
    assign least = negative && (kept[StateBits-2:0] == '0);
    assign state_o[i*StateBits+:StateBits] = fits ? {kept[StateBits-1:1], kept[0] || least}
        : {negative, {StateBits - 2{!negative}}, 1'b1};
  end

  mondeq_clip_lanes #(
    .Rows     (Rows),
    .Lanes    (Rows),
    .StateBits(StateBits),
    .WordBits (PhiBits),
    .Reflect  (PhiReflects)
  ) u_phi (
    .clk_i,
    .rst_ni,
    .group_i(1'b0),
    .state_i(state_o),
    .word_o (phi)
  );

  // A place that is free, or becomes so, has a product of nothing.
  for (genvar b = 0; b < Blocks; b++) begin : g_phi
    localparam int First = b * Near;
    localparam int Count = (b == Blocks - 1) ? Rows - First : Near;
    (* keep *)
    logic enters_q;

    always_ff @(posedge clk_i) enters_q <= again;
    always_ff @(posedge clk_i) begin
      if (!enters_q) phi_q[First*PhiBits+:Count*PhiBits] <= '0;
      else phi_q[First*PhiBits+:Count*PhiBits] <= phi[First*PhiBits+:Count*PhiBits];
    end
  end

`ifdef MONDEQ_TRACE
  mondeq_state_trace #(
    .Rows     (Rows),
    .Pe       (Rows),
    .Slots    (Slots),
    .StateBits(StateBits)
  ) u_trace (
    .clk_i,
    .rst_ni,
    .loaded_i,
    .loaded_slot_i(write_slot_i),
    .write_i      (sum_valid),
    .write_slot_i (sum_slot),
    .iteration_i  (int'(sum_iteration)),
    .first_row_i  (0),
    .words_i      (state_o)
  );
`endif

`ifdef MONDEQ_ASSERT
  logic [Slots-1:0] held_q;  // loaded, and not left

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      held_q <= '0;
    end else begin
      if (loaded_i) held_q[write_slot_i] <= 1'b1;
      if (leave) held_q[sum_slot] <= 1'b0;
    end
  end
  mondeq_assert u_write_address (.clk_i, .rst_ni, .holds_i(!write_i || (int'(write_slot_i) < Slots)));
  mondeq_assert u_slot_is_free (.clk_i, .rst_ni, .holds_i(!write_i || !held_q[write_slot_i]));
  mondeq_assert u_next_slot (.clk_i, .rst_ni, .holds_i(int'(next_slot_q) < Slots));
  mondeq_assert u_waiting (.clk_i, .rst_ni, .holds_i(int'(waiting_q) <= Slots));
  mondeq_assert u_iteration (.clk_i, .rst_ni, .holds_i(!sum_valid || (int'(sum_iteration) <= Iterations)));
  mondeq_assert u_held (.clk_i, .rst_ni, .holds_i(!sum_valid || held_q[sum_slot]));
`endif

endmodule
