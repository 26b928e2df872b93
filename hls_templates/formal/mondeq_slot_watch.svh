  // An account of every slot of its own; what contradicts it, or names no slot or two, is an error, and nothing else is.
  logic f_old = 1'b0;
  logic [Slots-1:0] f_running_q;
  logic [31:0] f_named;
  logic f_twice, f_known, f_filled;
  always_ff @(posedge clk_i) begin
    f_old <= 1'b1;
    for (int i = 0; i < Slots; i++) begin
      if (!rst_ni || (update_i && end_i && 32'(update_slot_i) == i)) f_running_q[i] <= 1'b0;
      else if (begin_i && begin_slots_i[i]) f_running_q[i] <= 1'b1;
    end
  end
  always_comb begin
    f_named = 0;
    f_twice = 1'b0;
    f_known = 1'b0;
    f_filled = 1'b0;
    for (int i = 0; i < Slots; i++) begin
      f_named = f_named + 32'(named_slots_i[i]);
      if (begin_i && begin_slots_i[i] && f_running_q[i]) f_twice = 1'b1;
      if (32'(update_slot_i) == i && f_running_q[i]) f_known = 1'b1;
      if (loaded_i && 32'(loaded_slot_i) == i && (ready_i[i] || f_running_q[i] || done_i[i])) f_filled = 1'b1;
    end
    if (!f_old) assume (!rst_ni);
    if (f_old) begin
      account: assert (running_q == f_running_q);
      contradiction: assert (error_o == ((named_i && f_named != 1) || f_twice || (update_i && !f_known) || f_filled));
    end
  end
