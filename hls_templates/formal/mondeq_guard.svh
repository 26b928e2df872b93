  // An account of samples, slots and frames that is kept from the ports alone.  What contradicts it, or is late, is a
  // flush in the next cycle (an engine's own error in the one after), once, and nothing else is; every frame that goes
  // out has Results beats; events stay.
  logic f_old = 1'b0;
  logic [31:0] f_index_q, f_samples_q, f_quiet_q, f_load_q, f_release_q;
  logic [Slots-1:0] f_occupied_q;
  logic f_flush_q, f_fill_q, f_event_q, f_memory_q, f_engine_q, f_leaves, f_ends, f_error;
  assign f_leaves = valid_o && ready_i;
  assign f_ends = f_index_q == Results - 1;
  assign f_error = !f_flush_q && (f_engine_q || (done_i & ~f_occupied_q) != '0 || f_quiet_q == Watchdog
      || (loaded_i && (32'(loaded_slot_i) != f_load_q || f_occupied_q[loaded_slot_i]))
      || (release_i && 32'(release_slot_i) != f_release_q)
      || (valid_i && !f_fill_q && (f_samples_q == 0 || last_i != f_ends)));
  always_ff @(posedge clk_i) begin
    f_old <= 1'b1;
    f_flush_q <= rst_ni && f_error;
    f_event_q <= rst_ni && (f_error || (f_event_q && !event_clear_i));
    f_memory_q <= rst_ni && (f_memory_q || memory_error_i);
    if (!rst_ni) begin
      f_index_q <= 0;
      f_fill_q <= 1'b0;
    end else begin
      if (f_leaves) f_index_q <= f_ends ? 0 : f_index_q + 1;
      if (f_flush_q) f_fill_q <= f_index_q != 0;
      else if (f_leaves && f_ends) f_fill_q <= 1'b0;
    end
    if (!rst_ni || f_flush_q) begin
      f_samples_q <= 0;
      f_quiet_q <= 0;
      f_load_q <= 0;
      f_release_q <= 0;
      f_occupied_q <= '0;
      f_engine_q <= 1'b0;
    end else begin
      f_engine_q <= error_i;
      f_samples_q <= f_samples_q + 32'(sample_i) - 32'(f_leaves && f_ends && !f_fill_q);
      if (f_leaves || (f_samples_q == 0 && !waits_i)) f_quiet_q <= 0;
      else if (!valid_o && f_quiet_q < Watchdog) f_quiet_q <= f_quiet_q + 1;
      if (loaded_i) f_load_q <= (f_load_q == Slots - 1) ? 0 : f_load_q + 1;
      if (release_i) f_release_q <= (f_release_q == Slots - 1) ? 0 : f_release_q + 1;
      for (int i = 0; i < Slots; i++) begin
        if (release_i && 32'(release_slot_i) == i) f_occupied_q[i] <= 1'b0;
        else if (loaded_i && 32'(loaded_slot_i) == i) f_occupied_q[i] <= 1'b1;
      end
    end
  end
  always_comb begin
    if (!f_old) assume (!rst_ni);
    if (f_samples_q > Slots + 254) assume (!sample_i);  // there is no room for more
    if (f_old) begin
      begins_anew: assert (flush_o == f_flush_q);
      reports: assert (event_error_o == (f_event_q || f_memory_q));
      gives: assert (valid_o == ((valid_i || f_fill_q) && !f_flush_q));
      takes: assert (ready_o == (ready_i && !f_fill_q && !f_flush_q));
      fills: assert (fill_o == f_fill_q);
      framed: assert (last_o == f_ends);
      registers: assert (event_q == f_event_q && memory_error_q == f_memory_q && error_q == f_engine_q);
      in_frame: assert (32'(index_q) == f_index_q && f_index_q < Results && (!f_fill_q || f_index_q != 0));
      account: assert (f_flush_q || (32'(samples_q) == f_samples_q && f_samples_q <= Slots + 255));
      slots: assert (f_flush_q || (32'(load_q) == f_load_q && 32'(release_q) == f_release_q && f_load_q < Slots
          && f_release_q < Slots && occupied_q == f_occupied_q));
      patience: assert (f_flush_q || (32'(quiet_q) == f_quiet_q && f_quiet_q <= Watchdog));
    end
  end
