  // Any one word that was written comes out once, after those before it and before those after it.
  logic f_old = 1'b0;
  (* anyseq *) logic f_mark;
  logic f_on_q;
  logic [Width-1:0] f_word_q;
  logic [31:0] f_place_q;  // words before it
  logic [31:0] f_head, f_count;
  assign f_head = 32'(read_q);
  assign f_count = 32'(count_q);
  always_ff @(posedge clk_i) begin
    f_old <= 1'b1;
    if (!rst_ni) f_on_q <= 1'b0;
    else if (f_on_q) begin
      if (valid_o && ready_i) begin
        f_place_q <= f_place_q - 1;
        if (f_place_q == 0) f_on_q <= 1'b0;
      end
    end else if (write_i && f_mark) begin
      f_on_q <= 1'b1;
      f_word_q <= data_i;
      f_place_q <= f_count - 32'(valid_o && ready_i);
    end
  end
  always_comb begin
    if (!f_old) assume (!rst_ni);
    // The writer's part: credits.
    if (f_old && f_count == Depth) assume (!write_i);
    // In any state, be it after an upset.
    contradiction: assert (error_o == (f_head >= Depth || (write_i && !(valid_o && ready_i) && f_count >= Depth)
        || 32'(write_q) != (f_head + f_count >= Depth ? f_head + f_count - Depth : f_head + f_count)));
    if (f_old) begin
      in_range: assert (f_count <= Depth && f_head < Depth && 32'(write_q) < Depth);
      pointers: assert (32'(write_q) == (f_head + f_count >= Depth ? f_head + f_count - Depth : f_head + f_count));
      if (f_on_q) begin
        kept: assert (f_place_q < f_count);
        stored: assert (memory[f_head + f_place_q >= Depth ? f_head + f_place_q - Depth : f_head + f_place_q] == f_word_q);
        if (f_place_q == 0) order: assert (valid_o && data_o == f_word_q);
      end
    end
  end
  // AXI4-Stream: what is offered stays until it is taken.
  logic f_stalled_q;
  logic [Width-1:0] f_offered_q;
  always_ff @(posedge clk_i) begin
    f_stalled_q <= rst_ni && valid_o && !ready_i;
    f_offered_q <= data_o;
  end
  always_comb if (f_old && f_stalled_q) begin
    valid_stays: assert (valid_o);
    data_stays: assert (data_o == f_offered_q);
  end
  // One goes out in every cycle that is ready.
  logic [31:0] f_before_q;
  logic f_taken_q, f_written_q;
  always_ff @(posedge clk_i) begin
    f_before_q <= f_count;
    f_taken_q <= ready_i && rst_ni;
    f_written_q <= write_i;
  end
  always_comb if (f_old && f_taken_q && f_before_q != 0) drains: assert (f_count == f_before_q - 1 + 32'(f_written_q));
