  // An account of the samples whose beats have come and of those that are in the solver's slots, kept from the ports and
  // from the commands; of any one group of columns also the words; and what the commands under way are.  Stage 0 of a
  // command is its issue, FSum the array's sum, FLast the row group's writing.  Sums are nobody's business here.
  localparam int FWord = 3 + Late;
  localparam int FLoad = FWord + Stages + 2;
  localparam int FSum = FLoad + 1;
  localparam int FLast = Straight ? FSum : FSum + 2;
  localparam int FStepBits = $clog2(Groups + 1);
  (* hierconn *) logic [(FWord+Stages)*(TagBits+1)-1:0] \u_tag.g_stages.stages_q ;
  (* hierconn *) logic [1:0] \g_rounded.u_write.g_stages.stages_q ;
  (* hierconn *) logic [FSum-1:0] \g_straight.u_loaded.g_stages.stages_q ;
  (* hierconn *) logic [$clog2(Slots+1)-1:0] \u_slots.credits_q ;
  (* hierconn *) logic \u_counter.last_column_q ;
  logic f_old = 1'b0;

  // The stream's part, which frame_check gives: each beat with its place in its frame, which is whole or broken with the
  // last of them, and may be broken with any.  The solver's part: it frees no slot but of a sample that was loaded; samples
  // are freed in turn, as they are loaded (readout_control), and known to be free here a cycle later than there.
  logic [IndexBits-1:0] f_index_q;
  logic f_at_end, f_accept;
  logic [SlotBits-1:0] f_oldest_q, f_slot;
  logic [SlotBits:0] f_loaded_q, f_taken_q;  // samples in slots, and those on their way to one with them
  assign f_at_end = 32'(f_index_q) == BeatGroups - 1;
  assign f_accept = beat_valid_i && beat_ready_o;
  assign f_slot = (f_oldest_q + f_loaded_q >= Slots) ? f_oldest_q + f_loaded_q - Slots : f_oldest_q + f_loaded_q;
  always_comb begin
    if (!f_old) assume (!rst_ni);
    assume (beat_index_i == f_index_q);
    if (beat_valid_i) assume (f_at_end ? beat_whole_i != beat_broken_i : !beat_whole_i);
    if (release_i) assume (f_loaded_q != '0);
  end

  // Samples whose beats have all come and that are not wholly read, and of any one group the words of the first and of
  // the second sample, be it whole or on its way.
  (* anyconst *) logic [ColumnBits-1:0] f_group;
  always_comb assume (32'(f_group) < ColumnGroups);
  logic [1:0] f_whole_q;
  logic [FStepBits-1:0] f_step_q, f_waited_q;  // of the matrix, by the first sample; and cycles in which it could go on
  logic [BeatBits-1:0] f_word_q, f_next_word_q;
  logic f_begun_q, f_here, f_may, f_finish, f_comes, f_restart;
  assign f_here = f_whole_q != '0 || 32'(column) < 32'(f_index_q);
  assign f_may = (f_begun_q || 32'(f_taken_q) < Slots) && (32'(column) < FirstCarried || Columns == Inputs || fresh_i);
  assign f_finish = issue && 32'(f_step_q) == Groups - 1;
  assign f_comes = f_accept && 32'(f_index_q) == 32'(f_group);
  assign f_restart = f_accept && beat_broken_i && f_whole_q == '0;

  // Words of a command in the group that is looked at: the beat's, and in the lanes behind the inputs carried ones.
  localparam int FAll = ColumnGroups * BeatBits;
  logic [FAll-1:0] f_carried, f_lanes;
  logic [BeatBits-1:0] f_words, f_mask;
  logic [FWord:0] f_looked;
  logic [FWord-1:0] f_looked_q;
  logic [(FWord+1)*BeatBits-1:0] f_expected;
  logic [FWord*BeatBits-1:0] f_expected_q;
  assign f_lanes = FAll'({(Inputs*InputBits){1'b1}});
  assign f_carried = (Columns > Inputs) ? FAll'(carried_i) << (Inputs * InputBits) : '0;
  assign f_mask = (Columns > Inputs) ? f_lanes[f_group*BeatBits+:BeatBits] : '1;
  assign f_words = (f_word_q & f_mask) | f_carried[f_group*BeatBits+:BeatBits];
  assign f_looked = {f_looked_q, issue && column == f_group};
  assign f_expected = {f_expected_q, f_words};

  // Commands and what the counters said beside them, stage after stage.
  localparam int FRecord = 4 + TagBits;
  localparam logic [FRecord-1:0] FIdle = {4'b0110, {TagBits{1'b0}}};
  logic [(FLast+1)*FRecord-1:0] f_stages;
  logic [FLast*FRecord-1:0] f_stages_q;
  logic [FLast:0] f_busy, f_first, f_unbegun, f_end_row, f_end_job, f_open;
  logic [(FLast+1)*TagBits-1:0] f_tag;
  assign f_stages = {f_stages_q, issue, first_column, first_command_q, last_column, slot_q, row, last_row};
  for (genvar s = 0; s <= FLast; s++) begin : f_stage
    logic f_ends;
    assign {f_busy[s], f_first[s], f_unbegun[s], f_ends, f_tag[s*TagBits+:TagBits]} = f_stages[s*FRecord+:FRecord];
    assign f_end_row[s] = f_busy[s] && f_ends;
    assign f_end_job[s] = f_end_row[s] && 32'(f_tag[s*TagBits+1+:RowBits]) == RowGroups - 1;
    assign f_open[s] = (f_busy[s] || !f_unbegun[s]) && !f_end_job[s];
  end
  logic [RowBits-1:0] f_row_q;  // of those that are written, the next
  logic [15:0] f_coming;
  always_comb begin
    f_coming = f_begun_q;
    for (int s = 1; s <= FLast; s++) f_coming = f_coming + f_end_job[s];
    // The array's part, which is proved of it (matvec, matvec_tables).
    assume (load == (f_busy[FLoad] && f_first[FLoad]));
    assume (sum_valid == f_end_row[FSum]);
  end

  always_ff @(posedge clk_i) begin
    f_old <= 1'b1;
    f_stages_q <= rst_ni ? f_stages[FLast*FRecord-1:0] : {FLast{FIdle}};
    f_looked_q <= rst_ni ? f_looked[FWord-1:0] : '0;
    f_expected_q <= f_expected[FWord*BeatBits-1:0];
    if (!rst_ni) begin
      f_index_q <= '0;
      f_whole_q <= '0;
      f_step_q <= '0;
      f_waited_q <= '0;
      f_begun_q <= 1'b0;
      f_oldest_q <= '0;
      f_loaded_q <= '0;
      f_taken_q <= '0;
      f_row_q <= '0;
    end else begin
      if (f_accept) f_index_q <= (beat_whole_i || beat_broken_i) ? '0 : f_index_q + 1'b1;
      f_whole_q <= f_whole_q + (f_accept && beat_whole_i) - f_finish;
      if (issue) f_begun_q <= !f_finish;
      if (f_finish || f_restart) f_step_q <= '0;
      else f_step_q <= f_step_q + issue;
      if (f_finish || f_restart) f_waited_q <= '0;
      else f_waited_q <= f_waited_q + (f_whole_q != '0 && f_may);
      f_loaded_q <= f_loaded_q + loaded_o - release_i;
      f_taken_q <= f_taken_q + (issue && !f_begun_q) - release_i;
      if (release_i) f_oldest_q <= (32'(f_oldest_q) == Slots - 1) ? '0 : f_oldest_q + 1'b1;
      if (write_o) f_row_q <= (32'(f_row_q) == RowGroups - 1) ? '0 : f_row_q + 1'b1;
    end
    if (f_comes && f_whole_q == f_finish) f_word_q <= beat_i;
    else if (f_finish) f_word_q <= f_next_word_q;
    if (f_comes && f_whole_q != '0) f_next_word_q <= beat_i;
  end

  // ---------------------------------------------------------------------------------------------------------------
  // Beats.
  logic f_word_here, f_next_here;
  assign f_word_here = f_whole_q != '0 || f_index_q > f_group;
  assign f_next_here = f_whole_q == 2 || (f_whole_q == 1 && f_index_q > f_group);
  always_comb if (f_old) begin
    // Two whole samples wait at most; there is room for a third one's beats as soon as one is read.
    room: assert (f_whole_q <= 2 && beat_ready_o == (f_whole_q != 2));
    in_bank: assert (full_q == ((f_whole_q == 2) ? 2'b11 : (f_whole_q == 1) ? 2'b01 << read_bank_q : 2'b00)
        && (write_bank_q ^ read_bank_q) == f_whole_q[0] && 32'(f_index_q) < BeatGroups && (f_whole_q != 2 || f_index_q == '0));
    // Samples stay whole and in order until they are read, and what is written is not what is read.
    if (32'(f_group) < BeatGroups) begin
      stays: assert ((!f_word_here || banks[{read_bank_q, f_group}] == f_word_q)
          && (!f_next_here || banks[{!read_bank_q, f_group}] == f_next_word_q));
    end
    apart: assert (!(issue && accept && {write_bank_q, beat} == {read_bank_q, column}
        && 32'(column) < BeatGroups));
    // Commands have the words of their own sample and column.
    if (f_looked[1] && 32'(f_group) < BeatGroups) read: assert (((word_q ^ f_expected[BeatBits+:BeatBits]) & f_mask) == '0);
    if (f_looked[FWord]) words: assert (data == f_expected[FWord*BeatBits+:BeatBits]);
    if (f_looked[2]) lanes: assert (word_q2 == f_expected[2*BeatBits+:BeatBits]);
  end

  // ---------------------------------------------------------------------------------------------------------------
  // Commands.
  logic [FLast-1:0] f_opens, f_row_opens, f_follows, f_same_row;
  logic [FLast:0] f_in_range;
  always_comb if (f_old) begin
    counter: assert (32'(row) < RowGroups && 32'(column) < ColumnGroups && first_column == (column == '0)
        && last_row == (32'(row) == RowGroups - 1) && \u_counter.last_column_q == (32'(column) == ColumnGroups - 1));
    // Every step once and in order, behind its beat; a sample that is there and has a slot goes on in every cycle.
    step: assert (row * ColumnGroups + column == f_step_q && 32'(address) == f_step_q);
    at_work: assert (issue == (f_here && f_may));
    present: assert (present_q == f_here && (f_whole_q != '0 || (row == '0 && column <= f_index_q)));
    in_time: assert (f_waited_q <= f_step_q && 32'(f_step_q) < Groups);
    taken: assert (taken_o == f_finish && (!f_finish || f_whole_q != '0));
    // Slots: those that are taken are of samples that are read, on their way or loaded.
    credits: assert (first_command_q == !f_begun_q && (f_begun_q || f_step_q == '0)
        && 32'(\u_slots.credits_q ) + f_taken_q == Slots && 32'(f_taken_q) <= Slots);
    slots: assert (f_taken_q == f_loaded_q + f_coming && 32'(f_oldest_q) < Slots);
    no_alarm: assert (!error_o);
  end
  // What leaves is one row group after the other.
  for (genvar s = 0; s < FLast; s++) begin : f_each
    logic [RowBits-1:0] f_number, f_before;
    logic [SlotBits-1:0] f_named, f_named_before;
    assign f_number = f_tag[s*TagBits+1+:RowBits];
    assign f_before = f_tag[(s+1)*TagBits+1+:RowBits];
    assign f_named = f_tag[s*TagBits+1+RowBits+:SlotBits];
    assign f_named_before = f_tag[(s+1)*TagBits+1+RowBits+:SlotBits];
    assign f_opens[s] = f_unbegun[s] == !f_open[s+1];
    assign f_row_opens[s] = f_first[s] || ((f_busy[s+1] || !f_first[s+1]) && !f_end_row[s+1]);
    assign f_follows[s] = f_number == (f_end_job[s+1] ? '0 : f_before + f_end_row[s+1])
        && f_named == (!f_end_job[s+1] ? f_named_before : (32'(f_named_before) == Slots - 1) ? '0 : f_named_before + 1'b1);
  end
  for (genvar s = 0; s <= FLast; s++) begin : f_range
    assign f_in_range[s] = 32'(f_tag[s*TagBits+1+:RowBits]) < RowGroups
        && ((!f_busy[s] && f_first[s]) || f_tag[s*TagBits] == (32'(f_tag[s*TagBits+1+:RowBits]) == RowGroups - 1));
  end
  logic [FWord+Stages:1] f_is_tagged;
  for (genvar s = 1; s <= FWord + Stages; s++) begin : f_tagged
    assign f_is_tagged[s] = \u_tag.g_stages.stages_q [(s-1)*(TagBits+1)+:TagBits+1] == {f_busy[s], f_tag[s*TagBits+:TagBits]};
  end
  always_comb if (f_old) begin
    follows: assert ((f_opens & f_row_opens & f_follows) == '1 && f_in_range == '1);
    tagged: assert (f_is_tagged == '1 && (!f_busy[FLoad-1] || tag_q1 == f_tag[(FLoad-1)*TagBits+:TagBits])
        && (!f_busy[FLoad] || tag_q2 == f_tag[FLoad*TagBits+:TagBits])
        && ((!f_busy[FSum] && f_first[FSum]) || sum_tag_q == f_tag[FSum*TagBits+:TagBits]));
    // Rows go to the next slot in turn, which is free, each once and in order; the sample is loaded with its last.
    write: assert (write_o == f_end_row[FLast]
        && (!write_o || (slot_o == f_slot && 32'(f_loaded_q) < Slots && row_o == f_row_q)));
    loaded: assert (loaded_o == f_end_job[FLast] && (!loaded_o || 32'(f_row_q) == RowGroups - 1));
    next_row: assert (f_tag[FLast*TagBits+1+:RowBits+SlotBits] == {f_slot, f_row_q});
  end
  if (Straight) begin : f_straight
    logic [FSum:1] f_is_loaded;
    for (genvar s = 1; s <= FSum; s++) begin : f_loads
      assign f_is_loaded[s] = \g_straight.u_loaded.g_stages.stages_q [s-1] == f_end_job[s];
    end
    always_comb if (f_old) on_its_way: assert (f_is_loaded == '1);
  end
  if (!Straight) begin : f_rounded
    always_comb if (f_old) begin
      rounds: assert (\g_rounded.u_write.g_stages.stages_q == {f_end_row[FLast], f_end_row[FSum+1]}
          && (!f_busy[FSum+1] || g_rounded.shift_tag_q == f_tag[(FSum+1)*TagBits+:TagBits])
          && (!f_busy[FLast] || g_rounded.write_tag_q == f_tag[FLast*TagBits+:TagBits]));
    end
  end
