  // Of any one slot: an account of its sample and its updates, kept from the ports and from who enters the ring, and
  // where in the ring it is.  Stage 0 is the front, stage FLast the retirement.  Words are nobody's business here: whether
  // one has changed is anything in any cycle.
  localparam int FLast = Stages + 4;
  localparam int FClockBits = $clog2(FLast + 2);
  localparam int FEmpty = 0, FWaiting = 1, FRunning = 2, FDone = 3;
  (* hierconn *) logic [Slots-1:0] \u_watch.running_q ;
  (* hierconn *) logic [SlotBits-1:0] \u_drive_words.read_bank_i , \u_old_words.read_bank_i , \u_readout_words.read_bank_i ;
  (* hierconn *) logic [SlotBits-1:0] \u_old_words.write_bank_i , \u_readout_words.write_bank_i ;
  (* hierconn *) logic [SlotBits-1:0] \g_leak.u_leak_words.read_bank_i , \g_leak.u_leak_words.write_bank_i ;
  (* hierconn *) logic \u_old_words.write_i , \u_readout_words.write_i , \g_leak.u_leak_words.write_i ;
  logic f_old = 1'b0;
  (* anyconst *) logic [SlotBits-1:0] f_slot;
  always_comb assume (32'(f_slot) < Slots);

  // Samples between the drive and the readout: all walk the slots in turn.
  logic [SlotBits-1:0] f_oldest_q, f_load, f_next, f_store;
  logic [SlotBits:0] f_count_q, f_ahead, f_entered;
  logic [Slots-1:0] f_first_slot;
  logic f_any_q, f_freed_q, f_first_q, f_loads, f_frees;
  assign f_ahead = (f_slot < f_oldest_q) ? f_slot + Slots - f_oldest_q : f_slot - f_oldest_q;
  assign f_load = (f_oldest_q + f_count_q >= Slots) ? f_oldest_q + f_count_q - Slots : f_oldest_q + f_count_q;
  assign f_entered = f_count_q - waiting_q;
  assign f_next = (f_oldest_q + f_entered >= Slots) ? f_oldest_q + f_entered - Slots : f_oldest_q + f_entered;
  assign f_store = Warm ? '0 : f_slot;
  assign f_loads = loaded_i && write_slot_i == f_slot;
  assign f_frees = release_i && read_slot_i == f_slot;
  assign f_first_slot = Slots'(1) << f_oldest_q;
  always_comb begin
    // The drive's part: it loads the next slot, once that is free (its credits); the readout's: it frees the oldest that
    // is done, which is one that has entered, since what is done has (places, for any slot).
    if (loaded_i) assume (write_slot_i == f_load && 32'(f_count_q) < Slots);
    if (release_i) assume (read_slot_i == f_oldest_q && done_q[f_oldest_q] && f_entered != '0);
  end

  // The sample in the slot, and the update that reads and writes its states.  With a warm start the states are those of
  // all samples, and the update may be that of another.
  logic [1:0] f_place_q;
  logic [IterationBits:0] f_update_q;  // which runs, or comes next
  logic [FClockBits-1:0] f_clock_q;
  logic f_mine, f_takes, f_running_q, f_ends, f_finishes;
  assign f_mine = !Warm || f_slot == f_oldest_q;
  assign f_takes = take && (Warm || next_slot_q == f_slot);
  assign f_ends = f_running_q && 32'(f_clock_q) == FLast;
  assign f_finishes = 32'(f_update_q) == Iterations || (!FixedTime && f_update_q != '0 && !changed_q);

  // The ring as it has been entered, stage after stage.
  logic [(FLast+1)*TagBits-1:0] f_ring;
  logic [FLast*TagBits-1:0] f_ring_q;
  logic [FLast:0] f_own, f_in_ring, f_numbered;
  assign f_ring = {f_ring_q, valid_q, slot_q, iteration_q};
  for (genvar s = 0; s <= FLast; s++) begin : f_stage
    logic [IterationBits-1:0] f_iteration;
    logic [SlotBits-1:0] f_named;
    logic f_valid;
    assign {f_valid, f_named, f_iteration} = f_ring[s*TagBits+:TagBits];
    assign f_own[s] = f_valid && (Warm || f_named == f_slot);
    assign f_in_ring[s] = f_own[s] == (f_running_q && 32'(f_clock_q) == s);
    assign f_numbered[s] = !f_own[s]
        || ((!Warm || f_named == f_oldest_q) && (!f_mine || 32'(f_iteration) == 32'(f_update_q)));
  end

  always_ff @(posedge clk_i) begin
    f_old <= 1'b1;
    f_ring_q <= rst_ni ? f_ring[FLast*TagBits-1:0] : '0;
    if (!rst_ni) begin
      f_oldest_q <= '0;
      f_count_q <= '0;
      f_any_q <= 1'b0;
      f_freed_q <= 1'b0;
      f_place_q <= FEmpty;
      f_running_q <= 1'b0;
    end else begin
      f_count_q <= f_count_q + loaded_i - release_i;
      if (release_i) f_oldest_q <= (32'(f_oldest_q) == Slots - 1) ? '0 : f_oldest_q + 1'b1;
      if (release_i) f_freed_q <= 1'b1;
      if (loaded_i) f_any_q <= 1'b1;
      if (f_loads) f_first_q <= !f_any_q;
      if (f_loads) begin
        f_place_q <= FWaiting;
      end else if (take && next_slot_q == f_slot) begin
        f_place_q <= FRunning;
        f_update_q <= (Warm && !f_first_q) ? FirstWarmUpdate : 0;
      end else if (f_ends && f_mine) begin
        if (f_finishes) f_place_q <= FDone;
        f_update_q <= f_update_q + 1'b1;
      end else if (f_frees) f_place_q <= FEmpty;
      if (f_takes) begin
        f_running_q <= 1'b1;
        f_clock_q <= '0;
      end else begin
        f_clock_q <= f_ends ? '0 : f_clock_q + 1'b1;
        if (f_ends) f_running_q <= f_mine ? !f_finishes : again;
      end
    end
  end

  always_comb begin
    if (!f_old) assume (!rst_ni);
    if (f_old) begin
      // Empty, waiting, in the ring, or done: one of them, done until it is read, and no alarm about any of it.
      places: assert (done_o[f_slot] == (f_place_q == FDone) && (f_ahead < f_count_q) == (f_place_q != FEmpty)
          && (f_ahead >= f_entered && f_ahead < f_count_q) == (f_place_q == FWaiting)
          && (f_place_q == FRunning) == (f_running_q && f_mine));
      no_alarm: assert (\u_watch.running_q [f_slot] == (f_place_q == FRunning)
          && !(take && (next_slots == '0 || (next_slots & (next_slots - 1'b1)) != '0))
          && !(take && next_slots[f_slot] && f_place_q != FWaiting)
          && !(retire_valid && retire_slot == f_slot && f_place_q != FRunning) && !(f_loads && f_place_q != FEmpty));
      // They enter in the order in which they were loaded.
      in_turn: assert (32'(f_oldest_q) < Slots && 32'(f_count_q) <= Slots && 32'(waiting_q) <= 32'(f_count_q)
          && next_slot_q == f_next && f_any_q == (f_count_q != '0 || f_freed_q)
          && (f_place_q == FEmpty || f_first_q == (!f_freed_q && f_ahead == '0)));
      // A place of the ring that is free is taken by who waits; with a warm start only when all others have been read.
      at_work: assert (take == (!again && waiting_q != '0 && !(Warm && f_entered != '0)));
      // An update is at the stage that its clock says, each of its number once, and there is no other of the slot.
      in_ring: assert (f_in_ring == '1 && (!f_running_q || 32'(f_clock_q) <= FLast));
      numbered: assert (f_numbered == '1 && (f_place_q != FRunning || 32'(f_update_q) <= Iterations));
      stages: assert (preload_tag == f_ring[(Stages-4)*TagBits+:TagBits] && compare_tag == f_ring[(Stages+1)*TagBits+:TagBits]
          && retire_tag == f_ring[FLast*TagBits+:TagBits]);
      // Its words are those of the slot; the states are written by its own update alone, in the last stage.
      reads_own: assert ((!f_own[Stages-4] || !f_mine || \u_drive_words.read_bank_i == f_slot)
          && (!f_own[Stages+1] || \u_old_words.read_bank_i == f_store)
          && (f_place_q != FDone || read_slot_i != f_slot || \u_readout_words.read_bank_i == f_store));
      writes_own: assert ((\u_old_words.write_i && \u_old_words.write_bank_i == f_store) == f_ends
          && (\u_readout_words.write_i && \u_readout_words.write_bank_i == f_store) == f_ends);
    end
  end
  if (Warm) begin : f_warm
    // One sample at a time: the next goes on from a state that has been read.
    always_comb if (f_old) begin
      alone: assert (32'(f_entered) == 32'(held) && (held ? f_running_q != (done_q != '0) : !f_running_q && done_q == '0)
          && (done_q & ~f_first_slot) == '0 && settled == (f_freed_q || done_q != '0));
    end
  end
  if (LeakShift != 0) begin : f_leak
    always_comb if (f_old) leaks_own: assert ((!f_own[Stages-4] || \g_leak.u_leak_words.read_bank_i == f_store)
        && (\g_leak.u_leak_words.write_i && \g_leak.u_leak_words.write_bank_i == f_store) == f_ends);
  end
