// Solve engine: s+ = sat_sym((d + M phi(s) + leak phi(s)) rounded right by g), until no row changes or Iterations
// updates have run.  The start s = sat_sym(d rounded right by g) is the update of an all-zero state.
//
// Samples live in Slots slots, each with its drive words and two banks of state (all rows of an update use the old
// state).  A slot is loaded by the drive engine, updated here and read by the readout engine, which frees it; the
// three engines walk the slots in the same order.  An update of one slot is a job of the matrix array; whenever the
// array is free it takes the oldest slot that is ready, so samples fill each other's pipeline gaps.
//
// With FixedTime every sample runs all updates, so that it need not be known whether a row has changed, and the next
// update may be chosen as its last rows are written: the first command reads them two cycles later.
//
// With a warm start (FirstWarmUpdate > 0) there is one state for all slots: every sample but the first goes on from the
// state of the one before with the update of that number, once that has been read.
module mondeq_solve #(
  parameter int Rows = mondeq_pkg::StateWords,
  parameter int Pe = mondeq_pkg::SolvePe,
  parameter int Simd = mondeq_pkg::SolveSimd,
  parameter int Slots = mondeq_pkg::Slots,
  parameter int DrivePe = mondeq_pkg::StateDrivePe,
  parameter int ReadoutSimd = mondeq_pkg::ReadoutSimd,
  parameter int StateBits = mondeq_pkg::StateBits,
  parameter int DriveBits = mondeq_pkg::StateDriveBits,
  parameter int WeightBits = mondeq_pkg::MatrixWeightBits,
  parameter int SumBits = mondeq_pkg::AccumulatorBits,
  parameter int ShiftBase = mondeq_pkg::MatrixShiftBase,
  parameter int ShiftBits = mondeq_pkg::MatrixShiftBits,
  parameter int LeakShift = mondeq_pkg::LeakShift,
  parameter int PhiBits = mondeq_pkg::PhiBits,
  parameter bit PhiSigned = mondeq_pkg::PhiSigned != 0,
  parameter bit PhiReflects = mondeq_pkg::PhiReflects != 0,
  parameter int Iterations = mondeq_pkg::Iterations,
  parameter int FirstWarmUpdate = mondeq_pkg::FirstWarmUpdate,
  parameter bit FixedTime = mondeq_pkg::FixedTime != 0,
  parameter int Adders = mondeq_pkg::SolveAdders,  // between two registers
  parameter WeightFile = {mondeq_pkg::MemDir, "/matrix"},
  parameter ShiftFile = {mondeq_pkg::MemDir, "/matrix_shift.mem"},
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
  output logic                             memory_error_o  // a wrong word of a memory
);

  localparam int RowGroups = (Rows + Pe - 1) / Pe;
  localparam int ColumnGroups = (Rows + Simd - 1) / Simd;
  localparam int Groups = RowGroups * ColumnGroups;
  localparam int LastRows = Rows - (RowGroups - 1) * Pe;
  localparam int RowBits = (RowGroups > 1) ? $clog2(RowGroups) : 1;
  localparam int ColumnBits = (ColumnGroups > 1) ? $clog2(ColumnGroups) : 1;
  localparam int AddressBits = (Groups > 1) ? $clog2(Groups) : 1;
  localparam int Stages = $clog2(Simd) / ((Adders < 1) ? 1 : Adders);
  localparam int Late = (Groups > mondeq_pkg::WeightBankDepth) ? 1 : 0;
  localparam int IterationBits = $clog2(Iterations + 1);
  localparam int TagBits = SlotBits + RowBits + 3;
  localparam logic [IterationBits-1:0] LastIteration = IterationBits'(Iterations);
  localparam bit Warm = FirstWarmUpdate > 0;

  // Wrong parameters do not elaborate: there is no such module.
  if (Slots < 2) begin : g_wrong_slots
    mondeq_error_fewer_than_two_slots u_error ();
  end
  if (Pe < 1 || Pe > Rows || Simd < 1 || Simd > Rows) begin : g_wrong_folding
    mondeq_error_solve_folding_beyond_the_matrix u_error ();
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
  if (LeakShift < 0 || LeakShift > ShiftBase || ShiftBits < 1 || Adders < 1) begin : g_wrong_shifts
    mondeq_error_solve_shifts u_error ();
  end

  // ---------------------------------------------------------------------------------------------------------------
  // Slots: which update comes next (0 is the start), whether it may run, where the current state lies.

  logic [IterationBits-1:0] iteration_q[Slots];
  logic [Slots-1:0] starts_q;  // 0 comes next
  logic [Slots-1:0] ready_q, done_q, bank_q;
  logic [Slots-1:0] older_q;  // from the oldest sample's slot on
  logic settled_q;            // a sample has been loaded since the reset

  assign done_o = done_q;

  // Issue: the array's current job, and the choice of the next.  A slot stays a bit of Slots until its commands leave
  // registers, with its number.
  logic busy_q, take, job_end, start, bank;
  logic [SlotBits-1:0] column_slot, row_slot, write_slot, shown_slot, retired_slot;  // that hold the state
  logic [SlotBits-1:0] slot;
  logic [Slots-1:0] may_run, older, first_older, first_any, chosen, chosen_q;
  logic first_column, last_column, last_row;
  logic [RowBits-1:0] row;
  logic [ColumnBits-1:0] column;
  logic [AddressBits-1:0] address;

  assign shown_slot = Warm ? '0 : read_slot_i;
  assign start = (chosen_q & starts_q) != '0;
  assign bank = Warm ? bank_q[0] : ((chosen_q & bank_q) != '0);
  assign job_end = busy_q && last_column && last_row;
  assign may_run = Warm ? ready_q & older_q & (~older_q + 1'b1) : ready_q;
  assign take = (may_run != '0) && (!busy_q || job_end);

  // Slots below the oldest hold the younger samples; of those in question the lowest bit is the oldest.  Both choices
  // are made before it is known which counts.
  assign older = may_run & older_q;
  assign first_older = older & (~older + 1'b1);
  assign first_any = may_run & (~may_run + 1'b1);
  assign chosen = (older != '0) ? first_older : first_any;

  always_comb begin
    slot = '0;
    for (int i = 0; i < int'(Slots); i++) begin
      if (chosen_q[i]) slot = slot | SlotBits'(i);
    end
  end

  mondeq_matvec_counter #(
    .RowGroups   (RowGroups),
    .ColumnGroups(ColumnGroups)
  ) u_counter (
    .clk_i,
    .rst_ni,
    .step_i        (busy_q),
    .skip_columns_i(start),
    .row_o         (row),
    .column_o      (column),
    .address_o     (address),
    .first_column_o(first_column),
    .last_column_o (last_column),
    .last_row_o    (last_row)
  );

  // Commands.
  logic command_q, command_start_q, command_bank_q, command_first_q, command_last_q, command_last_row_q;
  logic [SlotBits-1:0] command_slot_q;
  logic [RowBits-1:0] command_row_q;
  logic [ColumnBits-1:0] command_column_q;
  logic [AddressBits-1:0] command_address_q;

  always_ff @(posedge clk_i) begin
    if (!rst_ni) command_q <= 1'b0;
    else command_q <= busy_q;
  end

  always_ff @(posedge clk_i) begin
    command_slot_q     <= slot;
    command_bank_q     <= bank;
    command_start_q    <= start;
    command_row_q      <= row;
    command_column_q   <= column;
    command_address_q  <= address;
    command_first_q    <= first_column;
    command_last_q     <= last_column;
    command_last_row_q <= last_row;
  end

  assign column_slot = Warm ? '0 : command_slot_q;

  // Retire: the last row group of an update has been written and compared, or will be written in the next cycle.  Jobs do
  // not mingle, so that one bit says whether a row group before has changed.
  logic retire_valid_q, retire_last_row_q, retire_start_q, retire_changed_q, changed_q, retire_done;
  logic [SlotBits-1:0] retire_slot_q;
  logic [IterationBits-1:0] retire_iteration_q;

  assign retired_slot = Warm ? '0 : retire_slot_q;
  assign retire_done = (retire_iteration_q == LastIteration)
      || (!FixedTime && !retire_start_q && !retire_changed_q && !changed_q);

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      busy_q <= 1'b0;
      chosen_q <= '0;
      older_q <= '1;
      ready_q <= '0;
      starts_q <= '0;
      done_q <= '0;
      bank_q <= '0;
      changed_q <= 1'b0;
      settled_q <= 1'b0;
      for (int i = 0; i < int'(Slots); i++) iteration_q[i] <= '0;
    end else begin
      if (take) begin
        busy_q <= 1'b1;
        chosen_q <= chosen;
        ready_q <= ready_q & ~chosen;
      end else if (job_end) begin
        busy_q <= 1'b0;
      end
      if (loaded_i) begin
        ready_q[write_slot_i] <= 1'b1;
        starts_q[write_slot_i] <= !(Warm && settled_q);
        iteration_q[write_slot_i] <= settled_q ? IterationBits'(FirstWarmUpdate) : '0;
        settled_q <= 1'b1;
      end
      if (retire_valid_q) begin
        changed_q <= !retire_last_row_q && (changed_q || retire_changed_q);
      end
      if (retire_valid_q && retire_last_row_q) begin
        bank_q[retired_slot] <= !bank_q[retired_slot];
        starts_q[retire_slot_q] <= 1'b0;
        iteration_q[retire_slot_q] <= retire_iteration_q + 1'b1;
        if (retire_done) done_q[retire_slot_q] <= 1'b1;
        else ready_q[retire_slot_q] <= 1'b1;
      end
      if (release_i) begin
        done_q[read_slot_i] <= 1'b0;
        for (int i = 0; i < int'(Slots); i++) begin
          older_q[i] <= (i > int'(read_slot_i)) || (int'(read_slot_i) == int'(Slots) - 1);
        end
      end
    end
  end

  mondeq_slot_watch #(
    .Slots(Slots)
  ) u_watch (
    .clk_i,
    .rst_ni,
    .named_i      (busy_q),
    .named_slots_i(chosen_q),
    .begin_i      (take),
    .begin_slots_i(chosen),
    .update_i     (retire_valid_q),
    .update_slot_i(retire_slot_q),
    .end_i        (retire_last_row_q),
    .loaded_i,
    .loaded_slot_i(write_slot_i),
    .ready_i      (ready_q),
    .done_i       (done_q),
    .error_o
  );

  // ---------------------------------------------------------------------------------------------------------------
  // Column words: phi of the old state, 3 + Late cycles after the command; zero in the start.

  logic state_write;
  logic [SlotBits:0] state_bank;
  logic [RowBits-1:0] state_row;
  logic [Pe*StateBits-1:0] state_words;

  logic [Simd*StateBits-1:0] column_words;
  logic [Simd*PhiBits-1:0] column_phi, column_phi_q, matvec_phi;
  logic start_q1, start_q2;

  mondeq_regroup #(
    .Words        (Rows),
    .WordBits     (StateBits),
    .Banks        (2 << SlotBits),
    .WriteWords   (Pe),
    .ReadWords    (Simd),
    .RegisterWrite(FixedTime)  // the next update's first command reads two cycles behind
  ) u_column_words (
    .clk_i,
    .write_i      (state_write),
    .write_bank_i (state_bank),
    .write_group_i(state_row),
    .write_data_i (state_words),
    .read_bank_i  ({column_slot, command_bank_q}),
    .read_group_i (command_column_q),
    .read_data_o  (column_words)
  );

  mondeq_clip_lanes #(
    .Rows     (Rows),
    .Lanes    (Simd),
    .StateBits(StateBits),
    .WordBits (PhiBits),
    .Reflect  (PhiReflects)
  ) u_column_phi (
    .clk_i,
    .rst_ni,
    .group_i(command_column_q),
    .state_i(column_words),
    .word_o (column_phi)
  );

  always_ff @(posedge clk_i) begin
    start_q1 <= command_start_q;
    start_q2 <= start_q1;
    column_phi_q <= start_q2 ? '0 : column_phi;
  end

  mondeq_delay #(
    .Width(Simd * PhiBits),
    .Depth(Late)
  ) u_matvec_phi (
    .clk_i,
    .rst_ni,
    .data_i(column_phi_q),
    .data_o(matvec_phi)
  );

  // ---------------------------------------------------------------------------------------------------------------
  // Row words: drive, old state and shift of the row group, read in cycle 1 + Late + Stages of its first command; with
  // them the accumulators' start value d + leak phi(s), and what the update needs once the sums are complete.

  logic [TagBits-1:0] tag, tag_q0, tag_q1, tag_q2, tag_q3;
  logic [SlotBits-1:0] tag_slot;
  logic tag_bank;
  logic [RowBits-1:0] tag_row;
  logic [Pe*DriveBits-1:0] drive_q1, drive_q2;
  logic [Pe*StateBits-1:0] old_q1, old_q2, old_q3;
  logic [Pe*ShiftBits-1:0] shift_q0, shift_q1, shift_q2, shift_q3;
  logic tag_valid, weight_error, shift_error;
  logic [Pe*SumBits-1:0] preload_q3;

  mondeq_delay #(
    .Width(TagBits + 1),
    .Depth(1 + Late + Stages)
  ) u_tag (
    .clk_i,
    .rst_ni,
    .data_i({command_q, command_slot_q, command_bank_q, command_start_q, command_row_q, command_last_row_q}),
    .data_o({tag_valid, tag})
  );

  assign tag_slot = tag[TagBits-1-:SlotBits];
  assign row_slot = Warm ? '0 : tag_slot;
  assign tag_row = tag[RowBits:1];
  assign tag_bank = tag[RowBits+2];

  mondeq_regroup #(
    .Words        (Rows),
    .WordBits     (DriveBits),
    .Banks        (1 << SlotBits),
    .WriteWords   (DrivePe),
    .ReadWords    (Pe),
    .RegisterWrite(1'b1)
  ) u_drive_words (
    .clk_i,
    .write_i,
    .write_bank_i (write_slot_i),
    .write_group_i(write_row_i),
    .write_data_i (drive_i),
    .read_bank_i  (tag_slot),
    .read_group_i (tag_row),
    .read_data_o  (drive_q1)
  );

  mondeq_regroup #(
    .Words     (Rows),
    .WordBits  (StateBits),
    .Banks     (2 << SlotBits),
    .WriteWords(Pe),
    .ReadWords (Pe)
  ) u_row_words (
    .clk_i,
    .write_i      (state_write),
    .write_bank_i (state_bank),
    .write_group_i(state_row),
    .write_data_i (state_words),
    .read_bank_i  ({row_slot, tag_bank}),
    .read_group_i (tag_row),
    .read_data_o  (old_q1)
  );

  mondeq_rom #(
    .Width(Pe * ShiftBits),
    .Depth(RowGroups),
    .File (ShiftFile)
  ) u_shift (
    .clk_i,
    .rst_ni,
    .read_i   (tag_valid),
    .address_i(tag_row),
    .data_o   (shift_q0),
    .error_o  (shift_error)
  );

  assign memory_error_o = weight_error || shift_error;

  always_ff @(posedge clk_i) begin
    tag_q0 <= tag;
    tag_q1 <= tag_q0;
    tag_q2 <= tag_q1;
    tag_q3 <= tag_q2;
    drive_q2 <= drive_q1;
    old_q2 <= old_q1;
    old_q3 <= old_q2;
    shift_q1 <= shift_q0;
    shift_q2 <= shift_q1;
    shift_q3 <= shift_q2;
  end

  if (LeakShift == 0) begin : g_no_leak
    for (genvar p = 0; p < Pe; p++) begin : g_preload
      always_ff @(posedge clk_i) begin
        preload_q3[p*SumBits+:SumBits] <= SumBits'($signed(drive_q2[p*DriveBits+:DriveBits]));
      end
    end
  end else begin : g_leak
    // leak = (2**a - 1) << (g - a); the product with phi is a subtraction and a shift.
    logic leak_start_q0, leak_start_q1;
    logic [Pe*PhiBits-1:0] row_phi;

    mondeq_clip_lanes #(
      .Rows     (Rows),
      .Lanes    (Pe),
      .StateBits(StateBits),
      .WordBits (PhiBits),
      .Reflect  (PhiReflects)
    ) u_row_phi (
      .clk_i,
      .rst_ni,
      .group_i(tag_row),
      .state_i(old_q1),
      .word_o (row_phi)
    );

    always_ff @(posedge clk_i) begin
      leak_start_q0 <= tag[RowBits+1];
      leak_start_q1 <= leak_start_q0;
    end
    for (genvar p = 0; p < Pe; p++) begin : g_preload
      logic [PhiBits-1:0] phi;
      logic [PhiBits+LeakShift-1:0] leak_d, leak_q2;
      logic [SumBits-1:0] drive, leak, extended;
      logic sign;

      assign phi = row_phi[p*PhiBits+:PhiBits];
      assign sign = PhiSigned && phi[PhiBits-1];
      assign leak_d = leak_start_q1 ? '0 : {phi, {LeakShift{1'b0}}} - {{LeakShift{sign}}, phi};
      always_ff @(posedge clk_i) leak_q2 <= leak_d;

      assign drive = SumBits'($signed(drive_q2[p*DriveBits+:DriveBits]));
      assign extended = PhiSigned ? SumBits'($signed(leak_q2)) : SumBits'(leak_q2);
      assign leak = (extended << (ShiftBase - LeakShift)) << shift_q2[p*ShiftBits+:ShiftBits];
      always_ff @(posedge clk_i) preload_q3[p*SumBits+:SumBits] <= drive + leak;
    end
  end

  // ---------------------------------------------------------------------------------------------------------------
  // Multiply-accumulate.

  logic load, sum_valid;
  logic [Pe*SumBits-1:0] sum;

  mondeq_matvec #(
    .Pe        (Pe),
    .Simd      (Simd),
    .Groups    (Groups),
    .WeightBits(WeightBits),
    .DataBits  (PhiBits),
    .DataSigned(PhiSigned),
    .SumBits   (SumBits),
    .LeftShift (0),
    .Adders    (Adders),
    .File      (WeightFile)
  ) u_matvec (
    .clk_i,
    .rst_ni,
    .valid_i  (command_q),
    .first_i  (command_first_q),
    .last_i   (command_last_q),
    .address_i(command_address_q),
    .data_i   (matvec_phi),
    .preload_i(preload_q3),
    .load_o   (load),
    .valid_o  (sum_valid),
    .sum_o    (sum),
    .memory_error_o(weight_error)
  );

  // ---------------------------------------------------------------------------------------------------------------
  // Update: shift, round, saturate, write and compare.

  logic [TagBits-1:0] sum_tag_q, shift_tag_q, round_tag, write_tag_q, retire_tag;
  logic [Pe*StateBits-1:0] sum_old_q, shift_old_q, round_old, write_old_q, updated, updated_q;
  logic [Pe*ShiftBits-1:0] sum_shift_q;
  logic [Pe-1:0] lane_changed;
  logic shift_valid_q, round_valid, write_valid_q, retire_valid;

  always_ff @(posedge clk_i) begin
    if (load) begin
      sum_tag_q   <= tag_q3;
      sum_old_q   <= old_q3;
      sum_shift_q <= shift_q3;
    end
    shift_tag_q  <= sum_tag_q;
    write_tag_q  <= round_tag;
    retire_slot_q  <= retire_tag[TagBits-1-:SlotBits];
    retire_last_row_q <= retire_tag[0];
    retire_start_q <= retire_tag[RowBits+1];
    retire_iteration_q <= iteration_q[retire_tag[TagBits-1-:SlotBits]];
    shift_old_q  <= sum_old_q;
    write_old_q  <= round_old;
    updated_q    <= updated;
    retire_changed_q <= |lane_changed;
  end

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      shift_valid_q <= 1'b0;
      write_valid_q <= 1'b0;
      retire_valid_q <= 1'b0;
    end else begin
      shift_valid_q <= sum_valid;
      write_valid_q <= round_valid;
      retire_valid_q <= retire_valid;
    end
  end

  // Rounding adds, and has a cycle of its own where that is one adder's.
  if (Adders == 1) begin : g_round
    logic [TagBits-1:0] tag_q;
    logic [Pe*StateBits-1:0] old_q;
    logic valid_q;

    always_ff @(posedge clk_i) begin
      tag_q <= shift_tag_q;
      old_q <= shift_old_q;
    end
    always_ff @(posedge clk_i) begin
      if (!rst_ni) valid_q <= 1'b0;
      else valid_q <= shift_valid_q;
    end
    assign round_tag = tag_q;
    assign round_old = old_q;
    assign round_valid = valid_q;
  end else begin : g_round_and_saturate
    assign round_tag = shift_tag_q;
    assign round_old = shift_old_q;
    assign round_valid = shift_valid_q;
  end

  if (!FixedTime) begin : g_compared
    assign retire_tag = write_tag_q;
    assign retire_valid = write_valid_q;
  end else if (Adders == 1) begin : g_shifted
    assign retire_tag = shift_tag_q;
    assign retire_valid = shift_valid_q;
  end else begin : g_summed
    assign retire_tag = sum_tag_q;
    assign retire_valid = sum_valid;
  end

  for (genvar p = 0; p < Pe; p++) begin : g_update
    logic [SumBits-1:0] rounded, whole;

    mondeq_round_shift #(
      .InBits   (SumBits),
      .OutBits  (SumBits),
      .Base     (ShiftBase),
      .ShiftBits(ShiftBits)
    ) u_round (
      .clk_i,
      .value_i  (sum[p*SumBits+:SumBits]),
      .shift_i  (sum_shift_q[p*ShiftBits+:ShiftBits]),
      .rounded_o(rounded)
    );

    if (Adders == 1) begin : g_rounded
      logic [SumBits-1:0] rounded_q;
      always_ff @(posedge clk_i) rounded_q <= rounded;
      assign whole = rounded_q;
    end else begin : g_not_alone
      assign whole = rounded;
    end

    mondeq_saturate #(
      .InBits (SumBits),
      .OutBits(StateBits)
    ) u_saturate (
      .value_i(whole),
      .value_o(updated[p*StateBits+:StateBits])
    );

    // Lanes beyond the last row compute nothing that counts.
    assign lane_changed[p] = (updated_q[p*StateBits+:StateBits] != write_old_q[p*StateBits+:StateBits])
        && ((p < LastRows) || (state_row != RowBits'(RowGroups - 1)));
  end

  assign write_slot = Warm ? '0 : write_tag_q[TagBits-1-:SlotBits];
  assign state_write = write_valid_q;
  assign state_bank = {write_slot, !write_tag_q[RowBits+2]};
  assign state_row = write_tag_q[RowBits:1];
  assign state_words = updated_q;

  // ---------------------------------------------------------------------------------------------------------------
  // The readout's view of the state.

  mondeq_regroup #(
    .Words          (Rows),
    .WordBits       (StateBits),
    .Banks          (2 << SlotBits),
    .WriteWords     (Pe),
    .ReadWords      (ReadoutSimd),
    .RegisterAddress(1'b1)
  ) u_readout_words (
    .clk_i,
    .write_i      (state_write),
    .write_bank_i (state_bank),
    .write_group_i(state_row),
    .write_data_i (state_words),
    .read_bank_i  ({shown_slot, bank_q[shown_slot]}),
    .read_group_i (read_column_i),
    .read_data_o  (state_o)
  );

`ifdef MONDEQ_TRACE
  mondeq_state_trace #(
    .Rows     (Rows),
    .Pe       (Pe),
    .Slots    (Slots),
    .StateBits(StateBits)
  ) u_trace (
    .clk_i,
    .rst_ni,
    .loaded_i,
    .loaded_slot_i(write_slot_i),
    .write_i      (state_write),
    .write_slot_i (write_tag_q[TagBits-1-:SlotBits]),
    .iteration_i  (int'(iteration_q[write_tag_q[TagBits-1-:SlotBits]]) - int'(FixedTime && write_tag_q[0])),
    .first_row_i  (int'(state_row) * Pe),
    .words_i      (state_words)
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
  mondeq_assert u_one_grant (
    .clk_i,
    .rst_ni,
    .holds_i(((first_older & (first_older - 1'b1)) == '0) && ((first_any & (first_any - 1'b1)) == '0))
  );
  mondeq_assert u_granted (.clk_i, .rst_ni, .holds_i(!take || ((chosen != '0) && ((chosen & ~may_run) == '0))));
  mondeq_assert u_ready (.clk_i, .rst_ni, .holds_i((ready_q & (done_q | ~occupied_q)) == '0));
  mondeq_assert u_oldest (.clk_i, .rst_ni, .holds_i((older_q != '0) && (Slots'(older_q | (older_q - 1'b1)) == '1)));
  mondeq_assert u_iteration (.clk_i, .rst_ni, .holds_i(!retire_valid_q || (int'(retire_iteration_q) <= Iterations)));
  mondeq_assert u_row_address (.clk_i, .rst_ni, .holds_i(int'(tag_row) < RowGroups));
`endif

endmodule
