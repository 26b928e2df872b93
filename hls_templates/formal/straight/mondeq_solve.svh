  // Of any one slot: an account of its sample and its updates, kept from the ports and from who enters the ring, and
  // where in the ring it is.  Stage 0 is the choice, stage 3 the sum, stage FLast the choice of the next update.
  localparam int FLast = Stages + 2;
  localparam int FClockBits = $clog2(FLast + 2);
  localparam int FEmpty = 0, FWaiting = 1, FRunning = 2;
  logic f_old = 1'b0;
  (* anyconst *) logic [SlotBits-1:0] f_slot;
  always_comb assume (32'(f_slot) < Slots);

  logic [SlotBits-1:0] f_load_q;
  logic [SlotBits:0] f_ahead, f_behind;
  logic [1:0] f_place_q;
  logic [IterationBits:0] f_update_q;
  logic [FClockBits-1:0] f_clock_q;
  logic f_loads, f_takes, f_running, f_leaves;
  logic [FClockBits-1:0] f_age_q;  // cycles behind a reset, at most Stages
  assign f_loads = loaded_i && write_slot_i == f_slot;
  assign f_takes = take && next_slot_q == f_slot;
  assign f_running = f_place_q == FRunning;
  assign f_leaves = f_running && 32'(f_clock_q) == 3 && 32'(f_update_q) == Iterations;
  // From the next that enters to it, and to the next that is loaded.
  assign f_ahead = (f_slot < next_slot_q) ? f_slot + Slots - next_slot_q : f_slot - next_slot_q;
  assign f_behind = (next_slot_q + waiting_q >= Slots) ? next_slot_q + waiting_q - Slots : next_slot_q + waiting_q;
  always_comb begin
    // The drive's part: all words of a sample at once, into the next slot, once the sample before has left it.
    assume (loaded_i == write_i);
    if (loaded_i) assume (write_slot_i == f_load_q && 32'(waiting_q) < Slots);
    if (f_loads) assume (f_place_q == FEmpty);
    // The top's part: no sample comes before the graph is rid of what a reset left in it.
    if (loaded_i) assume (32'(f_age_q) >= Stages);
  end

  // The ring as it has been entered, stage after stage: what has had its last update ends at the sum.
  logic [(FLast+1)*TagBits-1:0] f_ring, f_next_ring;
  logic [FLast*TagBits-1:0] f_ring_q;
  logic [FLast:0] f_own, f_in_ring, f_numbered;
  assign f_ring = {f_ring_q, chosen_tag};
  for (genvar s = 0; s <= FLast; s++) begin : f_stage
    logic [IterationBits-1:0] f_iteration;
    logic [SlotBits-1:0] f_named;
    logic f_valid;
    assign {f_valid, f_named, f_iteration} = f_ring[s*TagBits+:TagBits];
    assign f_own[s] = f_valid && f_named == f_slot;
    assign f_in_ring[s] = f_own[s] == ((s == 0) ? (f_takes || (f_running && 32'(f_clock_q) == FLast))
        : (f_running && 32'(f_clock_q) == s));
    assign f_numbered[s] = !f_own[s] || f_takes || 32'(f_iteration) == 32'(f_update_q);
    assign f_next_ring[s*TagBits+:TagBits] = (s != 3) ? f_ring[s*TagBits+:TagBits]
        : {f_valid && 32'(f_iteration) != Iterations, f_named, f_iteration + 1'b1};
  end

  // Which places have words in the graph; a reset leaves them where they are.
  logic [FLast:0] f_words, f_words_q, f_empty;
  assign f_words = {f_words_q[FLast:1], f_words_q[FLast]};
  for (genvar s = 0; s <= FLast; s++) begin : f_words_of
    assign f_empty[s] = !f_words[s]
        || ((s < 3) ? (s == 0 || !f_own[s] || f_update_q != '0) : (s == 3 || f_ring[(s+1)*TagBits-1] || 32'(f_age_q) + 3 <= s));
  end
  logic [Blocks-1:0] f_reads, f_enters;
  for (genvar b = 0; b < Blocks; b++) begin : f_block
    assign f_reads[b] = g_block[b].slot_q == f_slot;
    assign f_enters[b] = g_phi[b].enters_q;
  end

  always_ff @(posedge clk_i) begin
    f_old <= 1'b1;
    f_age_q <= !rst_ni ? '0 : (32'(f_age_q) < Stages) ? f_age_q + 1'b1 : f_age_q;
    f_words_q <= {f_words[FLast-1:4], f_enters != '0, f_words[2:0], 1'b0};
    f_ring_q <= rst_ni ? f_next_ring[FLast*TagBits-1:0] : '0;
    if (!rst_ni) begin
      f_load_q <= '0;
      f_place_q <= FEmpty;
    end else begin
      if (loaded_i) f_load_q <= (32'(f_load_q) == Slots - 1) ? '0 : f_load_q + 1'b1;
      if (f_takes) begin
        f_place_q <= FRunning;
        f_update_q <= '0;
        f_clock_q <= 1;
      end else begin
        if (f_loads) f_place_q <= FWaiting;
        if (f_leaves) f_place_q <= FEmpty;
        f_clock_q <= (32'(f_clock_q) == FLast) ? 1 : f_clock_q + 1'b1;
        if (32'(f_clock_q) == 3) f_update_q <= f_update_q + 1'b1;
      end
    end
  end

  always_comb begin
    if (!f_old) assume (!rst_ni);
    if (f_old) begin
      // Samples enter in the order in which they were loaded, each once; no free place is left to itself.
      in_turn: assert ((f_ahead < waiting_q) == (f_place_q == FWaiting) && f_load_q == f_behind && 32'(waiting_q) <= Slots
          && 32'(next_slot_q) < Slots && (!f_takes || f_place_q == FWaiting || f_loads));
      at_work: assert (take == (!ring_valid && (loaded_i || waiting_q != '0)));
      // An update is at the stage that its clock says, numbered from 0; there is no other of the slot, and it leaves behind
      // the last, once: all take the same time, and so leave in the order in which they entered.
      in_ring: assert (f_in_ring == '1 && (!f_running || (f_clock_q != '0 && 32'(f_clock_q) <= FLast)));
      numbered: assert (f_numbered == '1 && (!f_running || (32'(f_update_q) <= Iterations && (f_clock_q <= 3 || f_update_q != '0))));
      leaves: assert (done_o[f_slot] == f_leaves);
      stages: assert (product_tag == f_ring[2*TagBits+:TagBits] && sum_tag == f_ring[3*TagBits+:TagBits]
          && tag_q == f_ring[4*TagBits+:TagBits] && ring_tag == f_ring[FLast*TagBits+:TagBits]
          && again_q == f_next_ring[4*TagBits-1]);
      // Its words are those of the slot, and what it leaves behind or finds in a free place is a product of nothing.
      if (f_own[1]) reads_own: assert (f_reads == '1);
      of_nothing: assert (f_empty == '1 && (f_age_q == '0 || f_enters == {Blocks{f_next_ring[4*TagBits-1]}})
          && (waiting_q == '0 || 32'(f_age_q) >= Stages));
    end
  end
