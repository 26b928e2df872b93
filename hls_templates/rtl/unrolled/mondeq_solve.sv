// Solve engine of the unrolled strategy: the recurrence with all rows in one pass of mondeq_solve_graph.
//
// The pipeline is a ring of Stages + 5 cycles in which every sample keeps its place: an update leaves the end and the
// next one enters the front, one sample a cycle.  A place that is free, or that its sample leaves for good, takes the
// next sample that the drive engine has loaded.  The start s = sat_sym(d rounded right by g) is the update of an
// all-zero state.  Row shifts are constants, so rounding is wiring and one addition.
//
// With a warm start (FirstWarmUpdate > 0) there is one state for all slots: every sample but the first goes on from the
// state of the one before with the update of that number, once that has been read.
//
//   cycle              0          phi(s) enters the graph
//   Stages-4 ..   Stages          drive words are read, leak phi(s) is added
//                 Stages+1        sum
//                 Stages+2        rounded
//                 Stages+3        saturated; compared with the old state
//                 Stages+4        written; leaves, or enters again in the next cycle
module mondeq_solve #(
  parameter int Rows = mondeq_pkg::StateWords,
  parameter int Slots = mondeq_pkg::Slots,
  parameter int DrivePe = mondeq_pkg::StateDrivePe,
  parameter int ReadoutSimd = mondeq_pkg::ReadoutSimd,
  parameter int StateBits = mondeq_pkg::StateBits,
  parameter int DriveBits = mondeq_pkg::StateDriveBits,
  parameter int SumBits = mondeq_pkg::AccumulatorBits,
  parameter int Stages = mondeq_pkg::SolveStages,
  parameter int LeakShift = mondeq_pkg::LeakShift,
  parameter int PhiBits = mondeq_pkg::PhiBits,
  parameter bit PhiSigned = mondeq_pkg::PhiSigned != 0,
  parameter bit PhiReflects = mondeq_pkg::PhiReflects != 0,
  parameter int Iterations = mondeq_pkg::Iterations,
  parameter int FirstWarmUpdate = mondeq_pkg::FirstWarmUpdate,
  parameter bit FixedTime = mondeq_pkg::FixedTime != 0,
  parameter int RowShiftBits = mondeq_pkg::SolveRowShiftBits,
  parameter bit [Rows*RowShiftBits-1:0] RowShifts = mondeq_pkg::SolveRowShifts,
  parameter bit [Rows-1:0] NegativeRows = mondeq_pkg::SolveNegativeRows,
  localparam int SlotBits = (Slots > 1) ? $clog2(Slots) : 1,
  localparam int DriveGroups = (Rows + DrivePe - 1) / DrivePe,
  localparam int DriveRowBits = (DriveGroups > 1) ? $clog2(DriveGroups) : 1,
  localparam int ReadoutGroups = (Rows + ReadoutSimd - 1) / ReadoutSimd,
  localparam int ReadoutBits = (ReadoutGroups > 1) ? $clog2(ReadoutGroups) : 1
) (
  input  logic                             clk_i,
  input  logic                             rst_ni,
  // From the drive engine.
  input  logic                             write_i,
  input  logic [SlotBits-1:0]              write_slot_i,
  input  logic [DriveRowBits-1:0]          write_row_i,
  input  logic [DrivePe*DriveBits-1:0]     drive_i,
  input  logic                             loaded_i,
  // To the readout engine.
  output logic [Slots-1:0]                 done_o,
  input  logic [SlotBits-1:0]              read_slot_i,
  input  logic [ReadoutBits-1:0]           read_column_i,
  output logic [ReadoutSimd*StateBits-1:0] state_o,
  input  logic                             release_i,
  output logic                             error_o,
  output logic                             memory_error_o
);

  localparam int IterationBits = $clog2(Iterations + 1);
  localparam int TagBits = 1 + SlotBits + IterationBits;
  localparam int WaitingBits = $clog2(Slots + 1);
  localparam logic [IterationBits-1:0] LastIteration = IterationBits'(Iterations);
  localparam logic [SlotBits-1:0] LastSlot = SlotBits'(Slots - 1);
  localparam bit Warm = FirstWarmUpdate > 0;

  // Wrong parameters do not elaborate: there is no such module.
  if (Slots < 2) begin : g_wrong_slots
    mondeq_error_fewer_than_two_slots u_error ();
  end
  if (DrivePe < 1 || DrivePe > Rows || ReadoutSimd < 1 || ReadoutSimd > Rows) begin : g_wrong_neighbours
    mondeq_error_solve_neighbours_beyond_the_rows u_error ();
  end
  if (StateBits < 2 || DriveBits < 1 || DriveBits > SumBits || Iterations < 1) begin : g_wrong_widths
    mondeq_error_solve_widths_or_iterations u_error ();
  end
  if (FirstWarmUpdate < 0 || FirstWarmUpdate > Iterations) begin : g_wrong_start
    mondeq_error_solve_start_beyond_the_iterations u_error ();
  end
  if (Stages < 4 || LeakShift < 0 || RowShiftBits < 1) begin : g_wrong_shifts
    mondeq_error_solve_stages_or_shifts u_error ();
  end

  // ---------------------------------------------------------------------------------------------------------------
  // Ring: who enters.  Samples are loaded and enter in the order of their slots.

  logic again, take, leave, changed_q, held, settled;
  logic valid_q, retire_valid;
  logic [SlotBits-1:0] slot_q, retire_slot, next_slot_q;
  logic [IterationBits-1:0] iteration_q, retire_iteration;
  logic [WaitingBits-1:0] waiting_q;
  logic [Slots-1:0] done_q;
  logic [Rows*PhiBits-1:0] phi_q, retire_phi_q, start_phi;

  assign leave = retire_valid
      && ((retire_iteration == LastIteration) || (!FixedTime && (retire_iteration != '0) && !changed_q));
  assign again = retire_valid && !leave;
  assign take = !again && (waiting_q != '0) && !held;
  assign done_o = done_q;

  always_ff @(posedge clk_i) begin
    slot_q <= again ? retire_slot : next_slot_q;
    iteration_q <= again ? retire_iteration + 1'b1 : settled ? IterationBits'(FirstWarmUpdate) : '0;
    phi_q <= again ? retire_phi_q : start_phi;
  end

  if (Warm) begin : g_warm
    logic [Rows*PhiBits-1:0] last_phi_q;
    logic held_q, settled_q;

    assign held = held_q;
    assign settled = settled_q;
    assign start_phi = settled_q ? last_phi_q : '0;

    // The sample that has entered is not read yet.
    always_ff @(posedge clk_i) begin
      if (!rst_ni) begin
        held_q <= 1'b0;
        settled_q <= 1'b0;
      end else begin
        if (take) held_q <= 1'b1;
        else if (release_i) held_q <= 1'b0;
        if (leave) settled_q <= 1'b1;
      end
    end
    always_ff @(posedge clk_i) if (leave) last_phi_q <= retire_phi_q;
  end else begin : g_cold
    assign held = 1'b0;
    assign settled = 1'b0;
    assign start_phi = '0;
  end

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      valid_q <= 1'b0;
      next_slot_q <= '0;
      waiting_q <= '0;
      done_q <= '0;
    end else begin
      valid_q <= again || take;
      if (take) next_slot_q <= (next_slot_q == LastSlot) ? '0 : next_slot_q + 1'b1;
      if (loaded_i && !take) waiting_q <= waiting_q + 1'b1;
      if (!loaded_i && take) waiting_q <= waiting_q - 1'b1;
      if (leave) done_q[retire_slot] <= 1'b1;
      if (release_i) done_q[read_slot_i] <= 1'b0;
    end
  end

  // The next sample's slot, a bit each: none where the number is of no slot.
  logic [Slots-1:0] next_slots;
  assign next_slots = Slots'(1) << next_slot_q;

  mondeq_slot_watch #(
    .Slots(Slots)
  ) u_watch (
    .clk_i,
    .rst_ni,
    .named_i      (take),
    .named_slots_i(next_slots),
    .begin_i      (take),
    .begin_slots_i(next_slots),
    .update_i     (retire_valid),
    .update_slot_i(retire_slot),
    .end_i        (leave),
    .loaded_i,
    .loaded_slot_i(write_slot_i),
    .ready_i      ('0),
    .done_i       (done_q),
    .error_o
  );

  assign memory_error_o = 1'b0;  // weights and constants are logic

  // The sample's tag travels beside its words.
  logic [TagBits-1:0] preload_tag, compare_tag, retire_tag;

  mondeq_delay #(
    .Width(TagBits),
    .Depth(Stages - 4)
  ) u_preload_tag (
    .clk_i,
    .rst_ni,
    .data_i({valid_q, slot_q, iteration_q}),
    .data_o(preload_tag)
  );

  mondeq_delay #(
    .Width(TagBits),
    .Depth(5)
  ) u_compare_tag (
    .clk_i,
    .rst_ni,
    .data_i(preload_tag),
    .data_o(compare_tag)
  );

  mondeq_delay #(
    .Width(TagBits),
    .Depth(3)
  ) u_retire_tag (
    .clk_i,
    .rst_ni,
    .data_i(compare_tag),
    .data_o(retire_tag)
  );

  assign {retire_valid, retire_slot, retire_iteration} = retire_tag;

  // ---------------------------------------------------------------------------------------------------------------
  // Cycles 0 to Stages: the product.

  logic [Rows*SumBits-1:0] product;

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

  // ---------------------------------------------------------------------------------------------------------------
  // Beside it, cycles Stages - 4 to Stages: d + leak phi(s).

  logic [SlotBits-1:0] preload_slot, compare_slot, written_slot, shown_slot;
  logic [Rows*DriveBits-1:0] drive, drive_q;
  logic [Rows*SumBits-1:0] preload_q;
  logic [Rows*StateBits-1:0] retire_state_q;

  assign preload_slot = preload_tag[IterationBits+:SlotBits];
  // Those that hold the state.
  assign compare_slot = Warm ? '0 : compare_tag[IterationBits+:SlotBits];
  assign written_slot = Warm ? '0 : retire_slot;
  assign shown_slot = Warm ? '0 : read_slot_i;

  mondeq_regroup #(
    .Words     (Rows),
    .WordBits  (DriveBits),
    .Banks     (1 << SlotBits),
    .WriteWords(DrivePe),
    .ReadWords (Rows)
  ) u_drive_words (
    .clk_i,
    .write_i,
    .write_bank_i (write_slot_i),
    .write_group_i(write_row_i),
    .write_data_i (drive_i),
    .read_bank_i  (preload_slot),
    .read_group_i (1'b0),
    .read_data_o  (drive)
  );

  always_ff @(posedge clk_i) drive_q <= drive;

  if (LeakShift == 0) begin : g_no_leak
    for (genvar i = 0; i < Rows; i++) begin : g_preload
      always_ff @(posedge clk_i) begin
        preload_q[i*SumBits+:SumBits] <= SumBits'($signed(drive_q[i*DriveBits+:DriveBits]));
      end
    end
  end else begin : g_leak
    // leak = (2**a - 1) << (g - a); the product with phi is a subtraction and wiring.
    logic start_q1, start_q2;
    logic [Rows*StateBits-1:0] leak_state;
    logic [Rows*PhiBits-1:0] leak_phi;

    mondeq_regroup #(
      .Words     (Rows),
      .WordBits  (StateBits),
      .Banks     (1 << SlotBits),
      .WriteWords(Rows),
      .ReadWords (Rows)
    ) u_leak_words (
      .clk_i,
      .write_i      (retire_valid),
      .write_bank_i (written_slot),
      .write_group_i(1'b0),
      .write_data_i (retire_state_q),
      .read_bank_i  (Warm ? '0 : preload_slot),
      .read_group_i (1'b0),
      .read_data_o  (leak_state)
    );

    mondeq_clip_lanes #(
      .Rows     (Rows),
      .Lanes    (Rows),
      .StateBits(StateBits),
      .WordBits (PhiBits),
      .Reflect  (PhiReflects)
    ) u_leak_phi (
      .clk_i,
      .rst_ni,
      .group_i(1'b0),
      .state_i(leak_state),
      .word_o (leak_phi)
    );

    always_ff @(posedge clk_i) begin
      start_q1 <= preload_tag[IterationBits-1:0] == '0;
      start_q2 <= start_q1;
    end

    for (genvar i = 0; i < Rows; i++) begin : g_preload
      localparam int Shift = int'(RowShifts[i*RowShiftBits+:RowShiftBits]) - LeakShift;
      if (Shift < 0) begin : g_wrong_shift
        mondeq_error_leak_beyond_the_row_shift u_error ();
      end
      logic [PhiBits-1:0] phi;
      logic [PhiBits+LeakShift-1:0] leak_q;
      logic [SumBits-1:0] extended;
      logic sign;

      assign phi = leak_phi[i*PhiBits+:PhiBits];
      assign sign = PhiSigned && phi[PhiBits-1];
      assign extended = PhiSigned ? SumBits'($signed(leak_q)) : SumBits'(leak_q);
      always_ff @(posedge clk_i) begin
        leak_q <= start_q2 ? '0 : {phi, {LeakShift{1'b0}}} - {{LeakShift{sign}}, phi};
        preload_q[i*SumBits+:SumBits] <= SumBits'($signed(drive_q[i*DriveBits+:DriveBits]))
            + (extended << Shift);
      end
    end
  end

  // ---------------------------------------------------------------------------------------------------------------
  // Cycles Stages to Stages + 4: sum, round, saturate, compare.

  logic [Rows*StateBits-1:0] updated_q, old;
  logic [Rows*PhiBits-1:0] updated_phi;

  for (genvar i = 0; i < Rows; i++) begin : g_update
    localparam int Shift = int'(RowShifts[i*RowShiftBits+:RowShiftBits]);
    logic [SumBits-1:0] preload, addend, sum_q, rounded_q;
    logic signed [SumBits:0] shifted;
    logic [StateBits-1:0] saturated;

    assign preload = preload_q[i*SumBits+:SumBits];
    assign addend = product[i*SumBits+:SumBits];
    always_ff @(posedge clk_i) sum_q <= NegativeRows[i] ? preload - addend : preload + addend;

    // One bit below the point keeps the half, which rounds.
    assign shifted = $signed({sum_q, 1'b0}) >>> Shift;
    always_ff @(posedge clk_i) rounded_q <= SumBits'(shifted >>> 1) + SumBits'(shifted[0]);

    mondeq_saturate #(
      .InBits (SumBits),
      .OutBits(StateBits)
    ) u_saturate (
      .value_i(rounded_q),
      .value_o(saturated)
    );

    always_ff @(posedge clk_i) updated_q[i*StateBits+:StateBits] <= saturated;
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
    .state_i(updated_q),
    .word_o (updated_phi)
  );

  mondeq_regroup #(
    .Words     (Rows),
    .WordBits  (StateBits),
    .Banks     (1 << SlotBits),
    .WriteWords(Rows),
    .ReadWords (Rows)
  ) u_old_words (
    .clk_i,
    .write_i      (retire_valid),
    .write_bank_i (written_slot),
    .write_group_i(1'b0),
    .write_data_i (retire_state_q),
    .read_bank_i  (compare_slot),
    .read_group_i (1'b0),
    .read_data_o  (old)
  );

  always_ff @(posedge clk_i) begin
    retire_state_q <= updated_q;
    retire_phi_q <= updated_phi;
    changed_q <= updated_q != old;
  end

  // ---------------------------------------------------------------------------------------------------------------
  // The readout's view of the state.

  mondeq_regroup #(
    .Words          (Rows),
    .WordBits       (StateBits),
    .Banks          (1 << SlotBits),
    .WriteWords     (Rows),
    .ReadWords      (ReadoutSimd),
    .RegisterAddress(1'b1)
  ) u_readout_words (
    .clk_i,
    .write_i      (retire_valid),
    .write_bank_i (written_slot),
    .write_group_i(1'b0),
    .write_data_i (retire_state_q),
    .read_bank_i  (shown_slot),
    .read_group_i (read_column_i),
    .read_data_o  (state_o)
  );

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
    .write_i      (retire_valid),
    .write_slot_i (retire_slot),
    .iteration_i  (int'(retire_iteration)),
    .first_row_i  (0),
    .words_i      (retire_state_q)
  );
`endif

`ifdef MONDEQ_ASSERT
  logic [Slots-1:0] occupied_q;

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      occupied_q <= '0;
    end else begin
      if (loaded_i) occupied_q[write_slot_i] <= 1'b1;
      if (release_i) occupied_q[read_slot_i] <= 1'b0;
    end
  end
  mondeq_assert u_write_address (
    .clk_i,
    .rst_ni,
    .holds_i(!write_i || ((int'(write_slot_i) < Slots) && (int'(write_row_i) < DriveGroups)))
  );
  mondeq_assert u_slot_is_free (.clk_i, .rst_ni, .holds_i(!write_i || !occupied_q[write_slot_i]));
  mondeq_assert u_release (
    .clk_i,
    .rst_ni,
    .holds_i(!release_i || ((int'(read_slot_i) < Slots) && done_q[read_slot_i]))
  );
  mondeq_assert u_done (.clk_i, .rst_ni, .holds_i((done_q & ~occupied_q) == '0));
  mondeq_assert u_next_slot (.clk_i, .rst_ni, .holds_i(int'(next_slot_q) < Slots));
  mondeq_assert u_waiting (.clk_i, .rst_ni, .holds_i((int'(waiting_q) <= Slots) && !(take && (waiting_q == '0))));
  mondeq_assert u_iteration (.clk_i, .rst_ni, .holds_i(!retire_valid || (int'(retire_iteration) <= Iterations)));
  mondeq_assert u_retired_slot (
    .clk_i,
    .rst_ni,
    .holds_i(!retire_valid || (occupied_q[retire_slot] && !done_q[retire_slot]))
  );
`endif

endmodule
