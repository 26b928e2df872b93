  // An account of the samples whose beats have come and of those that are in the solver's slots, kept from the ports and
  // from the commands, and of any one beat of a sample its words.  Stage 0 is the command, stage FLast the writing.
  // What the graph makes of the words is nobody's business here.
  localparam int FLast = Stages + 1;
  (* hierconn *) logic [FLast*(1+SlotBits)-1:0] \u_tag.g_stages.stages_q ;
  (* hierconn *) logic [$clog2(Slots+1)-1:0] \u_slots.credits_q ;
  logic f_old = 1'b0;

  // The stream's part, which frame_check gives: each beat with its place in its frame, which is whole or broken with the
  // last of them, and may be broken with any.  The solver's part: it frees no slot but of a sample that was loaded; samples
  // are freed in turn, as they are loaded (readout_control), and known to be free here a cycle later than there.
  logic [IndexBits-1:0] f_index_q;
  logic f_at_end, f_accept;
  logic [SlotBits-1:0] f_oldest_q, f_slot;
  logic [SlotBits:0] f_loaded_q, f_taken_q;  // samples in slots, and those on their way to one with them
  assign f_at_end = 32'(f_index_q) == Beats - 1;
  assign f_accept = beat_valid_i && beat_ready_o;
  assign f_slot = (f_oldest_q + f_loaded_q >= Slots) ? f_oldest_q + f_loaded_q - Slots : f_oldest_q + f_loaded_q;
  always_comb begin
    if (!f_old) assume (!rst_ni);
    assume (beat_index_i == f_index_q);
    if (beat_valid_i) assume (f_at_end ? beat_whole_i != beat_broken_i : !beat_whole_i);
    if (release_i) assume (f_loaded_q != '0);
  end

  // Whether a sample is whole and waits, the words of one of its beats, and of that beat of the sample on its way.
  (* anyconst *) logic [IndexBits-1:0] f_beat;
  always_comb assume (32'(f_beat) < Beats);
  logic f_whole_q, f_comes;
  logic [BeatBits-1:0] f_word_q, f_coming_q;
  assign f_comes = f_accept && f_index_q == f_beat;

  // Commands, stage after stage, and their slots.
  logic [(FLast+1)*(1+SlotBits)-1:0] f_stages;
  logic [FLast*(1+SlotBits)-1:0] f_stages_q;
  logic [FLast:0] f_busy;
  logic [FLast-1:0] f_follows;
  logic [(FLast+1)*SlotBits-1:0] f_named;
  logic [15:0] f_on_way;
  assign f_stages = {f_stages_q, issue, slot_q};
  for (genvar s = 0; s <= FLast; s++) begin : f_stage
    assign {f_busy[s], f_named[s*SlotBits+:SlotBits]} = f_stages[s*(1+SlotBits)+:1+SlotBits];
  end
  for (genvar s = 0; s < FLast; s++) begin : f_each
    logic [SlotBits-1:0] f_before;
    assign f_before = f_named[(s+1)*SlotBits+:SlotBits];
    assign f_follows[s] = f_named[s*SlotBits+:SlotBits]
        == (!f_busy[s+1] ? f_before : (32'(f_before) == Slots - 1) ? '0 : f_before + 1'b1);
  end
  always_comb begin
    f_on_way = '0;
    for (int s = 1; s <= FLast; s++) f_on_way = f_on_way + f_busy[s];
  end

  always_ff @(posedge clk_i) begin
    f_old <= 1'b1;
    f_stages_q <= rst_ni ? f_stages[FLast*(1+SlotBits)-1:0] : '0;
    if (!rst_ni) begin
      f_index_q <= '0;
      f_whole_q <= 1'b0;
      f_oldest_q <= '0;
      f_loaded_q <= '0;
      f_taken_q <= '0;
    end else begin
      if (f_accept) f_index_q <= (beat_whole_i || beat_broken_i) ? '0 : f_index_q + 1'b1;
      if (f_accept && beat_whole_i) f_whole_q <= 1'b1;
      else if (issue) f_whole_q <= 1'b0;
      f_loaded_q <= f_loaded_q + loaded_o - release_i;
      f_taken_q <= f_taken_q + issue - release_i;
      if (release_i) f_oldest_q <= (32'(f_oldest_q) == Slots - 1) ? '0 : f_oldest_q + 1'b1;
    end
    if (f_comes) f_coming_q <= beat_i;
    if (f_accept && beat_whole_i) f_word_q <= f_comes ? beat_i : f_coming_q;
  end

  always_comb if (f_old) begin
    // A whole sample waits and another's beats come in, all but the last.
    room: assert (beat_ready_o == (!f_at_end || !f_whole_q || issue) && 32'(f_index_q) < Beats);
    kept: assert (complete_q == f_whole_q && (!f_whole_q || words_q[f_beat*BeatBits+:BeatBits] == f_word_q));
    // A whole sample that has a slot is read at once, with its own words and the carried ones.
    at_work: assert (issue == (f_whole_q && 32'(f_taken_q) < Slots && fresh_i));
    taken: assert (taken_o == issue);
    inputs: assert (words[Inputs*InputBits-1:0] == words_q[Inputs*InputBits-1:0]);
    // Slots: those that are taken are of samples on their way or loaded.
    credits: assert (32'(\u_slots.credits_q ) + f_taken_q == Slots && 32'(f_taken_q) <= Slots);
    slots: assert (f_taken_q == f_loaded_q + f_on_way && 32'(f_oldest_q) < Slots);
    no_alarm: assert (!error_o);
    follows: assert (f_follows == '1 && 32'(slot_q) < Slots);
    tagged: assert (\u_tag.g_stages.stages_q == f_stages_q);
    // Samples go to the next slot in turn, which is free, each once, as many cycles behind its command as the graph has.
    write: assert (write_o == f_busy[FLast] && (!write_o || (slot_o == f_slot && 32'(f_loaded_q) < Slots)));
    loaded: assert (loaded_o == write_o && row_o == '0);
    next_slot: assert (f_named[FLast*SlotBits+:SlotBits] == f_slot);
  end
  if (Beats > 1) begin : f_beats
    always_comb if (f_old && f_index_q > f_beat) begin
      collects: assert (g_collect.collected_q[(Beats-1-32'(f_index_q)+32'(f_beat))*BeatBits+:BeatBits] == f_coming_q);
    end
  end
  if (Columns > Inputs) begin : f_carried
    always_comb if (f_old) carried: assert (words[Columns*InputBits-1:Inputs*InputBits] == carried_i);
  end
