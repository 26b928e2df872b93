  // Samples inside, from the cycle in which their states come until their outputs are taken: their slots are theirs so
  // long.
  localparam int FStages = Stages + 2;
  localparam int FPointerBits = (Slots > 1) ? $clog2(Slots) : 1;
  (* hierconn *) logic [FStages-1:0] \u_write.g_stages.stages_q ;
  (* hierconn *) logic [$clog2(Slots+1)-1:0] \u_buffer.count_q ;
  (* hierconn *) logic [FPointerBits-1:0] \u_buffer.read_q , \u_buffer.write_q ;
  logic f_old = 1'b0;
  logic [SlotBits-1:0] f_next_q;  // whose sample comes next
  logic [SlotBits:0] f_inside_q, f_oldest, f_end;
  logic [$clog2(FStages+1)-1:0] f_on_way, f_waited_q, f_first;
  assign f_oldest = (f_next_q < f_inside_q) ? f_next_q + Slots - f_inside_q : f_next_q - f_inside_q;
  assign f_end = \u_buffer.read_q + \u_buffer.count_q ;
  always_comb begin
    f_on_way = '0;
    f_first = '0;  // stages behind it of the sample that has been on its way longest
    for (int s = 0; s < FStages; s++) begin
      f_on_way = f_on_way + \u_write.g_stages.stages_q [s];
      if (\u_write.g_stages.stages_q [s]) f_first = s;
    end
    if (!f_old) assume (!rst_ni);
    // The solver's part: samples come in the order of their slots; the drive's: a slot has one sample until it is freed.
    if (f_old && done_i != '0) assume (done_i == Slots'(1) << f_next_q && 32'(f_inside_q) < Slots);
  end
  always_ff @(posedge clk_i) begin
    f_old <= 1'b1;
    if (!rst_ni) begin
      f_next_q <= '0;
      f_inside_q <= '0;
      f_waited_q <= '0;
    end else begin
      if (done_i != '0) f_next_q <= (32'(f_next_q) == Slots - 1) ? '0 : f_next_q + 1'b1;
      f_inside_q <= f_inside_q + (done_i != '0) - (valid_o && ready_i);
      f_waited_q <= (f_inside_q != '0 && !valid_o) ? f_waited_q + 1'b1 : '0;
    end
  end
  always_comb if (f_old) begin
    // Every sample that has come is on its way or offered, and there is a place for each.
    counted: assert (32'(f_inside_q) <= Slots && 32'(f_inside_q) == 32'(f_on_way) + \u_buffer.count_q && 32'(f_next_q) < Slots
        && 32'(\u_buffer.read_q ) < Slots && 32'(\u_buffer.write_q ) == ((32'(f_end) >= Slots) ? 32'(f_end) - Slots : 32'(f_end)));
    no_overrun: assert (!error_o);
    // A slot is freed when its outputs are taken, and no other.
    frees: assert (release_o == (valid_o && ready_i) && (!release_o || f_inside_q != '0));
    in_turn: assert (32'(slot_o) == f_oldest);
    // Nothing waits but for its way through the graph, or for the sink.
    in_time: assert (f_inside_q == '0 || valid_o || f_waited_q <= f_first);
  end
