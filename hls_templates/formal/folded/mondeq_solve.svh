  // Of any one slot: an account of its sample and its updates, kept from the ports and from the choices of the array, and
  // what the commands under way are.  Stage 0 of a command is the array's job, stage 1 the command registers, stage FLast
  // the update's end: its last row's writing, or where rows are compared the cycle behind it.  Words are nobody's business
  // here: whether one has changed is anything in any cycle.
  localparam int FWait = Late + Stages;
  localparam int FSum = 7 + FWait;
  localparam int FWrite = (Adders > 1) ? FSum + 2 : FSum + 3;
  localparam int FRetire = FixedTime ? FWrite - 1 : FWrite + 1;
  localparam int FLast = FixedTime ? FWrite : FWrite + 1;
  localparam int FTag = TagBits + 1;
  localparam int FClockBits = $clog2(Groups + FLast + 2);
  localparam int FEmpty = 0, FReady = 1, FRunning = 2, FDone = 3;
  (* hierconn *) logic [(1+FWait)*FTag-1:0] \u_tag.g_stages.stages_q ;
  (* hierconn *) logic [3*(5+FWait)-1:0] \u_matvec.u_command.g_stages.stages_q ;
  (* hierconn *) logic \u_counter.last_column_q ;
  (* hierconn *) logic [Slots-1:0] \u_watch.running_q ;
  (* hierconn *) logic [SlotBits:0] \u_column_words.read_bank_i , \u_row_words.read_bank_i , \u_readout_words.read_bank_i ;
  (* hierconn *) logic [SlotBits:0] \u_column_words.write_bank_i , \u_row_words.write_bank_i , \u_readout_words.write_bank_i ;
  (* hierconn *) logic \u_column_words.write_i , \u_row_words.write_i , \u_readout_words.write_i ;
  (* hierconn *) logic [RowBits-1:0] \u_column_words.write_group_i , \u_row_words.write_group_i , \u_readout_words.write_group_i ;
  (* hierconn *) logic [ColumnBits-1:0] \u_column_words.read_group_i ;
  (* hierconn *) logic [RowBits-1:0] \u_row_words.read_group_i , \u_drive_words.read_group_i ;
  (* hierconn *) logic [SlotBits-1:0] \u_drive_words.read_bank_i ;
  logic f_old = 1'b0;
  (* anyconst *) logic [SlotBits-1:0] f_slot, f_other;
  always_comb assume (32'(f_slot) < Slots && 32'(f_other) < Slots);

  // Samples between the drive and the readout: both walk the slots in turn.
  logic [SlotBits-1:0] f_oldest_q, f_load, f_store;
  logic [SlotBits:0] f_count_q, f_ahead, f_other_ahead;
  logic [Slots-1:0] f_present, f_older;
  logic f_any_q, f_before_q, f_loads, f_frees;
  assign f_ahead = (f_slot < f_oldest_q) ? f_slot + Slots - f_oldest_q : f_slot - f_oldest_q;
  assign f_other_ahead = (f_other < f_oldest_q) ? f_other + Slots - f_oldest_q : f_other - f_oldest_q;
  assign f_load = (f_oldest_q + f_count_q >= Slots) ? f_oldest_q + f_count_q - Slots : f_oldest_q + f_count_q;
  assign f_store = Warm ? '0 : f_slot;
  assign f_loads = loaded_i && write_slot_i == f_slot;
  assign f_frees = release_i && read_slot_i == f_slot;
  always_comb begin
    for (int i = 0; i < Slots; i++) begin
      f_older[i] = i >= 32'(f_oldest_q);
      f_present[i] = ((i < 32'(f_oldest_q)) ? i + Slots - 32'(f_oldest_q) : i - 32'(f_oldest_q)) < 32'(f_count_q);
    end
    // The drive's part: it loads the next slot, once that is free (its credits); the readout's: it frees the oldest that
    // is done, which is one that is there, since what is done is (places, for any slot).
    if (loaded_i) assume (write_slot_i == f_load && 32'(f_count_q) < Slots);
    if (release_i) assume (read_slot_i == f_oldest_q && done_q[f_oldest_q] && f_count_q != '0);
  end

  // The sample in the slot, and the update that reads and writes its states.  With a warm start the states are those of
  // all samples, and the update may be that of another.
  logic [1:0] f_place_q;
  logic [IterationBits:0] f_update_q;  // which runs, or comes next
  logic f_mine, f_takes, f_running_q, f_start_q, f_bank_q, f_changed_q, f_changed, f_ends, f_retires, f_over, f_finishes;
  logic f_issues;
  logic [FClockBits-1:0] f_clock_q, f_steps, f_waited_q;
  logic [RowBits:0] f_written_q, f_now_written;
  assign f_mine = !Warm || f_slot == f_oldest_q;
  assign f_takes = take && (Warm || chosen[f_slot]);
  assign f_steps = f_start_q ? RowGroups : Groups;
  assign f_now_written = f_written_q + (f_own[FWrite] && f_end_row[FWrite]);
  assign f_issues = f_running_q && f_clock_q <= f_steps;
  assign f_ends = f_running_q && f_clock_q == f_steps + FLast;
  assign f_retires = f_running_q && f_clock_q == f_steps + FRetire;
  assign f_over = FixedTime && f_ends;  // its slot has been ready, or done, for this one cycle
  assign f_changed = f_changed_q || retire_changed_q;
  assign f_finishes = 32'(f_update_q) == Iterations || (!FixedTime && !f_start_q && !f_changed);

  // Commands as they leave the array, stage after stage.
  localparam logic [TagBits-1:0] FPlace = ~(TagBits'(3) << (RowBits + 1));  // of a tag: all but bank and start
  localparam int FRecord = 3 + TagBits;
  logic [(FLast+2)*FRecord-1:0] f_stages;
  logic [(FLast+1)*FRecord-1:0] f_stages_q;
  logic [FLast+1:0] f_busy, f_first, f_end_row, f_end_job, f_own;
  logic [(FLast+2)*TagBits-1:0] f_tag;
  logic [ColumnBits-1:0] f_column_q;
  logic [AddressBits-1:0] f_address_q;
  assign f_stages = {f_stages_q, busy_q, first_column, last_column, slot, bank, start, row, last_row};
  for (genvar s = 0; s < FLast + 2; s++) begin : f_stage
    assign {f_busy[s], f_first[s], f_end_row[s], f_tag[s*TagBits+:TagBits]} = f_stages[s*FRecord+:FRecord];
    assign f_end_job[s] = f_end_row[s] && f_tag[s*TagBits];
    assign f_own[s] = f_busy[s] && (Warm || f_tag[s*TagBits+TagBits-1-:SlotBits] == f_slot);
  end

  always_ff @(posedge clk_i) begin
    f_old <= 1'b1;
    f_stages_q <= rst_ni ? f_stages[(FLast+1)*FRecord-1:0] : '0;
    f_column_q <= column;
    f_address_q <= address;
    if (!rst_ni) begin
      f_oldest_q <= '0;
      f_count_q <= '0;
      f_any_q <= 1'b0;
      f_place_q <= FEmpty;
      f_running_q <= 1'b0;
      f_bank_q <= 1'b0;
      f_waited_q <= '0;
    end else begin
      f_count_q <= f_count_q + loaded_i - release_i;
      if (release_i) f_oldest_q <= (32'(f_oldest_q) == Slots - 1) ? '0 : f_oldest_q + 1'b1;
      if (loaded_i) f_any_q <= 1'b1;
      if (loaded_i && write_slot_i == f_other) f_before_q <= f_place_q != FEmpty;
      if (f_loads) f_before_q <= 1'b0;

      if (f_loads) begin
        f_place_q <= FReady;
        f_update_q <= f_any_q ? FirstWarmUpdate : 0;
      end else if (take && chosen[f_slot]) f_place_q <= FRunning;
      else if (f_retires && f_mine) begin
        f_place_q <= f_finishes ? FDone : FReady;
        f_update_q <= f_update_q + 1'b1;
      end else if (f_frees) f_place_q <= FEmpty;

      if (f_takes) begin
        f_running_q <= 1'b1;
        f_clock_q <= 1;
        f_start_q <= (chosen & starts_q) != '0;
        f_changed_q <= 1'b0;
        f_written_q <= '0;
      end else begin
        f_clock_q <= f_clock_q + 1'b1;
        if (f_own[FLast] && f_end_row[FLast]) f_changed_q <= f_changed;
        f_written_q <= f_now_written;
        if (f_ends) f_running_q <= 1'b0;
      end
      if (f_ends) f_bank_q <= !f_bank_q;
      f_waited_q <= (f_place_q == FReady && f_slot == f_oldest_q && !(take && chosen[f_slot])) ? f_waited_q + 1'b1 : '0;
    end
  end

  // ---------------------------------------------------------------------------------------------------------------
  // Slots.
  always_comb begin
    if (!f_old) assume (!rst_ni);
    if (f_old) begin
      // Empty, ready, in an update, or done: one of them, done until it is read, and no alarm about any of it.
      places: assert (ready_q[f_slot] == (f_place_q == FReady) && done_o[f_slot] == (f_place_q == FDone)
          && f_present[f_slot] == (f_place_q != FEmpty));
      in_one_update: assert ((f_place_q == FRunning) == (f_running_q && f_mine && !f_over)
          && \u_watch.running_q [f_slot] == (f_place_q == FRunning));
      no_alarm: assert (!(busy_q && (chosen_q == '0 || (chosen_q & (chosen_q - 1'b1)) != '0))
          && !(take && chosen[f_slot] && f_place_q != FReady)
          && !(retire_valid_q && retire_slot_q == f_slot && f_place_q != FRunning) && !(f_loads && f_place_q != FEmpty));
      // Updates are numbered from the start, or the first warm one, and only the start is one.
      if (f_place_q == FReady || f_place_q == FRunning) begin
        number: assert (32'(iteration_q[f_slot]) == f_update_q && 32'(f_update_q) <= Iterations);
        begins: assert (starts_q[f_slot] == (f_update_q == '0) && (f_place_q == FReady || f_start_q == (f_update_q == '0)));
      end
      // The array takes one slot, that of the sample that was loaded first among the ready ones; with a warm start only
      // the oldest of all.
      if (take) one_slot: assert (chosen != '0 && (chosen & (chosen - 1'b1)) == '0 && (chosen & ~ready_q) == '0);
      oldest_first: assert (32'(f_oldest_q) < Slots && 32'(f_count_q) <= Slots && older_q == f_older && settled_q == f_any_q
          && (!Warm || f_any_q || (f_count_q == '0 && !f_running_q))
          && (f_slot == f_other || f_place_q == FEmpty || f_other_ahead >= f_count_q
          || (f_before_q == (f_ahead < f_other_ahead)
          && !(take && chosen[f_other] && f_before_q && (Warm || f_place_q == FReady)))));
      // It is never idle while a sample could be updated, and the oldest waits for no more than the job that runs.
      if (f_place_q == FReady && f_mine && (!busy_q || job_end)) at_work: assert (take);
      waits: assert (32'(f_waited_q) < Groups && (f_waited_q == '0 || (busy_q && f_waited_q <= row * ColumnGroups + column)));
    end
  end
  if (Warm) begin : f_warm
    always_comb if (f_old) begin
      alone: assert ((!f_running_q || f_over || (f_count_q != '0 && !ready_q[f_oldest_q] && !done_q[f_oldest_q]
          && starts_q[f_oldest_q] == f_start_q && (!busy_q || chosen_q == Slots'(1) << f_oldest_q)))
          && ((ready_q | done_q) & ~f_present) == '0 && (ready_q & done_q) == '0);
    end
  end

  // ---------------------------------------------------------------------------------------------------------------
  // Commands.
  // What each stage says, all of it true.
  logic [FLast:0] f_is_valid, f_is_tagged, f_in_flight, f_of_update, f_row, f_goes_on, f_row_goes_on, f_next_row;
  for (genvar s = 2; s < FSum; s++) begin : f_delays
    logic [TagBits-1:0] f_held;
    logic [2:0] f_command;
    assign f_command = \u_matvec.u_command.g_stages.stages_q [3*(s-2)+:3];
    if (s < FWait + 3) assign f_held = \u_tag.g_stages.stages_q [(s-2)*FTag+:TagBits];
    else if (s == FWait + 3) assign f_held = tag_q0;
    else if (s == FWait + 4) assign f_held = tag_q1;
    else if (s == FWait + 5) assign f_held = tag_q2;
    else assign f_held = tag_q3;
    assign f_is_valid[s] = f_command[2] == f_busy[s];
    assign f_is_tagged[s] = !f_busy[s]
        || (f_command[1:0] == {f_first[s], f_end_row[s]} && f_held == f_tag[s*TagBits+:TagBits]);
  end
  logic [4*TagBits-1:0] f_sums;
  logic f_retire_tagged;
  assign f_sums = (Adders > 1) ? (4 * TagBits)'({write_tag_q, shift_tag_q, sum_tag_q})
      : {write_tag_q, round_tag, shift_tag_q, sum_tag_q};
  assign f_retire_tagged = !f_busy[FRetire] || !f_end_row[FRetire]
      || (retire_slot_q == f_tag[FRetire*TagBits+TagBits-1-:SlotBits]
      && retire_last_row_q == f_tag[FRetire*TagBits] && (!f_own[FRetire] || (retire_start_q == f_start_q
      && (!f_mine || 32'(retire_iteration_q) == f_update_q))));
  if (FLast > FWrite) begin : f_behind
    assign f_is_tagged[FLast] = 1'b1;
  end
  for (genvar s = 0; s <= FWrite - FSum; s++) begin : f_rounds
    logic [TagBits-1:0] f_wrong;
    assign f_wrong = f_sums[s*TagBits+:TagBits] ^ f_tag[(FSum+s)*TagBits+:TagBits];
    assign f_is_tagged[FSum+s] = !f_busy[FSum+s] || (f_own[FSum+s] ? f_wrong : f_wrong & FPlace) == '0;
  end
  logic [FClockBits-1:0] f_row_step;
  assign f_row_step = f_start_q ? row : row * ColumnGroups + column;
  always_comb if (f_old) begin
    // The walk over the matrix, in a job and between jobs.
    counter: assert (32'(row) < RowGroups && 32'(column) < ColumnGroups && first_column == (column == '0)
        && last_row == (32'(row) == RowGroups - 1) && \u_counter.last_column_q == (32'(column) == ColumnGroups - 1)
        && (busy_q || (row == '0 && column == '0 && address == '0)));
    if (f_issues) step: assert (f_own[0] && start == f_start_q && bank == f_bank_q && f_row_step + 1'b1 == f_clock_q
        && 32'(address) + 1 == f_clock_q && (!f_start_q || column == '0));
    // Registers hold what left the array.
    registers: assert (f_is_valid[FSum-1:2] == '1 && command_q == f_busy[1] && (!command_q || command_first_q == f_first[1] && command_last_q == f_end_row[1]
        && {command_slot_q, command_bank_q, command_start_q, command_row_q, command_last_row_q} == f_tag[TagBits+:TagBits]
        && command_column_q == f_column_q && command_address_q == f_address_q));
    valid: assert (sum_valid == (f_busy[FSum] && f_end_row[FSum]) && shift_valid_q == (f_busy[FSum+1] && f_end_row[FSum+1])
        && round_valid == (f_busy[FWrite-1] && f_end_row[FWrite-1]) && write_valid_q == (f_busy[FWrite] && f_end_row[FWrite])
        && retire_valid_q == (f_busy[FRetire] && f_end_row[FRetire]));
  end
  for (genvar s = 0; s <= FLast; s++) begin : f_each
    logic [FClockBits-1:0] f_step;
    logic [RowBits-1:0] f_number, f_before;
    logic [SlotBits-1:0] f_named;
    logic f_same, f_same_row, f_last;
    assign f_step = f_clock_q - FClockBits'(s + 1);
    assign f_last = f_tag[s*TagBits];
    assign f_number = f_tag[s*TagBits+1+:RowBits];
    assign f_before = f_tag[(s+1)*TagBits+1+:RowBits];
    assign f_named = f_tag[s*TagBits+TagBits-1-:SlotBits];
    assign f_same = f_named == f_tag[(s+1)*TagBits+TagBits-1-:SlotBits];
    assign f_same_row = (FPlace & (f_tag[s*TagBits+:TagBits] ^ f_tag[(s+1)*TagBits+:TagBits])) == '0;
    // Commands of the slot are those of the update that runs, each of its steps once, and there are no others.
    assign f_in_flight[s] = f_own[s] == (f_running_q && 32'(f_clock_q) > s && f_step < f_steps);
    assign f_of_update[s] = !f_own[s]
        || (f_tag[s*TagBits+1+RowBits+:2] == {f_bank_q, f_start_q} && (!Warm || f_named == f_oldest_q));
    assign f_row[s] = !f_own[s] || (32'(f_number) < RowGroups && f_last == (32'(f_number) == RowGroups - 1)
        && f_end_job[s] == (f_step == f_steps - 1'b1)
        && (f_step != '0 || (f_number == '0 && f_first[s] && (!f_busy[s+1] || f_end_job[s+1]))));
    // Jobs do not mingle: one goes on until its end, and its rows follow each other.
    assign f_goes_on[s] = !f_busy[s+1] || f_end_job[s+1] || (f_busy[s] && f_same);
    assign f_row_goes_on[s] = !f_busy[s] || f_first[s] || (f_busy[s+1] && f_same_row && !f_end_row[s+1]);
    assign f_next_row[s] = !f_own[s] || !f_own[s+1] || f_step == '0
        || (f_first[s] == f_end_row[s+1] && f_number == f_before + f_end_row[s+1]);
  end
  always_comb if (f_old) begin
    tagged: assert (f_is_tagged[FLast:2] == '1 && f_retire_tagged);
    in_flight: assert (f_in_flight == '1);
    of_the_update: assert (f_of_update == '1);
    rows: assert ((f_row & f_next_row) == '1);
    goes_on: assert ((f_goes_on & f_row_goes_on) == '1);
  end

  // ---------------------------------------------------------------------------------------------------------------
  // Words: all commands of an update read the bank that the one before has written, at their columns and rows; its rows go
  // to the other bank, each once and in order, and what it reads stays.
  logic [3*SlotBits+2:0] f_write_banks;
  logic [2:0] f_writes, f_right, f_spared;
  logic [3*RowBits-1:0] f_write_rows;
  assign f_writes = {\u_column_words.write_i , \u_row_words.write_i , \u_readout_words.write_i };
  assign f_write_banks = {\u_column_words.write_bank_i , \u_row_words.write_bank_i , \u_readout_words.write_bank_i };
  assign f_write_rows = {\u_column_words.write_group_i , \u_row_words.write_group_i , \u_readout_words.write_group_i };
  always_comb if (f_old) begin
    reads_old: assert (bank_q[f_store] == (f_bank_q ^ f_over)
        && (!f_own[1] || (\u_column_words.read_bank_i == {f_store, f_bank_q} && \u_column_words.read_group_i == f_column_q))
        && (!f_own[FWait+2] || (\u_row_words.read_bank_i == {f_store, f_bank_q}
        && \u_row_words.read_group_i == f_tag[(FWait+2)*TagBits+1+:RowBits]
        && \u_drive_words.read_bank_i == f_tag[(FWait+2)*TagBits+TagBits-1-:SlotBits]
        && \u_drive_words.read_group_i == f_tag[(FWait+2)*TagBits+1+:RowBits]))
        && (f_place_q != FDone || read_slot_i != f_slot || \u_readout_words.read_bank_i == {f_store, f_bank_q ^ f_over}));
    old_stays: assert (f_spared == '1);
    each_row: assert (f_writes == {3{f_busy[FWrite] && f_end_row[FWrite]}} && (!f_own[FWrite] || !f_end_row[FWrite] || f_right == '1)
        && (!f_running_q || f_clock_q > FWrite + 1 || f_written_q == '0)
        && (!f_own[FWrite] || f_written_q == f_tag[FWrite*TagBits+1+:RowBits])
        && (!f_ends || 32'(f_now_written) == RowGroups));
    // It is over when its last row is compared, and not before: the readout sees the new state.  Where none is, its slot
    // may be chosen, or read, from the cycle of that row's writing on: the one reads two cycles later, the other one.
    in_time: assert (f_retires == (f_own[FRetire] && retire_valid_q && retire_last_row_q) && (!f_running_q || f_clock_q <= f_steps + FLast));
    // Whether an earlier row has changed is of the update whose rows arrive, and of no other.
    compares: assert (FixedTime || (!changed_q || (f_busy[FLast+1] && !f_end_job[FLast+1])) && (!f_own[FLast] || changed_q == f_changed_q) && (!f_running_q || f_clock_q > FLast + 1 || !f_changed_q));
  end
  for (genvar m = 0; m < 3; m++) begin : f_memory
    assign f_right[m] = f_write_banks[m*(SlotBits+1)+:SlotBits+1] == {f_store, !f_bank_q}
        && f_write_rows[m*RowBits+:RowBits] == f_written_q;
    assign f_spared[m] = !f_writes[m] || f_write_banks[m*(SlotBits+1)+:SlotBits+1] != {f_store, f_bank_q};
  end
